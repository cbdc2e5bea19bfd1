//! The fields in the block of a head that has been parsed, so that all of them are known to be valid.
//!
//! They are split again when they are asked for, so that their places need not be kept for the many responses whose fields are
//! not: a name ends at the first colon, a value at the first line end that no blank follows.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::field::position;

struct Field<'b> {
    name: &'b [u8],
    /// Without the blanks and line ends around it.
    value: &'b [u8],
    /// The value is on several lines.
    is_folded: bool,
}

impl<'b> Field<'b> {
    fn value(&self) -> Cow<'b, [u8]> {
        if self.is_folded { Cow::Owned(unfold(self.value)) } else { Cow::Borrowed(self.value) }
    }
}

/// The first value of the field `name`.
pub(super) fn value<'b>(block: &'b [u8], name: &str) -> Option<Cow<'b, [u8]>> {
    let field = fields(block).find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))?;
    Some(field.value())
}

/// All fields; their number is `count`. `None`: there are more than a map can hold.
pub(super) fn map(block: &Bytes, count: usize) -> Option<HeaderMap> {
    let mut map = HeaderMap::try_with_capacity(count).ok()?;
    for field in fields(block) {
        let value = match field.value() {
            Cow::Borrowed(value) => block.slice_ref(value),
            Cow::Owned(value) => value.into(),
        };
        let name = HeaderName::from_bytes(field.name);
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(value)) else {
            debug_assert!(false, "the parser accepts only what these accept");
            continue;
        };
        map.try_append(name, value).ok()?;
    }
    Some(map)
}

/// The value on one line, which came on several.
pub(super) fn unfold(value: &[u8]) -> Vec<u8> {
    let mut unfolded = Vec::with_capacity(value.len());
    for line in value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        if !unfolded.is_empty() {
            unfolded.push(b' ');
        }
        unfolded.extend_from_slice(line);
    }
    unfolded
}

fn fields(block: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let status_line = line_length(block);
    let mut rest = &block[status_line..];
    core::iter::from_fn(move || {
        // The empty line at the end of the head has no colon.
        let colon = position(rest, b':')?;
        let (name, value) = (&rest[..colon], &rest[colon + 1..]);
        let first_line = line_length(value);
        let mut end = first_line;
        while let [b' ' | b'\t', ..] = value[end..] {
            end += line_length(&value[end..]);
        }
        rest = &value[end..];
        Some(Field { name, value: value[..end].trim_ascii(), is_folded: end > first_line })
    })
}

/// The length of the first line, its line end included.
fn line_length(bytes: &[u8]) -> usize {
    position(bytes, b'\n').map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK: fine\r\nServer:small\r\nX-Empty: \t\r\nX: a:b \t\nX: second\r\n\
        Folded:\r\n one\r\n\t \r\n two \r\nX-Last:  \xe9\n\r\n";

    #[test]
    fn values_are_found_by_name_in_any_case_and_the_first_of_several_counts() {
        let found = |name| value(HEAD, name).map(Cow::into_owned);
        assert_eq!(found("server").as_deref(), Some(&b"small"[..]));
        assert_eq!(found("x-EMPTY").as_deref(), Some(&b""[..]));
        assert_eq!(found("x").as_deref(), Some(&b"a:b"[..]));
        assert_eq!(found("folded").as_deref(), Some(&b"one two"[..]));
        assert_eq!(found("x-last").as_deref(), Some(&b"\xe9"[..]));
        assert_eq!([found("X-Las"), found("200 OK"), found("")], [None, None, None]);
    }

    #[test]
    fn the_map_has_the_fields_that_the_parser_finds() {
        let map = map(&Bytes::from_static(HEAD), 6).expect("few fields");
        let fields: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 6] = [
            ("server", b"small"),
            ("x-empty", b""),
            ("x", b"a:b"),
            ("x", b"second"),
            ("folded", b"one two"),
            ("x-last", b"\xe9"),
        ];
        assert_eq!(fields, expected);

        let mut slots = [httparse::EMPTY_HEADER; 6];
        let mut parsed = httparse::Response::new(&mut slots);
        let mut config = httparse::ParserConfig::default();
        config.allow_obsolete_multiline_headers_in_responses(true);
        assert!(config.parse_response(&mut parsed, HEAD).is_ok_and(|status| status.is_complete()));
        for (field, (name, value)) in parsed.headers.iter().zip(expected) {
            assert!(field.name.eq_ignore_ascii_case(name));
            assert_eq!(unfold(field.value), value);
        }
    }
}
