//! Parsing a `Set-Cookie` field (RFC 6265bis §5.6).
//!
//! The grammar is the one that browsers agree on: everything up to the first `;` is `name=value`, the rest are attributes.
//! Spaces and tabs around each part are ignored, and so are unknown or malformed attributes; of several attributes with the
//! same name the last counts. The whole field is refused for a control character, because programs treat these
//! differently, and for a missing name. (A cookie without a name would be sent as its value only, which could be made to
//! look like another cookie.)

use super::cookie::{Cookie, SameSite};
use super::refused::Refused;
use crate::encoding::date;
use crate::url::Url;
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// A longer attribute is ignored (RFC 6265bis §5.6).
const LONGEST_ATTRIBUTE: usize = 1024;
/// The longest time until a cookie expires (RFC 6265bis §5.5).
const LONGEST_LIFE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The cookie that this field describes. Its `domain` is the attribute, if there is one; the store decides which host or
/// domain it belongs to.
pub(super) fn set_cookie(field: &[u8], now: SystemTime) -> Result<Cookie, Refused> {
    if field.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(Refused::Control);
    }
    let (field, latin1) = text(field);
    let mut parts = field.split(';');
    let (name, value) = parts.next().unwrap_or_default().split_once('=').ok_or(Refused::Nameless)?;
    let (name, value) = (trim(name), trim(value));
    if name.is_empty() {
        return Err(Refused::Nameless);
    }
    if name.contains('\t') || value.contains('\t') {
        return Err(Refused::Control);
    }
    let mut cookie = Cookie {
        name: name.into(),
        value: value.into(),
        latin1,
        domain: None,
        host_only: true,
        path: None,
        secure: false,
        http_only: false,
        same_site: None,
        expires: None,
    };
    let (mut expires, mut max_age) = (None, None);
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (trim(name), trim(value));
        if value.len() > LONGEST_ATTRIBUTE {
            continue;
        }
        match name.to_ascii_lowercase().as_str() {
            "expires" => expires = date::parse(value).or(expires),
            "max-age" => max_age = age(value).or(max_age),
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value);
                cookie.domain = (!domain.is_empty()).then(|| canonical(domain));
            }
            "path" => cookie.path = value.starts_with('/').then(|| value.into()),
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => cookie.same_site = same_site(value),
            _ => {}
        }
    }
    if cookie.path.as_ref().is_some_and(|path| path.contains('\t')) {
        return Err(Refused::Control);
    }
    cookie.host_only = cookie.domain.is_none();
    // Max-Age wins over Expires.
    cookie.expires = match max_age {
        Some(age) => Some(now.checked_add(age.min(LONGEST_LIFE)).unwrap_or(now)),
        None => expires.map(|at| now.checked_add(LONGEST_LIFE).map_or(at, |latest| at.min(latest))),
    };
    Ok(cookie)
}

/// A domain in the form that a parsed URL has it in: in lower case, and in ASCII (RFC 6265 §5.1.2).
pub(super) fn canonical(domain: &str) -> String {
    let ascii = if domain.is_ascii() { None } else { Url::normal_host(domain).ok() };
    ascii.unwrap_or_else(|| domain.to_ascii_lowercase())
}

/// Removes spaces and tabs, and no other white space.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Whether `name=value` would be parsed as this name and this value, here and by the server.
pub(super) fn is_pair(name: &str, value: &str) -> bool {
    !name.contains([';', '=']) && !value.contains(';') && trim(name) == name && trim(value) == value
}

/// The bytes as text, and whether they were decoded as Latin-1.
pub(super) fn text(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.into(), false),
        Err(_) => (bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into(), true),
    }
}

/// `Max-Age`: how long the cookie lives; with zero or a negative number it expires at once. Numbers that are too large
/// saturate.
fn age(value: &str) -> Option<Duration> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = if value.starts_with('-') { 0 } else { digits.parse().unwrap_or(u64::MAX) };
    Some(Duration::from_secs(seconds))
}

fn same_site(value: &str) -> Option<SameSite> {
    match value.to_ascii_lowercase().as_str() {
        "strict" => Some(SameSite::Strict),
        "lax" => Some(SameSite::Lax),
        "none" => Some(SameSite::None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(field: &str) -> Result<Cookie, Refused> {
        set_cookie(field.as_bytes(), SystemTime::UNIX_EPOCH)
    }

    fn good(field: &str) -> Cookie {
        parse(field).expect("a good cookie")
    }

    fn after(seconds: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn name_value_and_attributes_are_read() {
        let cookie = good("a=b c; Path=/x; domain=.Example.ORG; Secure; HttpOnly; samesite=lax");
        assert_eq!((cookie.name(), cookie.value()), ("a", "b c"));
        assert_eq!((cookie.domain(), cookie.path()), (Some("example.org"), Some("/x")));
        assert!(cookie.is_secure() && cookie.is_http_only() && !cookie.is_host_only());
        assert_eq!((cookie.same_site(), cookie.expires()), (Some(SameSite::Lax), None));
    }

    #[test]
    fn a_value_is_opaque() {
        assert_eq!(good("a=\"x%20=y\"").value(), "\"x%20=y\"");
        assert_eq!(good("a=").value(), "");
        assert_eq!(good("a=b\"c,d").value(), "b\"c,d");
    }

    #[test]
    fn bytes_that_are_not_utf8_come_back_as_they_were() {
        let cookie = set_cookie(b"a=\xe9\xff", SystemTime::UNIX_EPOCH).expect("opaque bytes");
        let mut sent = Vec::new();
        cookie.write_pair(&mut sent);
        assert_eq!((cookie.value(), sent.as_slice()), ("éÿ", b"a=\xe9\xff".as_slice()));
        assert_eq!(cookie.size(), 3);
        let mut sent = Vec::new();
        good("a=é").write_pair(&mut sent);
        assert_eq!(sent, "a=é".as_bytes());
    }

    #[test]
    fn a_path_that_is_none_is_ignored() {
        assert_eq!(good("a=b; path=x").path(), None);
    }

    #[test]
    fn the_last_attribute_of_a_name_counts() {
        assert_eq!(good("a=b; path=/x; path=/y").path(), Some("/y"));
        assert_eq!(good("a=b; path=/x; path=y").path(), None);
        assert_eq!(good("a=b; domain=x.org; domain=").domain(), None);
    }

    #[test]
    fn a_field_without_a_name_sets_nothing() {
        for field in ["=b", "b", "", ";", " = ", "; a=b"] {
            assert_eq!(parse(field), Err(Refused::Nameless), "{field:?}");
        }
    }

    #[test]
    fn max_age_wins_over_expires_and_is_clamped() {
        let date = "Expires=Thu, 01 Jan 1970 01:00:00 GMT";
        assert_eq!(good(&format!("a=b; Max-Age=60; {date}")).expires(), after(60));
        assert_eq!(good(&format!("a=b; {date}")).expires(), after(3600));
        for (age, seconds) in [("0", 0), ("-1", 0), ("-99999999999999999999999", 0)] {
            assert_eq!(good(&format!("a=b; Max-Age={age}")).expires(), after(seconds), "{age}");
        }
        for age in ["34560001", "18446744073709551615", "99999999999999999999999999"] {
            assert_eq!(good(&format!("a=b; Max-Age={age}")).expires(), after(400 * 86_400), "{age}");
        }
        assert_eq!(
            good("a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT").expires(),
            after(400 * 86_400),
            "a date is clamped as well"
        );
    }

    #[test]
    fn a_max_age_that_is_no_number_is_ignored() {
        for age in ["", "+5", "1.5", "5x", "0x5", "-", "--1", "1e3"] {
            assert_eq!(good(&format!("a=b; Max-Age={age}")).expires(), None, "{age}");
        }
    }

    #[test]
    fn an_attribute_of_more_than_a_kilobyte_is_ignored() {
        assert_eq!(good(&format!("a=b; Path=/{}", "x".repeat(1024))).path(), None);
        assert!(good(&format!("a=b; Path=/{}", "x".repeat(1023))).path().is_some());
    }

    #[test]
    fn tabs_may_stand_around_things_and_nowhere_else() {
        assert_eq!(good("a\t=\tb;\tPath\t=\t/x").path(), Some("/x"));
        for field in ["a\tc=b", "a=b\tc", "a=b; Path=/x\ty"] {
            assert_eq!(parse(field), Err(Refused::Control), "{field:?}");
        }
    }
}
