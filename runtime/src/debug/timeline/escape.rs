//! Text inside of JSON, HTML and SVG. Names and labels come from programs and may hold anything.

use std::fmt::{self, Display, Write};

/// A JSON string with its quotes, which may stand in a `<script>` element of an HTML page as well: there, `<` and `>` could
/// end the element, and U+2028 a line of JavaScript.
pub(super) struct Json<'a>(pub(super) &'a str);

impl Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(character))?,
                control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}

/// Text of an element or an attribute of HTML or SVG. Control characters, which XML does not allow, are shown as `U+FFFD`.
pub(super) struct Xml<'a>(pub(super) &'a str);

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                control if control.is_control() && !matches!(control, '\n' | '\t') => {
                    f.write_char('\u{fffd}')?;
                }
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_script_element_or_a_string() {
        let hostile = "</script><!-- \"quoted\" \\ \n\u{2028}\u{1}&";
        let json = Json(hostile).to_string();
        let expected = "\"\\u003c/script\\u003e\\u003c!-- \\\"quoted\\\" \\\\ \\n\\u2028\\u0001\\u0026\"";
        assert_eq!(json, expected);
    }

    #[test]
    fn nothing_ends_an_element_or_an_attribute() {
        assert_eq!(Xml("<a href='\"'>&\u{0}").to_string(), "&lt;a href=&#39;&quot;&#39;&gt;&amp;\u{fffd}");
    }
}
