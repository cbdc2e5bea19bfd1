//! Character sets: decoding bytes to text.
//!
//! Nearly all text on the web is UTF-8, and most of the rest is Windows-1252, often labelled as Latin-1 (the WHATWG Encoding
//! Standard treats the two labels as the same, as browsers do). These and ASCII are built in, under all labels of that
//! standard. The others come with the Cargo feature `charset`.
//!
//! Servers also send unknown labels (`utf8mb4`, `none`). Such a label is ignored, as by requests and browsers, if the text
//! is valid UTF-8; otherwise it is an error, because a wrong guess would go unnoticed.

use crate::encoding::quoted_string;
use crate::error::{Error, ErrorKind};
use std::borrow::Cow;

/// A character set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Charset {
    Utf8,
    Windows1252,
    #[cfg(feature = "charset")]
    Other(&'static encoding_rs::Encoding),
    /// A label that this build does not support.
    Unknown(Box<str>),
}

/// The characters of bytes 0x80 to 0x9F in Windows-1252. The five that it leaves undefined are the C1 controls of the same
/// number, as in the WHATWG Encoding Standard.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

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
/// Prefixes of the labels of character sets in which ASCII bytes may encode other characters: text in one of them may be
/// valid UTF-8 by accident.
const NOT_LIKE_ASCII: [&str; 12] = [
    "utf-7",
    "utf7",
    "utf-16",
    "utf16",
    "utf-32",
    "utf32",
    "ucs",
    "unicode",
    "csunicode",
    "iso-10646",
    "iso-2022",
    "hz-",
];

/// The byte order marks, which take precedence over the label.
const MARKS: [(&[u8], &str); 3] =
    [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")];

/// The `charset` parameter of a Content-Type (RFC 9110 §8.3.1) without its quotes, if it has one. Some servers use single
/// quotes, which HTTP does not know.
pub(crate) fn of(content_type: &str) -> Option<&str> {
    let (_, mut rest) = content_type.split_once(';')?;
    loop {
        let (name, value) = rest.split_once('=')?;
        // A parameter without a value is ignored.
        let name = name.rsplit(';').next().unwrap_or(name);
        let value = value.trim_start();
        // Without a closing quote the value extends to the end, as in browsers.
        let unclosed = || (value.trim_matches('"'), "");
        let (value, behind) = quoted_string::split_raw(value, &[';']).unwrap_or_else(unclosed);
        let value = value.trim_matches('\'').trim();
        if name.trim().eq_ignore_ascii_case("charset") && !value.is_empty() {
            return Some(value);
        }
        (_, rest) = behind.split_once(';')?;
    }
}

/// Decodes the value of a header field: as UTF-8 if it is valid, as ISO-8859-1 otherwise.
pub(crate) fn header_text(value: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(value) {
        Ok(text) => text.into(),
        Err(_) => value.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
    }
}

/// Whether this build can decode the character set `label`.
pub(crate) fn is_supported(label: &str) -> bool {
    !matches!(Charset::named(Some(label)), Charset::Unknown(_))
}

/// Decodes `bytes` from the character set `label`; from UTF-8 if there is none. A byte order mark is removed.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> Result<String, Error> {
    let (charset, mark) = Charset::of(bytes, label);
    charset.decode(&bytes[mark..])
}

impl Charset {
    /// The character set of a text that begins with `bytes`, and the length of its byte order mark.
    pub(crate) fn of(bytes: &[u8], label: Option<&str>) -> (Charset, usize) {
        if let Some((mark, marked)) = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
            let charset = Charset::named(Some(marked));
            if !matches!(charset, Charset::Unknown(_)) {
                return (charset, mark.len());
            }
        }
        (Charset::named(label), 0)
    }

    /// Whether `bytes` may be the beginning of an incomplete byte order mark.
    pub(crate) fn could_be_marked(bytes: &[u8]) -> bool {
        MARKS.iter().any(|(mark, _)| bytes.len() < mark.len() && mark.starts_with(bytes))
    }

    fn named(label: Option<&str>) -> Charset {
        let label = label.unwrap_or("utf-8");
        // In a quoted string, a backslash escapes the next character (RFC 9110 §5.6.4).
        let label = if label.contains('\\') { label.replace('\\', "").into() } else { Cow::from(label) };
        let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
        if is(&UTF_8) {
            Charset::Utf8
        } else if is(&LATIN_1) {
            Charset::Windows1252
        } else {
            Charset::of_standard(&label).unwrap_or_else(|| Charset::Unknown(label.into()))
        }
    }

    /// Any other character set of the WHATWG Encoding Standard, except those that it maps to its "replacement" decoder.
    #[cfg(feature = "charset")]
    fn of_standard(label: &str) -> Option<Charset> {
        encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()).map(Charset::Other)
    }

    #[cfg(not(feature = "charset"))]
    fn of_standard(_label: &str) -> Option<Charset> {
        None
    }

    /// Decodes bytes that begin and end at a character boundary. Invalid bytes become `U+FFFD`.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<String, Error> {
        match self {
            Charset::Utf8 => Ok(match str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                // It looks at each byte of ASCII, too, where the check above looks at eight at a time.
                Err(_) => String::from_utf8_lossy(bytes).into_owned(),
            }),
            Charset::Windows1252 => Ok(bytes.iter().map(|&byte| latin1(byte)).collect()),
            #[cfg(feature = "charset")]
            Charset::Other(encoding) => Ok(encoding.decode_without_bom_handling(bytes).0.into_owned()),
            Charset::Unknown(label) => match str::from_utf8(bytes) {
                Ok(text) if !is_unlike_ascii(label) => Ok(text.to_owned()),
                _ => Err(unknown(label)),
            },
        }
    }

    /// A streaming decoder, for a character set whose text cannot be split into lines before it is decoded: in UTF-16 a line
    /// feed is two bytes, and the byte 0x0A may also be part of another character.
    #[cfg(feature = "charset")]
    pub(crate) fn stream_decoder(&self) -> Option<StreamDecoder> {
        match self {
            Charset::Other(encoding) if !encoding.is_ascii_compatible() => {
                Some(StreamDecoder(encoding.new_decoder_without_bom_handling()))
            }
            _ => None,
        }
    }

    #[cfg(not(feature = "charset"))]
    pub(crate) fn stream_decoder(&self) -> Option<StreamDecoder> {
        None
    }
}

/// Decodes text chunk by chunk; a character may span two chunks.
#[cfg(feature = "charset")]
pub(crate) struct StreamDecoder(encoding_rs::Decoder);

#[cfg(feature = "charset")]
impl StreamDecoder {
    /// Decodes the next bytes. With `is_last`, an incomplete character at the end becomes `U+FFFD`.
    pub(crate) fn decode(&mut self, bytes: &[u8], is_last: bool) -> String {
        let mut text = String::new();
        // The upper bound of the text's length, so one call decodes all of the bytes.
        text.reserve(self.0.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
        let _ = self.0.decode_to_string(bytes, &mut text, is_last);
        text
    }
}

/// Without the feature, the text of all supported character sets can be split into lines before it is decoded.
#[cfg(not(feature = "charset"))]
pub(crate) enum StreamDecoder {}

#[cfg(not(feature = "charset"))]
impl StreamDecoder {
    pub(crate) fn decode(&mut self, _bytes: &[u8], _is_last: bool) -> String {
        match *self {}
    }
}

fn is_unlike_ascii(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    NOT_LIKE_ASCII.iter().any(|beginning| label.starts_with(beginning))
}

fn unknown(label: &str) -> Error {
    let known = if cfg!(feature = "charset") { "known" } else { "built in" };
    let what = format!(
        "reading the body as text: the character set {label:?} is not {known} (binary() gives the bytes)"
    );
    Error::new(ErrorKind::Decode, what)
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
        assert_eq!(of("text/html; charset=UTF-8"), Some("UTF-8"));
        assert_eq!(of("text/html;boundary=x;CHARSET=\"latin1\""), Some("latin1"));
        assert_eq!(of("text/html"), None);
        assert_eq!(of("charset=utf-8"), None);
        assert_eq!(of("text/html; charset="), None);
        assert_eq!(of("text/html; a=\"; charset=x\"; charset='utf-8'"), Some("utf-8"));
        assert_eq!(of("text/html; x; charset=latin1"), Some("latin1"));
        assert_eq!(of("text/html; charset=\"latin1"), Some("latin1"));
        assert_eq!(of("text/html; a=\"\\\"; charset=x\"; charset=\"y"), Some("y"));
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
    fn an_unknown_charset_is_passed_over_if_the_text_is_utf_8() {
        for label in ["klingon", "utf8mb4", "utf-8 x", "none"] {
            assert_eq!(decode("größe".as_bytes(), Some(label)).expect("UTF-8"), "größe");
        }
    }

    #[test]
    fn an_unknown_charset_is_an_error_that_names_it() {
        for (label, bytes) in
            [("klingon", &b"\xff"[..]), ("hz-gb-2312", b"~{VP"), ("utf-7", b"+AGE-"), ("UTF-32", b"a\0\0\0")]
        {
            let error = decode(bytes, Some(label)).expect_err("no such character set");
            assert!(error.is_decode() && error.to_string().contains(label));
        }
    }

    #[cfg(not(feature = "charset"))]
    #[test]
    fn a_charset_that_is_a_feature_is_an_error_without_it() {
        let error = decode(b"\xcd\xc9\xd2", Some("koi8-r")).expect_err("not built in");
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
