//! Reading `Set-Cookie` fields (RFC 6265 §5.2).
//!
//! Only reading: what a response sets can be looked at. The value is opaque; quotes and percent signs in it belong to
//! the server that wrote them and are left alone. A field that makes no sense is left out, as the RFC demands.

use http::HeaderMap;
use http::header::SET_COOKIE;

/// A cookie that a response sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    name: String,
    value: String,
    domain: Option<String>,
    path: Option<String>,
}

impl Cookie {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, as the server wrote it.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The `Domain` attribute, without a leading dot: the cookie is also for hosts below this one.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The `Path` attribute: the cookie is for this path and those below it.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

/// The cookies that these headers set.
pub(crate) fn of(headers: &HeaderMap) -> Vec<Cookie> {
    headers.get_all(SET_COOKIE).iter().filter_map(|field| parse(field.to_str().ok()?)).collect()
}

fn parse(field: &str) -> Option<Cookie> {
    let mut parts = field.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let name = name.trim();
    if name.is_empty() {
        return None;
    }
    let mut cookie = Cookie { name: name.into(), value: value.trim().into(), domain: None, path: None };
    for attribute in parts {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("domain") {
            let domain = value.strip_prefix('.').unwrap_or(value);
            cookie.domain = (!domain.is_empty()).then(|| domain.to_ascii_lowercase());
        } else if name.eq_ignore_ascii_case("path") {
            cookie.path = value.starts_with('/').then(|| value.into());
        }
    }
    Some(cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_value_domain_and_path_are_read() {
        let cookie = parse("a=b c; Path=/x; domain=.Example.ORG; Secure; HttpOnly").expect("a good cookie");
        assert_eq!((cookie.name(), cookie.value()), ("a", "b c"));
        assert_eq!((cookie.domain(), cookie.path()), (Some("example.org"), Some("/x")));
    }

    #[test]
    fn a_value_is_opaque() {
        assert_eq!(parse("a=\"x%20=y\"").expect("a good cookie").value(), "\"x%20=y\"");
        assert_eq!(parse("a=").expect("a good cookie").value(), "");
    }

    #[test]
    fn a_path_that_is_none_is_ignored() {
        assert_eq!(parse("a=b; path=x").expect("a good cookie").path(), None);
    }

    #[test]
    fn the_last_attribute_of_a_name_counts() {
        assert_eq!(parse("a=b; path=/x; path=/y").expect("a good cookie").path(), Some("/y"));
    }

    #[test]
    fn a_field_without_a_name_sets_nothing() {
        assert_eq!(parse("=b"), None);
        assert_eq!(parse("b"), None);
        assert_eq!(parse(""), None);
    }
}
