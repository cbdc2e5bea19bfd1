//! [`IntoUrl`]: what can be converted into a URL.

use super::{Url, check};
use crate::error::Error;

/// The types that are accepted as the URL of a request: `&str`, `String`, `&String`, [`Url`] or `&Url`, [`http::Uri`] or `&Uri`,
/// and with the feature `url` also `url::Url` or `&url::Url`.
///
/// A text or `Uri` with the scheme `ws` or `wss` is read as `http` or `https`: the handshake of a WebSocket is such a request
/// (RFC 6455 §3), with the fields that [`Response::upgrade`](crate::Response::upgrade) names.
///
/// A text is parsed when the request is built; if it is malformed, awaiting the request returns the error. With a
/// [`base_url`](crate::ClientSessionBuilder::base_url) it may be relative.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a URL for a request",
    note = "a URL is a `&str`, a `String`, a `&String`, a `curio_http::Url`, an `http::Uri`, or a reference to one of these"
)]
pub trait IntoUrl: sealed::Sealed {
    #[doc(hidden)]
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for String {}
    impl Sealed for &String {}
    impl Sealed for crate::Url {}
    impl Sealed for &crate::Url {}
    impl Sealed for http::Uri {}
    impl Sealed for &http::Uri {}
    #[cfg(feature = "url")]
    impl Sealed for url::Url {}
    #[cfg(feature = "url")]
    impl Sealed for &url::Url {}
}

impl IntoUrl for &str {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        match base {
            // An absolute URL gets the stricter check even if there is a base.
            Some(base) if check::scheme_end(self.trim_matches(' ')).is_none() => below(base, self),
            _ => Url::parse(self).or_else(|error| websocket(self).unwrap_or(Err(error))),
        }
    }
}

/// The URL of the handshake for a WebSocket's; `None` for any other.
fn websocket(text: &str) -> Option<Result<Url, Error>> {
    let (scheme, rest) = text.trim_matches(' ').split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "ws" => Some(Url::parse(&format!("http://{rest}"))),
        "wss" => Some(Url::parse(&format!("https://{rest}"))),
        _ => None,
    }
}

/// Resolves a reference without a scheme, which is meant for the host of the `base_url` and is sent with the session's
/// credentials. One that leads to another host (`//other.example/x`) is refused: it may come from an untrusted source.
fn below(base: &Url, reference: &str) -> Result<Url, Error> {
    let url = base.join(reference)?;
    if url.same_origin(base) {
        return Ok(url);
    }
    let why = format!(
        "it leads away from the session's base_url to {}; write the whole URL if that is meant",
        url.origin()
    );
    Err(check::unusable(reference, why))
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

impl IntoUrl for http::Uri {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        (&self).into_url(base)
    }
}

/// Without scheme and authority it is relative, as in the request line of a server.
impl IntoUrl for &http::Uri {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        self.to_string().into_url(base)
    }
}

#[cfg(feature = "url")]
impl IntoUrl for url::Url {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        (&self).into_url(base)
    }
}

#[cfg(feature = "url")]
impl IntoUrl for &url::Url {
    fn into_url(self, _base: Option<&Url>) -> Result<Url, Error> {
        self.as_str().into_url(None)
    }
}

/// As [`Url::parse`]; a URI without scheme and authority is refused.
impl TryFrom<http::Uri> for Url {
    type Error = Error;

    fn try_from(uri: http::Uri) -> Result<Url, Error> {
        uri.into_url(None)
    }
}

/// As [`Url::parse`]; a URI without scheme and authority is refused.
impl TryFrom<&http::Uri> for Url {
    type Error = Error;

    fn try_from(uri: &http::Uri) -> Result<Url, Error> {
        uri.into_url(None)
    }
}

/// As [`Url::parse`].
#[cfg(feature = "url")]
impl TryFrom<url::Url> for Url {
    type Error = Error;

    fn try_from(url: url::Url) -> Result<Url, Error> {
        url.into_url(None)
    }
}

#[cfg(feature = "url")]
impl From<Url> for url::Url {
    fn from(url: Url) -> url::Url {
        // It has been parsed by the same parser before.
        url::Url::parse(url.as_str()).unwrap_or_else(|_| unreachable!("a parsed URL is one"))
    }
}
