//! What is left out when header fields are printed, because what is printed ends up in logs.
//!
//! Traces, `verbose` and the `Debug` output of requests and responses share these rules. Fields that are known to carry
//! credentials are blanked, those that carry a URL lose its user name and password, and a session may
//! [name more](crate::ClientSessionBuilder::secret_headers). The values themselves stay as they are.

use crate::url::Url;
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;
use std::fmt;

pub(crate) const REDACTED: &str = "[redacted]";

/// Fields whose values are credentials, or as good as that. In lower case.
const SECRET: [&str; 20] = [
    "authorization",
    "proxy-authorization",
    "authentication-info",
    "proxy-authentication-info",
    "cookie",
    "set-cookie",
    "api-key",
    "apikey",
    "x-api-key",
    "x-apikey",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-vault-token",
    "x-amz-security-token",
    "private-token",
    "job-token",
];

/// Fields whose values are URLs, which may contain a password.
const URLS: [&str; 3] = ["location", "content-location", "referer"];

/// Fields whose values contain URLs among other things.
const CONTAIN_URLS: [&str; 2] = ["link", "refresh"];

/// Whether the value of this field is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// The value of a field as it may be printed.
pub(crate) fn shown<'a>(name: &str, value: &'a str, more_secrets: &[HeaderName]) -> Cow<'a, str> {
    if is_secret(name) || more_secrets.iter().any(|secret| secret.as_str().eq_ignore_ascii_case(name)) {
        return REDACTED.into();
    }
    if URLS.iter().any(|field| field.eq_ignore_ascii_case(name)) {
        return without_user_info(value);
    }
    if contains_user_info(value) && CONTAIN_URLS.iter().any(|field| field.eq_ignore_ascii_case(name)) {
        return REDACTED.into();
    }
    value.into()
}

/// Whether there is a user name before the host of a URL somewhere in the text.
fn contains_user_info(text: &str) -> bool {
    let ends_authority = |c: char| c.is_whitespace() || "/\\?#<>\"';,".contains(c);
    let mut after_slashes = text.split("//").skip(1);
    after_slashes
        .any(|rest| rest.split(ends_authority).next().is_some_and(|authority| authority.contains('@')))
}

fn without_user_info(text: &str) -> Cow<'_, str> {
    match Url::parse(text) {
        Ok(url) if url.has_credentials() => url.without_credentials().to_string().into(),
        // Without a scheme it cannot be told apart where a password would be.
        Err(_) if text.contains('@') => REDACTED.into(),
        Ok(_) | Err(_) => text.into(),
    }
}

/// Header fields for `Debug` output.
pub(crate) struct ShownHeaders<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for ShownHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.iter().map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text = if value.is_sensitive() { REDACTED.into() } else { shown(name.as_str(), &text, &[]) };
            (name.as_str(), text.into_owned())
        });
        f.debug_map().entries(fields).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn credentials_are_blanked_and_other_values_are_not() {
        for name in ["Authorization", "cookie", "SET-COOKIE", "X-Api-Key", "private-token"] {
            assert_eq!(shown(name, "s3cret", &[]), REDACTED, "{name}");
        }
        for name in ["idempotency-key", "sec-websocket-key", "etag", "x-token-count"] {
            assert_eq!(shown(name, "value", &[]), "value", "{name}");
        }
        assert_eq!(shown("X-Mine", "s3cret", &[HeaderName::from_static("x-mine")]), REDACTED);
    }

    #[test]
    fn urls_lose_their_user_name_and_password() {
        assert_eq!(shown("Location", "http://ann:s3cret@h/x", &[]), "http://h/x");
        assert_eq!(shown("location", "//ann:s3cret@h/x", &[]), REDACTED);
        assert_eq!(shown("Referer", "/x?y", &[]), "/x?y");
        assert_eq!(shown("Link", "</a>; rel=prev, <http://ann:s3cret@h/x>; rel=next", &[]), REDACTED);
        assert_eq!(shown("refresh", "0; url=//ann:s3cret@h/", &[]), REDACTED);
        let harmless = "<https://h.test/@scope/x>; rel=next";
        assert_eq!(shown("Link", harmless, &[]), harmless);
    }

    #[test]
    fn debug_output_of_header_fields_follows_the_same_rules() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("sid=s3cret"));
        headers.insert("location", HeaderValue::from_static("http://ann:s3cret@h/"));
        let mut marked = HeaderValue::from_static("s3cret");
        marked.set_sensitive(true);
        headers.insert("x-own", marked);
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        let text = format!("{:?}", ShownHeaders(&headers));
        assert!(!text.contains("s3cret") && text.contains("etag"), "{text}");
    }
}
