//! A checked header field, from whatever types a caller has for its name and value.

use crate::error::{Error, ErrorKind};
use crate::trace::redaction;
use http::{HeaderName, HeaderValue};

const UNUSABLE_NAME: &str =
    "an invalid header name (letters, digits and - are allowed, blanks and colons are not)";

/// A checked header field. The types of the `http` crate contain no line break and no NUL, so the result cannot
/// add lines to the head. Credentials are marked as sensitive, so that `Debug` does not print them.
pub(crate) fn header_field<K, V>(name: K, value: V) -> Result<(HeaderName, HeaderValue), Error>
where
    HeaderName: TryFrom<K>,
    HeaderValue: TryFrom<V>,
    <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
    <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
{
    let name = HeaderName::try_from(name)
        .map_err(|cause| Error::new(ErrorKind::Request, UNUSABLE_NAME).because(cause.into()))?;
    let mut value = HeaderValue::try_from(value).map_err(|cause| {
        let what = format!(
            "an invalid value for the header {name} (a line break or another control character cannot be sent)"
        );
        Error::new(ErrorKind::Request, what).because(cause.into())
    })?;
    if redaction::is_secret(name.as_str()) {
        value.set_sensitive(true);
    }
    Ok((name, value))
}
