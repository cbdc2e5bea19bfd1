//! Credentials as header values: HTTP Basic (RFC 7617) and Bearer (RFC 6750 §2.1).
//!
//! Every value made here is marked sensitive, so that printing a header map does not print a password.

use crate::encoding::{base64, hex};
use crate::error::{Error, ErrorKind};
use crate::url::Url;
use http::HeaderValue;

/// `Basic` and the base64 of `user:password`.
pub(crate) fn basic(user: &str, password: Option<&str>) -> Result<HeaderValue, Error> {
    if user.contains(':') {
        // The first colon ends the user name, so the server would read another name and another password.
        return Err(Error::new(
            ErrorKind::Request,
            "a user name for Basic authentication may not contain a colon",
        ));
    }
    sensitive(format!(
        "Basic {}",
        base64::encode(format!("{user}:{}", password.unwrap_or_default()).as_bytes())
    ))
}

/// `Bearer` and the token.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    sensitive(format!("Bearer {token}"))
}

/// The credentials in the URL itself, as in `http://user:password@host/`.
pub(crate) fn from_url(url: &Url) -> Option<HeaderValue> {
    if !url.has_credentials() {
        return None;
    }
    let mut pair = percent_decode(url.username());
    pair.push(b':');
    pair.extend(percent_decode(url.password().unwrap_or_default()));
    sensitive(format!("Basic {}", base64::encode(&pair))).ok()
}

fn sensitive(value: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(value)
        .map_err(|cause| Error::new(ErrorKind::Request, "credentials that cannot be sent").because(cause))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let ahead = bytes.as_slice();
        match (byte, ahead.first().copied().and_then(hex::digit), ahead.get(1).copied().and_then(hex::digit))
        {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_an_address_are_percent_decoded() {
        let url = Url::parse("http://a%40b:p%3Aw@h/").expect("a good address");
        assert_eq!(from_url(&url).expect("credentials"), format!("Basic {}", base64::encode(b"a@b:p:w")));
    }

    #[test]
    fn a_percent_sign_without_two_digits_stands_for_itself() {
        assert_eq!(percent_decode("100%"), b"100%");
        assert_eq!(percent_decode("%4"), b"%4");
        assert_eq!(percent_decode("%zz%41"), b"%zzA");
    }

    #[test]
    fn a_colon_in_a_user_name_is_refused() {
        assert!(basic("a:b", None).unwrap_err().is_request());
    }

    #[test]
    fn a_line_break_in_a_token_is_refused() {
        assert!(bearer("x\r\ny").unwrap_err().is_request());
    }

    #[test]
    fn credentials_do_not_show_in_debug_output() {
        let value = basic("user", Some("pass")).expect("plain credentials");
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
