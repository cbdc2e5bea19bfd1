//! What is refused before the parser sees it, and what is refused after.
//!
//! The parser follows the WHATWG and makes sense of nearly everything. Here stands what a client must not make sense of,
//! because another program would make another sense of it; and how the refusal is worded, without repeating a password.

use super::Url;
use crate::error::{Error, ErrorKind};
use std::borrow::Cow;

/// The longest name DNS can carry, with its trailing dot (RFC 1035 §2.3.4).
const LONGEST_HOST: usize = 254;

/// The text without the spaces around it, as browsers and other clients read it. Spaces inside are the parser's to
/// encode, except in the authority. Control characters are refused: the parser would drop line breaks and tabs, and
/// another program may not.
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

/// The authority of a URL or of a reference to one, as the parser will find it: behind an optional scheme and two
/// slashes of either kind.
fn authority_of(text: &str) -> &str {
    let is_slash = |c: char| matches!(c, '/' | '\\');
    let behind_scheme = scheme_end(text).map_or(text, |colon| &text[colon + 1..]);
    let rest = behind_scheme.trim_start_matches(is_slash);
    let slashes = behind_scheme.len() - rest.len();
    if slashes < 2 {
        return "";
    }
    &rest[..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())]
}

/// Checks the part between `//` and the path of an absolute URL, which the parser reads too generously.
pub(super) fn authority(text: &str) -> Result<(), Error> {
    let without_scheme = || unusable(text, "a URL must begin with http:// or https://");
    let Some(colon) = scheme_end(text) else {
        return Err(without_scheme());
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    // `localhost:8080` is a host and a port to whoever wrote it.
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

/// What can only be said of the parsed form.
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
            format!("the host's name is {} bytes long, the limit is {LONGEST_HOST}", host.len()),
        )),
        Some(_) => Ok(Url::from_parsed(inner)),
    }
}

/// The place of the colon behind the scheme (RFC 3986 §3.1), if there is a scheme.
pub(super) fn scheme_end(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    let scheme = &text.as_bytes()[..colon];
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (scheme.first()?.is_ascii_alphabetic() && scheme.iter().all(legal)).then_some(colon)
}

fn wrong_scheme(text: &str) -> Error {
    unusable(text, "only http:// and https:// are spoken here")
}

pub(super) fn unusable(text: &str, why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Url, why).about(presentable(text))
}

/// The text for an error message: no credentials, and not endless.
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

/// Behind the scheme and as many slashes as there are: what is complained about may have one too few.
fn authority_start(text: &str) -> usize {
    let behind_scheme = scheme_end(text).map_or(0, |colon| colon + 1);
    let slashes = text[behind_scheme..].bytes().take_while(|byte| *byte == b'/').count();
    let begins_authority = slashes > 1 || behind_scheme > 0 && slashes == 1;
    if begins_authority { behind_scheme + slashes } else { 0 }
}

/// The place of the `@` behind user name and password. A password may hold a `/`, `?` or `#` that ought to have been
/// encoded, and often is why the text is no address: what is read as a port then does not look like one.
fn credentials_end(text: &str) -> Option<usize> {
    let end = text.find(['/', '?', '#', '\\']).unwrap_or(text.len());
    let authority = &text[..end];
    let is_cut_off = || {
        let (_, port) = authority.split_once(':')?;
        let is_port = authority.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit());
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
