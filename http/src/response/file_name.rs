//! The name of a file that is downloaded: from the `Content-Disposition` field (RFC 6266), or from the URL.
//!
//! The name is chosen by the server, so only its last part is used, and nothing of it may have a meaning to the file system: no
//! folders, no `..`, no hidden files, no devices of Windows, no control characters. The rules are the same on every system.

use crate::encoding::{hex, quoted_string};
use crate::response::charset;
use crate::url::Url;
use http::HeaderMap;
use http::header::CONTENT_DISPOSITION;

/// The longest name in bytes: that of most file systems, less some room for an ending such as `.part`.
const LONGEST: usize = 240;

/// The name that the server suggests; otherwise the last part of the URL's path.
pub(crate) fn of(headers: &HeaderMap, url: &Url) -> Option<String> {
    suggested(headers).and_then(|name| safe(&name)).or_else(|| safe(&from_path(url.path())))
}

fn suggested(headers: &HeaderMap) -> Option<String> {
    let field = charset::header_text(headers.get(CONTENT_DISPOSITION)?.as_bytes());
    let mut plain = None;
    let mut rest = field.get(field.find(';')?..)?;
    while let Some(behind) = rest.trim_start().strip_prefix(';') {
        let behind = behind.trim_start();
        let end = behind.find(['=', ';']).unwrap_or(behind.len());
        let (name, behind) = behind.split_at(end);
        let Some(behind) = behind.strip_prefix('=') else {
            rest = behind;
            continue;
        };
        let (value, behind) = quoted_string::split(behind.trim_start(), &[';'])?;
        let name = name.trim();
        if name.eq_ignore_ascii_case("filename*") {
            // It stands for more characters than the plain one, which is for older clients.
            if let Some(extended) = extended(&value) {
                return Some(extended);
            }
        } else if name.eq_ignore_ascii_case("filename") {
            plain.get_or_insert(value);
        }
        rest = behind;
    }
    plain
}

/// `UTF-8'en'na%C3%AFve.txt` (RFC 8187).
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = decoded(text);
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

fn from_path(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    String::from_utf8_lossy(&decoded(last)).into_owned()
}

/// Without percent encoding. A `%` that is none stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        let digits = match (first, behind) {
            (b'%', [high, low, ..]) => hex::digit(*high).zip(hex::digit(*low)),
            _ => None,
        };
        match digits {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &behind[2..];
            }
            None => bytes.push(first),
        }
    }
    bytes
}

/// What is left of a name when nothing of it has a meaning to a file system. `None`: nothing.
fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|character| !character.is_control() && !is_invisible(*character))
        .map(|character| if r#"<>:"|?*"#.contains(character) { '_' } else { character })
        .collect();
    // Windows drops dots and spaces at the end; a dot at the beginning hides a file on Unix, `.profile` for example.
    let trimmed = clean.trim_matches([' ', '.']);
    if trimmed.is_empty() {
        return None;
    }
    let name = shortened(trimmed);
    Some(if is_device(&name) { format!("_{name}") } else { name })
}

/// Marks of writing direction, with which `gpj.exe` looks like `exe.jpg`, and byte order marks.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Keeps the ending, which says what kind of file it is.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let (stem, ending) = match name.rfind('.') {
        Some(dot) if name.len() - dot <= 20 => name.split_at(dot),
        _ => (name, ""),
    };
    let mut end = LONGEST - ending.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    [&stem[..end], ending].concat()
}

/// Names that are devices in every folder of Windows, whatever their ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered =
        |kind| stem.strip_prefix(kind).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn name(field: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_bytes(field.as_bytes()).expect("a field"));
        of(&headers, &Url::parse("http://h/").expect("a URL"))
    }

    fn from_url(url: &str) -> Option<String> {
        of(&HeaderMap::new(), &Url::parse(url).expect("a URL"))
    }

    #[test]
    fn the_name_is_read_in_all_of_its_forms() {
        assert_eq!(name("attachment; filename=plain.txt").as_deref(), Some("plain.txt"));
        assert_eq!(name("inline; FileName = \"a \\\"b\\\"; c.txt\"").as_deref(), Some("a _b_; c.txt"));
        let both = "attachment; filename=\"naive.txt\"; filename*=UTF-8''na%C3%AFve%20file.txt";
        assert_eq!(name(both).as_deref(), Some("na\u{ef}ve file.txt"));
        assert_eq!(name("attachment; filename*=iso-8859-1'en'%A3.txt").as_deref(), Some("\u{a3}.txt"));
        assert_eq!(name("attachment; filename*=utf-8''%ff; filename=b").as_deref(), Some("b"), "no UTF-8");
        assert_eq!(name("attachment; filename=\"na\u{ef}ve\"").as_deref(), Some("na\u{ef}ve"));
    }

    #[test]
    fn without_a_field_the_url_names_it() {
        assert_eq!(from_url("http://h/a/b%20c.zip?d=/e.exe#f").as_deref(), Some("b c.zip"));
        assert_eq!(from_url("http://h/100%25/x%2").as_deref(), Some("x%2"));
        assert_eq!(from_url("http://h/a/"), None);
        assert_eq!(name("attachment"), None);
        assert_eq!(name("attachment; filename=\"no end"), None);
    }

    #[test]
    fn only_the_last_part_of_a_path_is_used() {
        for path in [
            "/etc/x",
            "../../x",
            "..\\..\\x",
            "C:\\Windows\\x",
            "C:/x",
            "a/../x",
            "\\\\host\\share\\x",
            "./x",
        ] {
            assert_eq!(safe(path).as_deref(), Some("x"), "{path}");
        }
        assert_eq!(from_url("http://h/..%2f..%2fx").as_deref(), Some("x"));
        for nothing in ["", ".", "..", "...", "/", "a/", "a/..", " . ", "\u{200b}"] {
            assert_eq!(safe(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn nothing_of_it_has_a_meaning_to_a_file_system() {
        let pairs = [
            (".bashrc", "bashrc"),
            ("a.txt. .", "a.txt"),
            ("a\0b\nc", "abc"),
            ("x:y", "x_y"),
            ("a<b>|?*\"", "a_b_____"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("com7", "_com7"),
            ("complete", "complete"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
        ];
        for (given, made) in pairs {
            assert_eq!(safe(given).as_deref(), Some(made), "{given:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_ending() {
        let long = safe(&format!("{}.tar.gz", "\u{e4}".repeat(300))).expect("a name");
        assert!(long.len() <= LONGEST && long.ends_with("\u{e4}.gz"), "{long}");
        let all = safe(&"x".repeat(1000)).expect("a name");
        assert_eq!(all.len(), LONGEST);
    }
}
