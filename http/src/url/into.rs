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
            // An absolute address gets the stricter check even when there is a base.
            Some(base) if check::scheme_end(self).is_none() => base.join(self),
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
