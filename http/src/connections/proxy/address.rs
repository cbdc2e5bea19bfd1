//! The address of a proxy: which protocol it is spoken to in, where it is, and with which credentials.
//!
//! A proxy's address looks like a URL and is less: only scheme, credentials, host and port mean something. So the part
//! behind the scheme goes through the one parser that all addresses go through ([`Url`]), with `http` standing in for
//! schemes which that parser does not speak.

use crate::error::{Error, ErrorKind};
use crate::request::auth;
use crate::url::Url;
use http::HeaderValue;
use std::fmt;

/// One proxy.
pub(crate) struct Proxy {
    pub(super) protocol: Protocol,
    url: Url,
    port: u16,
    authorization: Option<HeaderValue>,
}

/// What is spoken with a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Http,
    Https,
    /// Names are looked up here, and only IPv4 addresses can be connected to.
    Socks4,
    /// Names are looked up by the proxy.
    Socks4a,
    /// Names are looked up here.
    Socks5,
    /// Names are looked up by the proxy.
    Socks5h,
}

/// The first scheme of a protocol is the one that is shown. `socks` is what GNOME writes into `all_proxy`, without saying
/// which version; browsers read it as SOCKS 5 with names looked up by the proxy.
const SCHEMES: [(&str, Protocol, u16); 7] = [
    ("http", Protocol::Http, 80),
    ("https", Protocol::Https, 443),
    ("socks4", Protocol::Socks4, 1080),
    ("socks4a", Protocol::Socks4a, 1080),
    ("socks5", Protocol::Socks5, 1080),
    ("socks5h", Protocol::Socks5h, 1080),
    ("socks", Protocol::Socks5h, 1080),
];

impl Proxy {
    /// Reads `http://user:password@host:port` and the like; without a scheme it is an HTTP proxy.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), without the credentials.
    pub(crate) fn parse(text: &str) -> Result<Proxy, Error> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let known = SCHEMES.iter().find(|(name, ..)| scheme.eq_ignore_ascii_case(name));
        let Some(&(_, protocol, usual_port)) = known else {
            // Without a scheme whatever stands there might be a password.
            let scheme = scheme.chars().filter(|c| c.is_ascii_alphanumeric()).take(20).collect::<String>();
            return Err(Error::new(
                ErrorKind::Url,
                format!(
                    "a proxy's address begins with http://, https://, socks5://, socks5h://, socks4:// or socks4a://, \
                     not with {scheme}://"
                ),
            ));
        };
        let url = Url::parse(&format!("http://{rest}"))
            .map_err(|cause| Error::new(ErrorKind::Url, "a proxy's address").because(cause))?;
        // The stand-in scheme's own port does not show in the parsed form, though it may have been written.
        let port = url.port().unwrap_or(if writes_port_80(rest) { 80 } else { usual_port });
        let authorization = auth::from_url(&url);
        let proxy = Proxy { protocol, url, port, authorization };
        proxy.check()?;
        Ok(proxy)
    }

    /// What the protocol has no room for is refused here, so that it is not left out silently later.
    fn check(&self) -> Result<(), Error> {
        let refused = |why: &str| Err(Error::new(ErrorKind::Url, format!("the proxy {self}: {why}")));
        let Some((user, password)) = self.credentials() else { return Ok(()) };
        match self.protocol {
            Protocol::Socks4 | Protocol::Socks4a if !password.is_empty() => {
                refused("SOCKS 4 knows a user name, but no password")
            }
            Protocol::Socks4 | Protocol::Socks4a if user.contains(&0) => {
                refused("a user name may not hold a NUL")
            }
            Protocol::Socks5 | Protocol::Socks5h if user.is_empty() || user.len() > 255 => {
                refused("a user name for SOCKS 5 has between 1 and 255 bytes")
            }
            Protocol::Socks5 | Protocol::Socks5h if password.len() > 255 => {
                refused("a password for SOCKS 5 has at most 255 bytes")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn host(&self) -> &str {
        self.url.host()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken to in TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.protocol == Protocol::Https
    }

    /// Whether the client looks the server's name up, and gives the proxy an address.
    pub(super) fn wants_addresses(&self) -> bool {
        matches!(self.protocol, Protocol::Socks4 | Protocol::Socks5)
    }

    /// Whether it takes HTTP requests (and not only tunnels bytes).
    pub(crate) fn speaks_http(&self) -> bool {
        matches!(self.protocol, Protocol::Http | Protocol::Https)
    }

    /// The value of the `Proxy-Authorization` field, if there are credentials.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The error of asking this proxy for `what`.
    pub(super) fn failed(&self, what: &str) -> Error {
        Error::new(ErrorKind::Proxy, format!("asking the proxy {self} for {what}"))
    }

    /// User name and password, decoded.
    pub(super) fn credentials(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.url.has_credentials().then(|| {
            let password = self.url.password().unwrap_or_default();
            (auth::percent_decode(self.url.username()), auth::percent_decode(password))
        })
    }
}

/// Whether an address without its scheme names port 80, in whatever spelling.
fn writes_port_80(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = authority.rsplit('@').next().and_then(|host| host.rsplit_once(':')).map(|(_, port)| port);
    port.is_some_and(|port| port.parse() == Ok(80_u16))
}

impl fmt::Display for Proxy {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES.iter().find(|(_, protocol, _)| *protocol == self.protocol);
        write!(f, "{}://{}:{}", scheme.map_or("", |(name, ..)| name), self.host(), self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Proxy::parse(text).expect(text).to_string()
    }

    #[test]
    fn every_scheme_has_its_usual_port() {
        assert_eq!(shown("http://p.test"), "http://p.test:80");
        assert_eq!(shown("https://p.test/"), "https://p.test:443");
        assert_eq!(shown("SOCKS5://p.test"), "socks5://p.test:1080");
        assert_eq!(shown("socks5h://p.test"), "socks5h://p.test:1080");
        assert_eq!(shown("socks4a://p.test"), "socks4a://p.test:1080");
        assert_eq!(shown("socks4://p.test"), "socks4://p.test:1080");
        assert_eq!(shown("socks://p.test:1081/"), "socks5h://p.test:1081", "GNOME's all_proxy");
    }

    #[test]
    fn a_port_that_is_written_counts_also_if_it_is_80() {
        assert_eq!(shown("socks5://p.test:80"), "socks5://p.test:80");
        assert_eq!(shown("socks5://u:x@[::1]:080/"), "socks5://[::1]:80");
        assert_eq!(shown("socks5://[::80]"), "socks5://[::80]:1080");
        assert_eq!(shown("http://p.test:3128"), "http://p.test:3128");
    }

    #[test]
    fn without_a_scheme_it_is_an_http_proxy() {
        assert_eq!(shown("p.test:3128"), "http://p.test:3128");
        assert_eq!(shown("user:secret@p.test:3128"), "http://p.test:3128");
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let proxy = Proxy::parse("http://a%40b:p%3Aw@p.test:3128").expect("a proxy");
        assert_eq!(proxy.credentials(), Some((b"a@b".to_vec(), b"p:w".to_vec())));
        assert!(!format!("{proxy} {proxy:?}").contains("p:w"));
        assert!(proxy.authorization().is_some_and(HeaderValue::is_sensitive));
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_a_password() {
        for text in [
            "ftp://ann:secret@p.test",
            "socks4://ann:secret@p.test",
            "http://ann:secret@p.test:99999",
            "http://ann:secret@",
            "",
            "http://",
            "http://ann:secret@p.test:3128\r\nX: y",
            "socks4a://ann:secret@p.test",
            "socks5://:secret@p.test",
        ] {
            let error = Proxy::parse(text).expect_err(text);
            assert!(error.is_url() && !error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_socks_cannot_carry_is_refused() {
        let long = "x".repeat(256);
        for text in [
            format!("socks5://{long}:p@p.test"),
            format!("socks5h://u:{long}@p.test"),
            "socks4a://u%00v@p.test".into(),
        ] {
            assert!(Proxy::parse(&text).is_err(), "{text}");
        }
    }
}
