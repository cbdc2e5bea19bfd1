//! Character sets: from bytes to text.
//!
//! Nearly all text is UTF-8 today, and the rest of the web's text is mostly what is called Latin-1 and is really
//! Windows-1252 (the WHATWG Encoding Standard makes them one, as browsers always have). These two and ASCII are
//! built in; for another one there is an error, because a wrong guess would be silent.

use crate::error::{Error, ErrorKind};

/// What stands for bytes 0x80 to 0x9F in Windows-1252. The five that it leaves open stand for themselves.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The `charset` parameter of a Content-Type (RFC 9110 §8.3.1), if it has one.
pub(crate) fn label(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

/// The text that `bytes` are in the character set `label`; UTF-8 if there is none. A byte order mark is no part of it.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> Result<String, Error> {
    if let Some(marked) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Ok(String::from_utf8_lossy(marked).into_owned());
    }
    let label = label.unwrap_or("utf-8");
    let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
    if is(&["utf-8", "utf8"]) {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    } else if is(&[
        "us-ascii",
        "ascii",
        "iso-8859-1",
        "iso8859-1",
        "latin1",
        "latin-1",
        "l1",
        "windows-1252",
        "cp1252",
    ]) {
        Ok(bytes.iter().map(|&byte| latin1(byte)).collect())
    } else {
        let what = format!(
            "reading the body as text: the character set {label:?} is not built in (binary() gives the bytes)"
        );
        Err(Error::new(ErrorKind::Decode, what))
    }
}

fn latin1(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charset_is_found_among_the_parameters() {
        assert_eq!(label("text/html; charset=UTF-8"), Some("UTF-8"));
        assert_eq!(label("text/html;boundary=x;CHARSET=\"latin1\""), Some("latin1"));
        assert_eq!(label("text/html"), None);
        assert_eq!(label("charset=utf-8"), None);
        assert_eq!(label("text/html; charset="), None);
    }

    #[test]
    fn each_built_in_charset_is_read() {
        assert_eq!(decode("größe".as_bytes(), None).expect("utf-8"), "größe");
        assert_eq!(decode(b"gr\xf6\xdfe \x80", Some("ISO-8859-1")).expect("latin-1"), "größe €");
    }

    #[test]
    fn bytes_that_are_no_text_become_the_replacement_character() {
        assert_eq!(decode(b"a\xffb", Some("utf-8")).expect("lossy"), "a\u{fffd}b");
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_wins_over_the_label() {
        assert_eq!(decode("\u{feff}ö".as_bytes(), Some("latin1")).expect("utf-8"), "ö");
    }

    #[test]
    fn an_unknown_charset_is_an_error_that_names_it() {
        let error = decode(b"x", Some("koi8-r")).expect_err("not built in");
        assert!(error.is_decode() && error.to_string().contains("koi8-r"));
    }
}
