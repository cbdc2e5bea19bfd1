//! What is refused before the parser sees it, and what is refused after.
//!
//! The parser follows the WHATWG and makes sense of nearly everything. Here stands what a client must not make sense of,
//! because another program would make another sense of it; and how the refusal is worded, without repeating a password.

use super::Url;
use crate::error::{Error, ErrorKind};
use std::borrow::Cow;

/// The longest name DNS can carry, with its trailing dot (RFC 1035 §2.3.4).
const LONGEST_HOST: usize = 254;

/// Line breaks and tabs would vanish, other controls and spaces would be encoded or trimmed: in either case somebody
/// else may have read the text differently.
pub(super) fn characters(text: &str) -> Result<(), Error> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    match text.chars().find(|c| c.is_control() || *c == ' ') {
        None => Ok(()),
        Some(' ') => Err(unusable(text, "an address may not hold a space (write %20)")),
        Some(control) => {
            Err(unusable(text, format!("an address may not hold the control character {control:?}")))
        }
    }
}

/// Checks the part between `//` and the path of an absolute address, which the parser reads too generously.
pub(super) fn authority(text: &str) -> Result<(), Error> {
    let Some(colon) = scheme_end(text) else {
        return Err(unusable(text, "an address must begin with http:// or https://"));
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
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
    if authority.ends_with(':') {
        return Err(unusable(text, "the port is missing behind the colon"));
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
    let start = text.find("//").map_or(0, |at| at + 2);
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    let mut shown = match text[start..end].rfind('@') {
        Some(at) => format!("{}***{}", &text[..start], &text[start + at..]),
        None => text.to_owned(),
    };
    if let Some((cut, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(cut);
        shown.push('…');
    }
    shown
}
