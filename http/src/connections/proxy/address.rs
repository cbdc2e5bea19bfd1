//! The URL of a proxy: its protocol, host, port and credentials.
//!
//! Only the scheme, credentials, host and port of a proxy's URL have a meaning. The part after the scheme is parsed by
//! [`Url`], like all URLs, with `http` in place of the schemes that `Url` does not support.

#[cfg(feature = "digest")]
use super::digest::ProxyDigest;
use crate::error::{Error, ErrorKind};
use crate::request::auth;
use crate::url::Url;
use http::HeaderValue;
use std::fmt;

/// One proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(super) protocol: Protocol,
    url: Url,
    port: u16,
    pub(super) authorization: Option<HeaderValue>,
    #[cfg(feature = "digest")]
    pub(super) digest: Option<ProxyDigest>,
}

/// The protocol of a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Http,
    Https,
    /// Names are resolved by this client, and only IPv4 addresses can be connected to.
    Socks4,
    /// Names are resolved by the proxy.
    Socks4a,
    /// Names are resolved by this client.
    Socks5,
    /// Names are resolved by the proxy.
    Socks5h,
}

/// The first scheme of a protocol is the one that is shown. GNOME writes `socks` into `all_proxy`, without a version;
/// browsers take it for SOCKS 5 with names resolved by the proxy.
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
    /// Parses `http://user:password@host:port` and the like; without a scheme it is an HTTP proxy.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), without the credentials.
    pub(crate) fn parse(text: &str) -> Result<Proxy, Error> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let known = SCHEMES.iter().find(|(name, ..)| scheme.eq_ignore_ascii_case(name));
        let Some(&(_, protocol, usual_port)) = known else {
            // What is not spelled like a scheme might be a part of a password.
            let is_scheme = scheme.len() <= 20 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let found = if is_scheme { format!(", not with {scheme}://") } else { String::new() };
            return Err(Error::new(
                ErrorKind::Url,
                format!(
                    "the URL of a proxy begins with http://, https://, socks5://, socks5h://, socks4:// or socks4a://\
                     {found}"
                ),
            ));
        };
        let url = Url::parse(&format!("http://{rest}"))
            .map_err(|cause| Error::new(ErrorKind::Url, "the URL of a proxy").because(cause))?;
        // The parsed form omits port 80, the default of `http`, even if the text has it.
        let port = url.port().unwrap_or(if writes_port_80(rest) { 80 } else { usual_port });
        let authorization = auth::from_url(&url);
        let proxy = Proxy {
            protocol,
            url,
            port,
            authorization,
            #[cfg(feature = "digest")]
            digest: None,
        };
        proxy.check()?;
        Ok(proxy)
    }

    /// Refuses credentials that the protocol cannot carry, so that they are not left out silently later.
    fn check(&self) -> Result<(), Error> {
        let refused = |why: &str| Err(Error::new(ErrorKind::Url, format!("the proxy {self}: {why}")));
        let Some((user, password)) = self.credentials() else { return Ok(()) };
        match self.protocol {
            Protocol::Socks4 | Protocol::Socks4a if !password.is_empty() => {
                refused("SOCKS 4 has a user name, but no password")
            }
            Protocol::Socks4 | Protocol::Socks4a if user.contains(&0) => {
                refused("a user name may not contain a NUL")
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

    /// Whether the connection to it uses TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.protocol == Protocol::Https
    }

    /// Whether the client looks the server's name up, and gives the proxy an address.
    pub(super) fn wants_addresses(&self) -> bool {
        matches!(self.protocol, Protocol::Socks4 | Protocol::Socks5)
    }

    /// Whether it forwards HTTP requests (and does not only make tunnels).
    pub(crate) fn speaks_http(&self) -> bool {
        matches!(self.protocol, Protocol::Http | Protocol::Https)
    }

    /// The value of the `Proxy-Authorization` field, if there are credentials.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.url.has_credentials()
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

/// Whether a URL without its scheme has port 80, in any spelling.
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
            "ann:secret://@p.test",
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
