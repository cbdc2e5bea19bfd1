//! Proxies for some requests of a session: by scheme, by host, or by both.

use super::address::Proxy;
use super::bypass::Element;
use crate::error::{Error, ErrorKind};
use crate::url::Url;
use std::rc::Rc;

/// A proxy, and for which requests it is.
pub(super) struct Rule {
    /// `None`: both schemes.
    https: Option<bool>,
    /// `None`: all hosts.
    hosts: Option<Element>,
    pub(super) proxy: Rc<Proxy>,
}

impl Rule {
    /// `pattern` is `http`, `https`, hosts as in a `NO_PROXY` list, or both with `://` between them.
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request) for a pattern that makes no sense, of kind [`Url`](ErrorKind::Url) for a proxy.
    pub(super) fn new(pattern: &str, proxy: &str) -> Result<Rule, Error> {
        let is_scheme =
            |text: &str| ["http", "https", "all"].iter().any(|known| text.eq_ignore_ascii_case(known));
        let (scheme, hosts) = match pattern.split_once("://") {
            Some((scheme, hosts)) => (scheme, hosts.strip_suffix('/').unwrap_or(hosts)),
            None if is_scheme(pattern) => (pattern, ""),
            None => ("all", pattern),
        };
        if !is_scheme(scheme) || pattern.is_empty() || pattern.contains([',', ' ']) {
            let what = format!(
                "a proxy for {pattern:?}: the pattern is http, https, one host (a.example, 10.0.0.0/8), or both (https://a.example)"
            );
            return Err(Error::new(ErrorKind::Request, what));
        }
        let https =
            if scheme.eq_ignore_ascii_case("all") { None } else { Some(scheme.len() == "https".len()) };
        let hosts = if hosts.is_empty() { None } else { Some(Element::checked(hosts)?) };
        Ok(Rule { https, hosts, proxy: Rc::new(Proxy::parse(proxy)?) })
    }

    pub(super) fn fits(&self, url: &Url) -> bool {
        self.https.is_none_or(|https| https == url.is_https())
            && self.hosts.as_ref().is_none_or(|hosts| hosts.covers(url.host(), url.port_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, fitting: &[&str], others: &[&str]) {
        let rule = Rule::new(pattern, "http://p:1").expect(pattern);
        let fits = |text: &str| rule.fits(&Url::parse(text).expect(text));
        assert!(fitting.iter().all(|text| fits(text)), "{pattern} fits {fitting:?}");
        assert!(!others.iter().any(|text| fits(text)), "{pattern} does not fit {others:?}");
    }

    #[test]
    fn a_pattern_is_a_scheme_hosts_or_both() {
        check("http", &["http://a/"], &["https://a/"]);
        check("HTTPS://", &["https://a/"], &["http://a/"]);
        check("all", &["http://a/", "https://a/"], &[]);
        check("*", &["http://a/", "https://a/"], &[]);
        check("a.test", &["http://a.test/", "https://b.a.test:8080/"], &["http://b.test/"]);
        check("all://a.test/", &["http://a.test/"], &["http://b.test/"]);
        check("https://a.test:8443", &["https://a.test:8443/"], &["https://a.test/", "http://a.test:8443/"]);
        check("10.0.0.0/8", &["http://10.1.2.3/"], &["http://11.0.0.1/", "http://ten.test/"]);
        check("[::1]", &["http://[::1]:81/"], &["http://[::2]/"]);
        check("b\u{fc}cher.test", &["http://b\u{fc}cher.test/"], &["http://bucher.test/"]);
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused() {
        for pattern in [
            "",
            "ftp",
            "ftp://a.test",
            "a.test,b.test",
            "a b",
            "*.a.test",
            "a.test:x",
            "10.0.0.0/99",
            "https://a@b",
        ] {
            let proxied = Rule::new(pattern, "http://p:1").map(|rule| rule.https);
            if pattern == "ftp" {
                // It may be the name of a host.
                assert_eq!(proxied.expect("a host"), None);
            } else {
                assert!(proxied.expect_err(pattern).is_request(), "{pattern}");
            }
        }
        assert!(Rule::new("http", "gopher://ann:secret@p").map(|_| ()).expect_err("no proxy").is_url());
    }
}
