//! [`IntoUrl`]: what can be converted into a URL.

use super::{Url, check};
use crate::error::Error;

/// The types that are accepted as the URL of a request: `&str`, `String`, `&String`, [`Url`] or `&Url`.
///
/// A text is parsed when the request is built; if it is malformed, awaiting the request returns the error. With a
/// [`base_url`](crate::ClientSessionBuilder::base_url) it may be relative.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a URL for a request",
    note = "a URL is a `&str`, a `String`, a `&String`, a `curio_http::Url` or a `&Url`"
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
}

impl IntoUrl for &str {
    fn into_url(self, base: Option<&Url>) -> Result<Url, Error> {
        match base {
            // An absolute URL gets the stricter check even if there is a base.
            Some(base) if check::scheme_end(self.trim_matches(' ')).is_none() => below(base, self),
            _ => Url::parse(self),
        }
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
