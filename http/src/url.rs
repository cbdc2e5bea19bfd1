//! Addresses: [`Url`], and what may become one.
//!
//! The rules for parsing an address are the WHATWG's, as browsers use them, and the `url` crate knows them. They
//! were written to make sense of whatever a page contains, so they are forgiving where a client must not be: a line
//! break inside an address is silently dropped, `http:///x` finds a host, `\` counts as `/`. Each of these has been
//! an attack: somebody checks an address one way, and the client reads it another way. So a text is looked at here
//! *before* that parser sees it, and what one could misread is refused with a sentence. After that there is one
//! reading only: the connection, the `Host` field, the TLS name and the pool all use the parsed form.
//!
//! [`Url`] is a type of our own around that parser, so that the parser can be replaced without breaking anybody.

use crate::error::{Error, ErrorKind};
use std::fmt;
use std::str::FromStr;
use url::Position;

/// The longest name DNS can carry, with its trailing dot (RFC 1035 §2.3.4).
const LONGEST_HOST: usize = 254;

/// An `http` or `https` address, parsed and normalised.
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
/// `Display` and [`as_str`](Url::as_str) give the whole address, user name and password included; `Debug` hides
/// these two.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    inner: url::Url,
}

impl Url {
    /// Parses an absolute `http` or `https` address.
    ///
    /// # Errors
    /// [`ErrorKind::Url`] for anything else, and for what parsers are known to read in different ways: control
    /// characters and spaces, a missing or empty host, a backslash behind the host, port 0, a colon with no port.
    pub fn parse(text: &str) -> Result<Url, Error> {
        check_characters(text)?;
        check_authority(text)?;
        let inner = url::Url::parse(text).map_err(|cause| unusable(text, "not an address").because(cause))?;
        check_parsed(text, inner)
    }

    /// Resolves `reference` against this address, as a browser resolves a link.
    ///
    /// # Errors
    /// [`ErrorKind::Url`], for the same reasons as [`parse`](Url::parse).
    pub fn join(&self, reference: &str) -> Result<Url, Error> {
        check_characters(reference)?;
        let inner = self
            .inner
            .join(reference)
            .map_err(|cause| unusable(reference, "not an address").because(cause))?;
        check_parsed(reference, inner)
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        self.inner.as_str()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.inner.scheme()
    }

    /// The host: a name in lower case (international names in their ASCII form), an IPv4 address, or an IPv6
    /// address in brackets.
    pub fn host_str(&self) -> Option<&str> {
        self.inner.host_str()
    }

    /// The port, if it is written in the address and is not the scheme's own (80, 443).
    pub fn port(&self) -> Option<u16> {
        self.inner.port()
    }

    /// The path; never empty.
    pub fn path(&self) -> &str {
        self.inner.path()
    }

    /// What stands between `?` and `#`.
    pub fn query(&self) -> Option<&str> {
        self.inner.query()
    }

    /// What follows `#`. It is never sent.
    pub fn fragment(&self) -> Option<&str> {
        self.inner.fragment()
    }

    /// The user name in the address, percent-encoded; empty if there is none.
    pub fn username(&self) -> &str {
        self.inner.username()
    }

    /// The password in the address, percent-encoded.
    pub fn password(&self) -> Option<&str> {
        self.inner.password()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.inner.scheme() == "https"
    }

    /// The host; every address that passed [`Url::parse`] has one.
    pub(crate) fn host(&self) -> &str {
        self.inner.host_str().unwrap_or_default()
    }

    pub(crate) fn port_or_default(&self) -> u16 {
        self.inner.port_or_known_default().unwrap_or(80)
    }

    /// Path and query: what goes into the request line.
    pub(crate) fn target(&self) -> &str {
        &self.inner[Position::BeforePath..Position::AfterQuery]
    }

    /// Host and, unless it is the scheme's own, port: what goes into the `Host` field.
    pub(crate) fn authority(&self) -> &str {
        &self.inner[Position::BeforeHost..Position::AfterPort]
    }

    pub(crate) fn has_credentials(&self) -> bool {
        !self.inner.username().is_empty() || self.inner.password().is_some()
    }

    /// `scheme://host:port`, in the one spelling that all addresses of an origin share (RFC 6454 §4), if it can be
    /// had as a slice, which it can unless user name and password stand in the middle of it.
    pub(crate) fn origin(&self) -> std::borrow::Cow<'_, str> {
        if self.has_credentials() {
            format!("{}://{}", self.scheme(), self.authority()).into()
        } else {
            self.inner[..Position::AfterPort].into()
        }
    }

    pub(crate) fn same_origin(&self, other: &Url) -> bool {
        self.scheme() == other.scheme()
            && self.host() == other.host()
            && self.port_or_default() == other.port_or_default()
    }

    pub(crate) fn without_credentials(&self) -> Url {
        let mut url = self.clone();
        if url.has_credentials() {
            // These fail only for addresses without a host, which are not let in.
            let _ = url.inner.set_username("");
            let _ = url.inner.set_password(None);
        }
        url
    }

    pub(crate) fn set_fragment(&mut self, fragment: Option<&str>) {
        self.inner.set_fragment(fragment);
    }

    /// Adds `more`, already encoded as `k=v&k=v`, to the query.
    pub(crate) fn append_query(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        let query = match self.inner.query() {
            Some(query) if !query.is_empty() => format!("{query}&{more}"),
            _ => more.to_owned(),
        };
        self.inner.set_query(Some(&query));
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

/// What a request may be addressed with: `&str`, `String`, `&String`, [`Url`] or `&Url`.
///
/// A text is parsed when the request is made; if it is no good, awaiting the request reports it. With a
/// [`base_url`](crate::ClientSessionBuilder::base_url) it may be relative.
pub trait IntoUrl: sealed::Sealed {
    #[doc(hidden)]
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for String {}
    impl Sealed for &String {}
    impl Sealed for super::Url {}
    impl Sealed for &super::Url {}
}

impl IntoUrl for &str {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        match base {
            // An absolute address gets the stricter check even when there is a base.
            Some(base) if scheme_end(self).is_none() => base.join(self),
            _ => Url::parse(self),
        }
    }
}

impl IntoUrl for String {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        self.as_str().into_url(base)
    }
}

impl IntoUrl for &String {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        self.as_str().into_url(base)
    }
}

impl IntoUrl for Url {
    fn into_url(self, _base: Option<&Url>) -> Result<Url, Error> {
        Ok(self)
    }
}

impl IntoUrl for &Url {
    fn into_url(self, _base: Option<&Url>) -> Result<Url, Error> {
        Ok(self.clone())
    }
}

/// Line breaks and tabs would vanish, other controls and spaces would be encoded or trimmed: in either case somebody
/// else may have read the text differently.
fn check_characters(text: &str) -> Result<(), Error> {
    match text.chars().find(|c| c.is_control() || *c == ' ') {
        None => Ok(()),
        Some(' ') => Err(unusable(text, "an address may not hold a space (write %20)")),
        Some(control) => {
            Err(unusable(text, format!("an address may not hold the control character {control:?}")))
        }
    }
}

/// Checks the part between `//` and the path of an absolute address, which the parser reads too generously.
fn check_authority(text: &str) -> Result<(), Error> {
    let Some(colon) = scheme_end(text) else {
        return Err(unusable(text, "an address must begin with http:// or https://"));
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(wrong_scheme(text, scheme));
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(unusable(text, format!("{scheme}: must be followed by //")));
    };
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    if authority.is_empty() {
        return Err(unusable(text, "the host is missing"));
    }
    if rest[end..].starts_with('\\') {
        return Err(unusable(text, "a backslash may not follow the host"));
    }
    if authority.ends_with(':') {
        return Err(unusable(text, "the port is missing behind the colon"));
    }
    Ok(())
}

/// What can only be said of the parsed form.
fn check_parsed(text: &str, inner: url::Url) -> Result<Url, Error> {
    if !matches!(inner.scheme(), "http" | "https") {
        return Err(wrong_scheme(text, inner.scheme()));
    }
    if inner.port() == Some(0) {
        return Err(unusable(text, "port 0 cannot be connected to"));
    }
    match inner.host_str() {
        None | Some("") => Err(unusable(text, "the host is missing")),
        Some(host) if host.len() > LONGEST_HOST => Err(unusable(
            text,
            format!("the host's name is {} bytes long, the limit is {LONGEST_HOST}", host.len()),
        )),
        Some(_) => Ok(Url { inner }),
    }
}

/// The place of the colon behind the scheme (RFC 3986 §3.1), if there is a scheme.
fn scheme_end(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    let scheme = &text.as_bytes()[..colon];
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (scheme.first()?.is_ascii_alphabetic() && scheme.iter().all(legal)).then_some(colon)
}

fn wrong_scheme(text: &str, scheme: &str) -> Error {
    unusable(text, format!("{scheme}: is not spoken here, only http: and https:"))
}

fn unusable(text: &str, why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Url, why).about(presentable(text))
}

/// The text for an error message: no credentials, and not endless.
fn presentable(text: &str) -> String {
    const SHOWN: usize = 200;
    let start = text.find("//").map_or(0, |at| at + 2);
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    let mut shown = match text[start..end].rfind('@') {
        Some(at) => format!("{}***{}", &text[..start], &text[start + at..]),
        None => text.to_owned(),
    };
    if let Some((cut, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(cut);
        shown.push('…');
    }
    shown
}
