//! What may become an address.

use super::{Url, check};
use crate::error::Error;

/// What a request may be addressed with: `&str`, `String`, `&String`, [`Url`] or `&Url`.
///
/// A text is parsed when the request is made; if it is no good, awaiting the request reports it. With a
/// [`base_url`](crate::ClientSessionBuilder::base_url) it may be relative.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no address for a request",
    note = "an address is a `&str`, a `String`, a `&String`, a `curio_http::Url` or a `&Url`"
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
            // An absolute URL gets the stricter check even when there is a base.
            Some(base) if check::scheme_end(self.trim_matches(' ')).is_none() => below(base, self),
            _ => Url::parse(self),
        }
    }
}

/// A reference without a scheme is meant for the host of the `base_url`, and the session's credentials go along. One that
/// leads elsewhere (`//other.example/x`) is no path, and was perhaps not written by the caller.
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
