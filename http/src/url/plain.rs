//! URLs that need no parsing.
//!
//! Most URLs in programs are normalised already: `https://api.example.org/items?page=2`. The full parser takes a noticeable
//! part of a request's time to find that out. So this file scans a text once; if every part of it has a form that the
//! parser is known to leave unchanged, the text is taken as it is. For everything else, and in every doubtful case, the
//! result is `None`, and the parser decides. A test gives both the same texts.

use super::{Marks, Url};
use std::net::Ipv4Addr;

/// Longer texts are left to the parser, which has its own limits.
const LONGEST: usize = 4096;

/// The URL, if `text` is one in normal form.
pub(super) fn parse(text: &str) -> Option<Url> {
    let (scheme, own_port) = match () {
        () if text.starts_with("http://") => ("http://", 80),
        () if text.starts_with("https://") => ("https://", 443),
        () => return None,
    };
    if text.len() > LONGEST {
        return None;
    }
    let host_start = scheme.len();
    let host_end = host_start + text[host_start..].find([':', '/'])?;
    if !is_plain_host(&text[host_start..host_end]) {
        return None;
    }
    let path_start = host_end + text[host_end..].find('/')?;
    let port = match &text[host_end..path_start] {
        "" => None,
        port => Some(plain_port(&port[1..]).filter(|port| *port != own_port)?),
    };
    let path_end = text[path_start..].find('?').map_or(text.len(), |at| path_start + at);
    let plain = is_plain_path(&text.as_bytes()[path_start..path_end])
        && text.as_bytes()[path_end..].iter().all(in_query);
    plain.then(|| Url {
        text: text.to_owned(),
        marks: Marks {
            scheme_end: host_start - 3,
            user_end: host_start,
            host_start,
            host_end,
            port,
            path_start,
            path_end,
            query_end: text.len(),
        },
    })
}

/// An IPv4 address in its usual form, or a name of lower-case ASCII letters, digits, hyphens and single dots, whose last
/// label is not a number and that has no encoded label ("xn--").
fn is_plain_host(host: &str) -> bool {
    let bytes = host.as_bytes();
    let in_name = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    let Some(last) = host.rsplit('.').next().filter(|_| bytes.iter().all(in_name)) else { return false };
    match last.bytes().next() {
        None | Some(b'-') => false,
        // The parser accepts many spellings of an IPv4 address; this function only the usual one.
        Some(b'0'..=b'9') => host.parse::<Ipv4Addr>().is_ok(),
        Some(_) => {
            host.len() < 254
                && bytes[0].is_ascii_alphanumeric()
                && !host.contains("..")
                && !host.contains("--")
        }
    }
}

fn plain_port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

/// Segments that begin with a dot or contain a percent sign (`%2e`) may be `.` or `..`, so they are left to the parser.
fn is_plain_path(path: &[u8]) -> bool {
    let in_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(byte);
    path.iter().all(in_path) && !path.windows(2).any(|pair| pair == b"/.")
}

fn in_query(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?%".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whatever this file accepts, the parser accepts with the same result.
    fn agrees(text: &str) -> bool {
        let Some(plain) = parse(text) else { return false };
        let full = Url::from_parsed(&url::Url::parse(text).expect(text));
        assert_eq!((plain.as_str(), plain.marks), (full.as_str(), full.marks));
        true
    }

    #[test]
    fn common_addresses_are_plain() {
        for text in [
            "http://localhost/",
            "https://api.example.org/items?page=2&size=10",
            "http://127.0.0.1:8080/a/b.json",
            "https://a-b.example:8443/~user/x,y;z=1/?",
            "http://h.x/?q=%20%zz//a?b",
            "http://h.x//a//",
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn everything_doubtful_is_left_to_the_parser() {
        for text in [
            "HTTP://localhost/",
            "http://LOCALHOST/",
            "http://localhost",
            "http://localhost?x",
            "http://h:80/",
            "https://h:443/",
            "http://h:0/",
            "http://h:080/",
            "http://h:65536/",
            "http://h:/",
            "http://u@h/",
            "http://127.1/",
            "http://1.2.3.04/",
            "http://1.2.3.4./",
            "http://h./",
            "http://xn--a/",
            "http://a..b/",
            "http://-a/",
            "http://a.-/",
            "http:///x",
            "http://[::1]/",
            "http://h/a b",
            "http://h/.",
            "http://h/../x",
            "http://h/%2e",
            "http://h/\"",
            "http://h/?'",
            "http://h/#f",
            "http://h/ä",
            "http://0x7f/",
            "ftp://h/",
            "/x",
            "",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_taken_that_the_parser_would_change(text in "https?://[a-z0-9.x-]{1,12}(:[0-9]{1,5})?(/[a-zA-Z0-9.~%?&=:@_|^'-]{0,8}){1,4}") {
            agrees(&text);
        }

        #[test]
        fn no_text_is_taken_that_the_parser_refuses(text in "https?:/{0,3}[ -~]{0,20}") {
            agrees(&text);
        }
    }
}
