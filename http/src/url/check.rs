//! Which URLs are refused, before and after parsing.
//!
//! The parser follows the WHATWG standard and accepts nearly everything. A client must refuse what other programs would
//! parse differently. The error messages show the URL without its credentials.

use super::Url;
use crate::error::{Error, ErrorKind};
use std::borrow::Cow;

/// The longest name in DNS, with its trailing dot (RFC 1035 §2.3.4).
const LONGEST_HOST: usize = 254;

/// The text without the spaces around it, as in browsers and other clients. The parser encodes spaces inside it, except in
/// the authority, where they are refused. Control characters are refused, too: the parser would drop line breaks and tabs,
/// and other programs may not.
pub(super) fn trimmed(text: &str) -> Result<&str, Error> {
    let text = text.trim_matches(' ');
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        return Err(unusable(text, format!("a URL may not contain the control character {control:?}")));
    }
    if authority_of(text).contains(' ') {
        return Err(unusable(text, "the host of a URL may not contain a space"));
    }
    Ok(text)
}

/// The authority of a URL or of a reference to one, as the parser may find it: after an optional scheme and two slashes of
/// either kind. After `http:` and `https:` it needs no slashes, unless the base has the same scheme.
fn authority_of(text: &str) -> &str {
    let (scheme, after_scheme) = match scheme_end(text) {
        Some(colon) => (&text[..colon], &text[colon + 1..]),
        None => ("", text),
    };
    let rest = after_scheme.trim_start_matches(['/', '\\']);
    let slashes = after_scheme.len() - rest.len();
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if slashes < 2 && !is_http {
        return "";
    }
    &rest[..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())]
}

/// Checks the part between `//` and the path of an absolute URL, where the parser is too lenient.
pub(super) fn authority(text: &str) -> Result<(), Error> {
    let without_scheme = || unusable(text, "a URL must begin with http:// or https://");
    let Some(colon) = scheme_end(text) else {
        return Err(without_scheme());
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    // `localhost:8080` is meant as a host and a port, not as a scheme and a path.
    if rest.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(without_scheme());
    }
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(wrong_scheme(text));
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
    Ok(())
}

/// Checks what is only known of the parsed form.
pub(super) fn parsed(text: &str, inner: &url::Url) -> Result<Url, Error> {
    if !matches!(inner.scheme(), "http" | "https") {
        return Err(wrong_scheme(text));
    }
    if inner.port() == Some(0) {
        return Err(unusable(text, "port 0 cannot be connected to"));
    }
    match inner.host_str() {
        None | Some("") => Err(unusable(text, "the host is missing")),
        Some(host) if host.len() > LONGEST_HOST => Err(unusable(
            text,
            format!("the host name is {} bytes long, the limit is {LONGEST_HOST}", host.len()),
        )),
        Some(_) => Ok(Url::from_parsed(inner)),
    }
}

/// The position of the colon after the scheme (RFC 3986 §3.1), if there is a scheme.
pub(super) fn scheme_end(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    let scheme = &text.as_bytes()[..colon];
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (scheme.first()?.is_ascii_alphabetic() && scheme.iter().all(legal)).then_some(colon)
}

fn wrong_scheme(text: &str) -> Error {
    unusable(text, "only http:// and https:// URLs are supported")
}

pub(super) fn unusable(text: &str, why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Url, why).about(presentable(text))
}

/// The text for an error message: without credentials, and of limited length.
fn presentable(text: &str) -> String {
    const SHOWN: usize = 200;
    let start = authority_start(text);
    let mut shown = match credentials_end(&text[start..]) {
        Some(at) => format!("{}***{}", &text[..start], &text[start + at..]),
        None => text.to_owned(),
    };
    if let Some((cut, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(cut);
        shown.push('…');
    }
    shown
}

/// The position after the scheme and any number of slashes of either kind: a malformed URL may have one too few. And what
/// stands before `://` may not be a scheme: a quote, a line break, the name of a variable.
fn authority_start(text: &str) -> usize {
    let broken_scheme = || {
        let colon = text.find("://")?;
        if text[..colon].contains([':', '@']) { None } else { Some(colon) }
    };
    let after_scheme = scheme_end(text).or_else(broken_scheme).map_or(0, |colon| colon + 1);
    let slashes = text[after_scheme..].bytes().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    let begins_authority = slashes > 1 || after_scheme > 0 && slashes == 1;
    if begins_authority { after_scheme + slashes } else { 0 }
}

/// The position of the `@` after user name and password. A password may contain a `/`, `?` or `#` that should have been
/// encoded, which often is why the URL is malformed: the part that would be the port then is not a number.
fn credentials_end(text: &str) -> Option<usize> {
    let end = text.find(['/', '?', '#', '\\']).unwrap_or(text.len());
    let authority = &text[..end];
    let is_cut_off = || {
        let (_, port) = authority.split_once(':')?;
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_port = authority.starts_with('[') || is_number;
        if is_port { None } else { text.rfind('@') }
    };
    authority.rfind('@').or_else(is_cut_off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_presented() {
        for text in [
            "http://ann:secret@h:x/",
            "http://ann:se/cret@h/",
            "http://ann:se#cret@h/",
            "http://ann:se?cret@h/a@b",
            "http:/ann:secret@h/",
            "http:///ann:secret@h/",
            "http:ann:secret@h/",
            "ann:secret@h/",
            "ann:se/cret@h/",
            "http://ann:/secret@h/",
            "http:\\\\ann:secret@h x/",
            "\\\\ann:secret@h\\",
            "/\\ann:secret@h/",
            "\nhttp://ann:secret@h/",
            "\"http://ann:secret@h/\"",
            "<http://ann:secret@h/>",
            "URL=http://ann:secret@h/",
            "ht tp://ann:secret@h/",
            "\"ann:se://cret@h/",
        ] {
            let shown = presentable(text);
            assert!(!shown.contains("ret@") && !shown.contains("se"), "{text} became {shown}");
        }
    }

    #[test]
    fn what_is_no_password_is_presented() {
        for text in ["http://h:80/@ann b", "http://h /ann@b", "http://[::1]:x/@", "/a@b c", "h/a:b@c"] {
            assert_eq!(presentable(text), text);
        }
    }
}
