//! Quoted strings in header fields (RFC 9110 §5.6.4).

#[cfg(feature = "digest")]
use std::fmt::{self, Write};

/// Splits `text` into the value at its start, with escapes unchanged, and the rest. The value is a quoted string, without
/// the quotes, or everything up to one of the characters in `ends`. `None` if a quoted string has no end.
pub(crate) fn split_raw<'a>(text: &'a str, ends: &[char]) -> Option<(&'a str, &'a str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(ends).unwrap_or(text.len());
        return Some((text[..end].trim_end(), &text[end..]));
    };
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((&quoted[..at], &quoted[at + 1..])),
            '\\' => drop(characters.next()?),
            _ => {}
        }
    }
    None
}

/// The same with the escapes of a quoted string resolved: a backslash stands for the character after it.
pub(crate) fn split<'a>(text: &'a str, ends: &[char]) -> Option<(String, &'a str)> {
    let (raw, rest) = split_raw(text, ends)?;
    if !text.starts_with('"') || !raw.contains('\\') {
        return Some((raw.to_owned(), rest));
    }
    let mut value = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        value.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Some((value, rest))
}

/// Formats a text as a quoted string, with quotes and backslashes escaped.
#[cfg(feature = "digest")]
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

#[cfg(feature = "digest")]
impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            if matches!(character, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_a_separator_and_a_quoted_string_at_its_quote() {
        assert_eq!(split("a b; c", &[';']), Some(("a b".into(), "; c")));
        assert_eq!(split("a", &[';']), Some(("a".into(), "")));
        assert_eq!(split(r#""a;b", c"#, &[';', ',']), Some(("a;b".into(), ", c")));
        assert_eq!(split("", &[';']), Some((String::new(), "")));
    }

    #[test]
    fn a_backslash_escapes_in_a_quoted_string_and_nowhere_else() {
        assert_eq!(split(r#""a\"b\\" c"#, &[' ']), Some((r#"a"b\"#.into(), " c")));
        assert_eq!(split_raw(r#""a\"b""#, &[]), Some((r#"a\"b"#, "")));
        assert_eq!(split(r"a\b", &[';']), Some((r"a\b".into(), "")));
    }

    #[test]
    fn a_quoted_string_without_an_end_is_none() {
        assert_eq!(split("\"a", &[';']), None);
        assert_eq!(split("\"a\\\"", &[';']), None);
        assert_eq!(split("\"a\\", &[';']), None);
    }

    #[cfg(feature = "digest")]
    #[test]
    fn what_is_quoted_reads_back() {
        for text in ["", "plain", r#"a "b" \c"#] {
            assert_eq!(split(&Quoted(text).to_string(), &[]), Some((text.into(), "")));
        }
    }
}
