//! `NO_PROXY`, and the list of a session: the hosts that are connected to directly.
//!
//! There is no standard for this variable. The rules here are curl's (`lib/noproxy.c`), and one more that other programs
//! have and curl has not: an element may end in a port.
//!
//! | element | means |
//! |---|---|
//! | `*` | every host |
//! | `example.com` | this name and everything below it: `example.com`, `a.example.com`; not `notexample.com` |
//! | `.example.com` | the same: one leading dot is ignored |
//! | `192.0.2.7`, `::1`, `[::1]` | this IP address, in any spelling |
//! | `192.0.2.0/24`, `fe80::/10` | the addresses of this block (RFC 4632, RFC 4291 §2.3) |
//! | any of these but `*` and a block, and `:port` | only on this port |
//!
//! Elements are separated by commas or blanks. The case of letters and a trailing dot (of either name) are ignored. Names
//! are compared with names and IP addresses with IP addresses, without DNS. There is no wildcard within a name, and
//! `localhost` is a name like any other, which has to be listed.
//!
//! An element of the environment that makes no sense is ignored, as by curl: the variable is for all programs, and one of them
//! may understand it. In a list that is written in code it is a mistake.

use crate::error::{Error, ErrorKind};
use crate::url::Url;
use std::net::IpAddr;

/// A parsed `NO_PROXY`, or the list of a session.
#[derive(Default, Debug)]
pub(super) struct Bypass(Vec<Element>);

/// One element of the list: one or more hosts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Element {
    Everything,
    Name { name: String, port: Option<u16> },
    Address { address: IpAddr, port: Option<u16> },
    Block { address: IpAddr, bits: u32 },
}

impl Bypass {
    pub(super) fn parse(text: &str) -> Bypass {
        let elements = text.split([',', ' ', '\t']).filter(|element| !element.is_empty());
        Bypass(elements.filter_map(Element::parse).collect())
    }

    /// Adds the elements of a list that is written in code.
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if one of them makes no sense.
    pub(super) fn add(&mut self, text: &str) -> Result<(), Error> {
        for element in text.split([',', ' ', '\t']).filter(|element| !element.is_empty()) {
            self.0.push(Element::checked(element)?);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `host`, in the form that it has in a parsed URL, is connected to directly on `port`.
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|element| element.covers(host, port))
    }
}

impl Element {
    /// Whether it stands for `host`, in the form that it has in a parsed URL, on `port`.
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = bracketed.unwrap_or(host).parse::<IpAddr>().ok();
        // A host in brackets is an IPv6 address, or matches nothing.
        let name = match address {
            None if !host.starts_with('[') => Some(host.strip_suffix('.').unwrap_or(host)),
            _ => None,
        };
        match self {
            Element::Everything => true,
            Element::Name { name: suffix, port: only } => {
                only.is_none_or(|only| only == port) && name.is_some_and(|name| is_below(name, suffix))
            }
            Element::Address { address: listed, port: only } => {
                only.is_none_or(|only| only == port) && address == Some(*listed)
            }
            Element::Block { address: block, bits } => {
                address.is_some_and(|address| is_within(address, *block, *bits))
            }
        }
    }

    /// One element that is written in code. An internationalised name gets the form that it has in URLs.
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if it makes no sense.
    pub(super) fn checked(text: &str) -> Result<Element, Error> {
        let no_host = |why: &str| {
            let what = format!("{text:?} does not stand for hosts: {why}");
            Error::new(ErrorKind::Request, what)
        };
        let known =
            "a name, an IP address (both with or without a port), a block of addresses or * are expected";
        match Element::parse(text).ok_or_else(|| no_host(known))? {
            Element::Name { name, .. } if name.contains('*') => {
                Err(no_host("a name stands for all names below it, too, and has no * in it"))
            }
            Element::Name { name, port } => {
                let name = Url::normal_host(&name).map_err(|_| no_host(known))?;
                Ok(Element::Name { name, port })
            }
            element => Ok(element),
        }
    }

    fn parse(text: &str) -> Option<Element> {
        if text == "*" {
            return Some(Element::Everything);
        }
        if let Some((block, bits)) = text.split_once('/') {
            let address: IpAddr = without_brackets(block).parse().ok()?;
            let bits = bits.parse().ok().filter(|&bits| bits <= if address.is_ipv4() { 32 } else { 128 })?;
            return Some(Element::Block { address, bits });
        }
        if let Ok(address) = without_brackets(text).parse() {
            return Some(Element::Address { address, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        if let Ok(address) = without_brackets(host).parse() {
            return Some(Element::Address { address, port });
        }
        let name = host.strip_prefix('.').unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        (!name.is_empty()).then_some(Element::Name { name, port })
    }
}

fn without_brackets(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

/// Whether `name` is `suffix` or ends in a dot and `suffix`.
fn is_below(name: &str, suffix: &str) -> bool {
    let Some(at) = name.len().checked_sub(suffix.len()) else { return false };
    let (before, end) = name.as_bytes().split_at(at);
    end.eq_ignore_ascii_case(suffix.as_bytes()) && before.last().is_none_or(|&byte| byte == b'.')
}

/// Whether the first `bits` bits of both agree.
fn is_within(address: IpAddr, block: IpAddr, bits: u32) -> bool {
    match (address, block) {
        (IpAddr::V4(address), IpAddr::V4(block)) => {
            (address.to_bits() ^ block.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(block)) => {
            (address.to_bits() ^ block.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, covered: &[&str], not_covered: &[&str]) {
        let bypass = Bypass::parse(list);
        for host in covered {
            assert!(bypass.covers(host, 80), "{list:?} covers {host}");
        }
        for host in not_covered {
            assert!(!bypass.covers(host, 80), "{list:?} does not cover {host}");
        }
    }

    #[test]
    fn a_name_covers_itself_and_what_is_below_it() {
        check(
            "example.com",
            &["example.com", "a.example.com", "a.b.example.com"],
            &["notexample.com", "example.com.evil", "com", "example.org"],
        );
    }

    #[test]
    fn one_leading_dot_means_nothing() {
        check(".example.com", &["example.com", "a.example.com"], &["notexample.com"]);
    }

    #[test]
    fn case_and_a_dot_at_the_end_mean_nothing() {
        check("Example.COM.", &["example.com", "a.example.com."], &["b.com"]);
        check("example.com", &["example.com."], &[]);
    }

    #[test]
    fn a_star_covers_everything_and_is_no_wildcard_within_a_name() {
        check("*", &["example.com", "127.0.0.1", "[::1]"], &[]);
        check("x.test, *", &["example.com"], &[]);
        check("*.example.com", &[], &["a.example.com", "example.com"]);
    }

    #[test]
    fn commas_and_blanks_separate() {
        check("a.test,b.test  c.test,,\td.test", &["a.test", "b.test", "c.test", "d.test"], &["e.test"]);
    }

    #[test]
    fn an_ipv4_address_covers_itself_only() {
        check("127.0.0.1", &["127.0.0.1"], &["127.0.0.2", "1.127.0.0.1.test", "[::1]"]);
        check("0.0.1", &[], &["127.0.0.1"]);
    }

    #[test]
    fn an_ipv6_address_covers_itself_in_every_spelling() {
        for spelling in ["::1", "[::1]", "0:0:0:0:0:0:0:1", "0000::0001"] {
            check(spelling, &["[::1]", "[0:0:0::1]"], &["[::2]", "localhost"]);
        }
        check("2001:DB8::A", &["[2001:db8:0:0:0:0:0:a]"], &["[2001:db8::b]"]);
    }

    #[test]
    fn a_block_covers_its_addresses() {
        check("192.168.0.0/16", &["192.168.0.1", "192.168.255.255"], &["192.169.0.0", "192.168.test"]);
        check("10.0.0.0/8,0.0.0.0/0", &["10.1.2.3", "8.8.8.8"], &["[::1]"]);
        check("1.2.3.4/32", &["1.2.3.4"], &["1.2.3.5"]);
        check("fe80::/10", &["[fe80::1]", "[febf::1]"], &["[fec0::1]", "10.0.0.1"]);
        check("[2001:db8::]/32", &["[2001:db8:ffff::1]"], &["[2001:db9::1]"]);
        check("::/0", &["[2001:db8::1]"], &["1.2.3.4"]);
    }

    #[test]
    fn a_block_that_is_none_covers_nothing() {
        check("10.0.0.0/33,10.0.0.0/x,10.0.0.0/-1,::/129,10/8,/8", &[], &["10.0.0.1", "[::1]"]);
    }

    #[test]
    fn an_element_with_a_port_counts_for_that_port() {
        let bypass = Bypass::parse("example.com:8080,[::1]:81,127.0.0.1:82");
        assert!(bypass.covers("a.example.com", 8080) && !bypass.covers("a.example.com", 80));
        assert!(bypass.covers("[::1]", 81) && !bypass.covers("[::1]", 80));
        assert!(bypass.covers("127.0.0.1", 82) && !bypass.covers("127.0.0.1", 80));
        check("example.com:x", &[], &["example.com"]);
    }

    #[test]
    fn case_127_a_zone_id_cannot_pass_for_a_domain() {
        check(".example.com,*.example.com", &[], &["[::1%25.example.com]", "[fe80::1%.example.com]"]);
        check("::1", &["[::1]"], &["[::1%25eth0]"]);
    }

    #[test]
    fn an_empty_list_covers_nothing() {
        check("", &[], &["localhost", "127.0.0.1"]);
        check(" , . ,", &[], &["localhost", "."]);
    }
}
