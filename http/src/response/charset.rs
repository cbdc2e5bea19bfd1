//! Character sets: from bytes to text.
//!
//! Nearly all text is UTF-8 today, and the rest of the web's text is mostly what is called Latin-1 and is really
//! Windows-1252 (the WHATWG Encoding Standard makes them one, as browsers always have). These two and ASCII are
//! built in, under all names of that standard. The others come with the Cargo feature `charset`; without it there is an
//! error for them, because a wrong guess would be silent.

use crate::encoding::quoted_string;
use crate::error::{Error, ErrorKind};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// What stands for bytes 0x80 to 0x9F in Windows-1252. The five that it leaves open stand for themselves.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The character set that the Content-Type among `headers` names.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    label(headers.get(CONTENT_TYPE)?.to_str().ok()?)
}

/// The `charset` parameter of a Content-Type (RFC 9110 §8.3.1), if it has one.
fn label(content_type: &str) -> Option<&str> {
    let (_, mut rest) = content_type.split_once(';')?;
    loop {
        let (name, value) = rest.split_once('=')?;
        // A parameter without a value before it means nothing.
        let name = name.rsplit(';').next().unwrap_or(name);
        let value = value.trim_start();
        // Without its closing quote it reaches to the end, as browsers have it.
        let unclosed = || (value.trim_matches('"'), "");
        let (value, behind) = quoted_string::split_raw(value, &[';']).unwrap_or_else(unclosed);
        let value = value.trim();
        if name.trim().eq_ignore_ascii_case("charset") && !value.is_empty() {
            return Some(value);
        }
        (_, rest) = behind.split_once(';')?;
    }
}

const UTF_8: [&str; 6] =
    ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"];
const LATIN_1: [&str; 18] = [
    "windows-1252",
    "iso-8859-1",
    "latin1",
    "us-ascii",
    "ascii",
    "latin-1",
    "ansi_x3.4-1968",
    "cp1252",
    "cp819",
    "csisolatin1",
    "ibm819",
    "iso-ir-100",
    "iso8859-1",
    "iso88591",
    "iso_8859-1",
    "iso_8859-1:1987",
    "l1",
    "x-cp1252",
];

/// The text that `bytes` are in the character set `label`; UTF-8 if there is none. A byte order mark is no part of it.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> Result<String, Error> {
    if let Some(marked) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Ok(String::from_utf8_lossy(marked).into_owned());
    }
    if let Some(text) = marked_otherwise(bytes) {
        return Ok(text);
    }
    let label = label.unwrap_or("utf-8");
    let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
    if is(&UTF_8) {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    } else if is(&LATIN_1) {
        Ok(bytes.iter().map(|&byte| latin1(byte)).collect())
    } else {
        other(bytes, label).ok_or_else(|| {
            let known = if cfg!(feature = "charset") { "known" } else { "built in" };
            let what = format!(
                "reading the body as text: the character set {label:?} is not {known} (binary() gives the bytes)"
            );
            Error::new(ErrorKind::Decode, what)
        })
    }
}

/// A byte order mark of UTF-16 says more than any label.
#[cfg(feature = "charset")]
fn marked_otherwise(bytes: &[u8]) -> Option<String> {
    let (encoding, length) = encoding_rs::Encoding::for_bom(bytes)?;
    let (text, _) = encoding.decode_without_bom_handling(&bytes[length..]);
    Some(text.into_owned())
}

#[cfg(not(feature = "charset"))]
fn marked_otherwise(_bytes: &[u8]) -> Option<String> {
    None
}

/// Any other character set of the standard, but for those that it lists as unsafe to decode.
#[cfg(feature = "charset")]
fn other(bytes: &[u8], label: &str) -> Option<String> {
    let encoding = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?;
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Some(text.into_owned())
}

#[cfg(not(feature = "charset"))]
fn other(_bytes: &[u8], _label: &str) -> Option<String> {
    None
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
        assert_eq!(label("text/html; x; charset=latin1"), Some("latin1"));
        assert_eq!(label("text/html; charset=\"latin1"), Some("latin1"));
        assert_eq!(label("text/html; title=\"a; charset=latin1\"; charset=utf-8"), Some("utf-8"));
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
        for label in ["klingon", "hz-gb-2312", "utf-7"] {
            let error = decode(b"x", Some(label)).expect_err("no such character set");
            assert!(error.is_decode() && error.to_string().contains(label));
        }
    }

    #[cfg(not(feature = "charset"))]
    #[test]
    fn a_charset_that_is_a_feature_is_an_error_without_it() {
        let error = decode(b"x", Some("koi8-r")).expect_err("not built in");
        assert!(error.to_string().contains("\"koi8-r\" is not built in"), "{error}");
    }

    #[cfg(feature = "charset")]
    #[test]
    fn every_charset_of_the_standard_is_read_by_feature() {
        assert_eq!(decode(b"\xcd\xc9\xd2", Some("KOI8-R")).expect("koi8-r"), "мир");
        assert_eq!(decode(b"\x93\xfa\x96\x7b", Some("shift_jis")).expect("shift_jis"), "日本");
        assert_eq!(decode(b"\xc4\xe3", Some("gb2312")).expect("gbk"), "你");
        assert_eq!(decode(b"a\0\xf6\0", Some("utf-16")).expect("utf-16"), "aö");
        assert_eq!(decode(b"\xfe\xff\0a", Some("latin1")).expect("marked"), "a");
    }

    #[cfg(feature = "charset")]
    #[test]
    fn what_is_built_in_reads_as_the_standard_has_it() {
        let all: Vec<u8> = (0..=255).collect();
        for label in LATIN_1.iter().filter(|label| **label != "latin-1") {
            let encoding = encoding_rs::Encoding::for_label(label.as_bytes());
            assert_eq!(encoding, Some(encoding_rs::WINDOWS_1252), "{label}");
        }
        assert_eq!(decode(&all, Some("latin1")).expect("built in"), encoding_rs::WINDOWS_1252.decode(&all).0);
        for label in UTF_8 {
            assert_eq!(
                encoding_rs::Encoding::for_label(label.as_bytes()),
                Some(encoding_rs::UTF_8),
                "{label}"
            );
        }
    }
}
