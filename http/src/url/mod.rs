//! URLs: [`Url`], and what can be converted into one.
//!
//! ```text
//! change.rs  setters, and the query as pairs
//! check.rs   which URLs are refused, before and after parsing
//! plain.rs   URLs that need no parsing
//! into.rs    IntoUrl
//! ```
//!
//! URLs are parsed by the rules of the WHATWG standard, which browsers use and the `url` crate implements. These rules
//! accept anything that a page may contain, so they are lenient where a client must not be: a line break inside a URL is
//! dropped without notice, `http:///x` gets the host `x`, `\` counts as `/`. Each of these has been used in attacks, in
//! which one program checks a URL and another one parses it differently. So a text is checked *before* it is parsed
//! (`check.rs`), and refused with a message if it is ambiguous. After that only the parsed form is used: by the
//! connection, the `Host` field, the TLS server name and the pool.
//!
//! [`Url`] is a type of this crate: the normalised text, and marks where its parts begin. So the parser can be replaced
//! without a breaking change, and is not needed for texts that are normalised already (`plain.rs`).

mod change;
mod check;
mod into;
mod plain;

pub use into::IntoUrl;

use crate::error::Error;
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;
use url::Position;

/// An `http` or `https` URL, parsed and normalised.
///
/// ```
/// use curio_http::Url;
///
/// let url: Url = "HTTP://Example.org:80/a/../b?q=1#top".parse()?;
/// assert_eq!(url.as_str(), "http://example.org/b?q=1#top");
/// assert_eq!(url.join("../c")?.as_str(), "http://example.org/c");
/// # Ok::<(), curio_http::Error>(())
/// ```
///
/// Its parts, as they stand in it:
///
/// ```
/// # use curio_http::Url;
/// let url: Url = "https://ann:4f1d@example.org:8443/a/b%20c?q=1#top".parse()?;
/// assert_eq!((url.scheme(), url.username(), url.password()), ("https", "ann", Some("4f1d")));
/// assert_eq!((url.host_str(), url.port()), (Some("example.org"), Some(8443)));
/// assert_eq!((url.path(), url.query(), url.fragment()), ("/a/b%20c", Some("q=1"), Some("top")));
/// assert_eq!(url.path_segments().collect::<Vec<_>>(), ["a", "b%20c"]);
/// # Ok::<(), curio_http::Error>(())
/// ```
///
/// Changed one by one, with what has to be encoded; a change that makes no URL is an error and changes nothing:
///
/// ```
/// # use curio_http::Url;
/// let mut url: Url = "http://example.org/".parse()?;
/// url.set_scheme("https")?;
/// url.set_host("api.example.org")?;
/// url.set_port(Some(8443))?;
/// url.set_path("/files/annual report.pdf")?;
/// url.set_query(Some("page=2"))?;
/// url.set_fragment(Some("figures"))?;
/// assert_eq!(url.as_str(), "https://api.example.org:8443/files/annual%20report.pdf?page=2#figures");
/// url.set_username("ann")?;
/// url.set_password(Some("a@b"))?;
/// assert!(url.as_str().starts_with("https://ann:a%40b@api.example.org:8443/"));
/// assert!(url.set_scheme("ftp").unwrap_err().is_url());
/// # Ok::<(), curio_http::Error>(())
/// ```
///
/// `Display` and [`as_str`](Url::as_str) show the whole URL, user name and password included; `Debug` leaves these two
/// out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    /// Shared, because a request, its response and the redirects to it have it in common.
    text: Arc<str>,
    marks: Marks,
}

/// The positions at which the parts end or begin, in bytes.
///
/// ```text
///   https :// user:password @ host : 8443 /path ?query #fragment
///        │                │  │    │      │     │      │
///        scheme_end       │  │    │      │     │      query_end
///                  user_end  │    │      │     path_end
///                   host_start    │      path_start
///                          host_end
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Marks {
    scheme_end: usize,
    /// Equal to `host_start` if there is no user.
    user_end: usize,
    host_start: usize,
    host_end: usize,
    port: Option<u16>,
    path_start: usize,
    path_end: usize,
    query_end: usize,
}

impl Url {
    /// Parses an absolute `http` or `https` URL.
    ///
    /// Spaces around it are removed, and those in its path, query and fragment are encoded as `%20`, as browsers do.
    ///
    /// # Errors
    /// [`ErrorKind::Url`](crate::ErrorKind::Url) for anything else, and for what parsers are known to read differently:
    /// control characters, a space in the host, a missing or empty host, a backslash after the host, port 0.
    pub fn parse(text: &str) -> Result<Url, Error> {
        if let Some(url) = plain::parse(text) {
            return Ok(url);
        }
        let text = check::trimmed(text)?;
        check::authority(text)?;
        let parsed =
            url::Url::parse(text).map_err(|cause| check::unusable(text, "not a valid URL").because(cause))?;
        check::parsed(text, &parsed)
    }

    /// Resolves `reference` against this URL, as a browser resolves a link.
    ///
    /// # Errors
    /// [`ErrorKind::Url`](crate::ErrorKind::Url), for the same reasons as [`parse`](Url::parse).
    pub fn join(&self, reference: &str) -> Result<Url, Error> {
        let reference = check::trimmed(reference)?;
        let joined = url::Url::parse(&self.text).and_then(|base| base.join(reference));
        let joined = joined.map_err(|cause| check::unusable(reference, "not a valid URL").because(cause))?;
        check::parsed(reference, &joined)
    }

    /// A host in the form that it has in URLs: `Bücher.example` is `xn--bcher-kva.example`, `::1` is `[::1]`.
    ///
    /// # Errors
    /// As [`parse`](Url::parse).
    pub(crate) fn normal_host(host: &str) -> Result<String, Error> {
        let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
        match url::Host::parse(&host) {
            Ok(normal) => Ok(normal.to_string()),
            Err(cause) => Err(check::unusable(&host, "not a host without anything else").because(cause)),
        }
    }

    /// [`join`](Self::join) for a reference that arrived as bytes. If they are not UTF-8, bytes above 127 are
    /// percent-encoded, as in browsers; a host cannot contain such bytes.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub(crate) fn join_bytes(&self, reference: &[u8]) -> Result<Url, Error> {
        if let Ok(text) = std::str::from_utf8(reference) {
            return self.join(text);
        }
        let mut encoded = String::with_capacity(reference.len() + 8);
        for &byte in reference {
            match byte {
                0..=0x7f => encoded.push(char::from(byte)),
                _ => encoded += &format!("%{byte:02X}"),
            }
        }
        self.join(&encoded)
    }

    fn from_parsed(parsed: &url::Url) -> Url {
        let at = |position: Position| parsed[..position].len();
        let host_start = at(Position::BeforeHost);
        let has_user = !parsed.username().is_empty() || parsed.password().is_some();
        Url {
            text: parsed.as_str().into(),
            marks: Marks {
                scheme_end: at(Position::AfterScheme),
                user_end: if has_user { host_start - 1 } else { host_start },
                host_start,
                host_end: at(Position::AfterHost),
                port: parsed.port(),
                path_start: at(Position::BeforePath),
                path_end: at(Position::AfterPath),
                query_end: at(Position::AfterQuery),
            },
        }
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        &self.text[..self.marks.scheme_end]
    }

    /// The host: a name in lower case (internationalised names in their ASCII form), an IPv4 address, or an IPv6
    /// address in brackets. It is never `None`.
    pub fn host_str(&self) -> Option<&str> {
        Some(self.host())
    }

    /// The port, if the URL has one that is not the default of its scheme (80, 443).
    pub fn port(&self) -> Option<u16> {
        self.marks.port
    }

    /// The path; never empty.
    pub fn path(&self) -> &str {
        &self.text[self.marks.path_start..self.marks.path_end]
    }

    /// The part between `?` and `#`.
    pub fn query(&self) -> Option<&str> {
        self.text[self.marks.path_end..self.marks.query_end].strip_prefix('?')
    }

    /// The part after `#`. It is never sent.
    pub fn fragment(&self) -> Option<&str> {
        self.text[self.marks.query_end..].strip_prefix('#')
    }

    /// The user name in the URL, percent-encoded; empty if there is none.
    pub fn username(&self) -> &str {
        let user = self.user();
        user.split_once(':').map_or(user, |(name, _)| name)
    }

    /// The password in the URL, percent-encoded.
    pub fn password(&self) -> Option<&str> {
        self.user().split_once(':').map(|(_, password)| password)
    }

    fn user(&self) -> &str {
        &self.text[self.marks.scheme_end + "://".len()..self.marks.user_end]
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    pub(crate) fn host(&self) -> &str {
        &self.text[self.marks.host_start..self.marks.host_end]
    }

    pub(crate) fn port_or_default(&self) -> u16 {
        self.marks.port.unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Path and query: the request target.
    pub(crate) fn target(&self) -> &str {
        &self.text[self.marks.path_start..self.marks.query_end]
    }

    /// The host, and the port unless it is the default of the scheme: the value of the `Host` field.
    pub(crate) fn authority(&self) -> &str {
        &self.text[self.marks.host_start..self.marks.path_start]
    }

    pub(crate) fn has_credentials(&self) -> bool {
        self.marks.user_end < self.marks.host_start
    }

    /// `scheme://host:port`, which is equal for all URLs of an origin (RFC 6454 §4); without the port if it is the default of
    /// the scheme, and without user name and password.
    ///
    /// ```
    /// # use curio_http::Url;
    /// let url: Url = "https://ann:secret@example.org:443/a?b#c".parse()?;
    /// assert_eq!(url.origin(), "https://example.org");
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn origin(&self) -> Cow<'_, str> {
        if self.has_credentials() {
            format!("{}://{}", self.scheme(), self.authority()).into()
        } else {
            self.text[..self.marks.path_start].into()
        }
    }

    pub(crate) fn same_origin(&self, other: &Url) -> bool {
        self.scheme() == other.scheme() && self.authority() == other.authority()
    }

    pub(crate) fn into_without_credentials(self) -> Url {
        if self.has_credentials() { self.without_credentials() } else { self }
    }

    pub(crate) fn without_credentials(&self) -> Url {
        if !self.has_credentials() {
            return self.clone();
        }
        let start = self.marks.scheme_end + "://".len();
        let removed = self.marks.host_start - start;
        let Marks { scheme_end, host_end, port, path_start, path_end, query_end, .. } = self.marks;
        Url {
            text: [&self.text[..start], &self.text[self.marks.host_start..]].concat().into(),
            marks: Marks {
                scheme_end,
                user_end: start,
                host_start: start,
                host_end: host_end - removed,
                port,
                path_start: path_start - removed,
                path_end: path_end - removed,
                query_end: query_end - removed,
            },
        }
    }

    /// Replaces the fragment by that of another URL, which is encoded already.
    pub(crate) fn set_encoded_fragment(&mut self, fragment: Option<&str>) {
        let before = &self.text[..self.marks.query_end];
        self.text = match fragment {
            Some(fragment) => [before, "#", fragment].concat().into(),
            None => before.into(),
        };
    }

    /// Adds `more`, already encoded as `k=v&k=v`, to the query.
    pub(crate) fn append_query(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        let joint = match self.query() {
            None => "?",
            Some("") => "",
            Some(_) => "&",
        };
        let (before, after) = self.text.split_at(self.marks.query_end);
        self.text = [before, joint, more, after].concat().into();
        self.marks.query_end += joint.len() + more.len();
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({:?})", self.without_credentials().as_str())
    }
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Url, Error> {
        Url::parse(text)
    }
}

impl AsRef<str> for Url {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
