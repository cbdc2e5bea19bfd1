//! URLs that need no parsing.
//!
//! Most URLs in programs are normalised already: `https://api.example.org/items?page=2`. The full parser takes a noticeable
//! part of a request's time to find that out. So this file reads a text once, byte by byte; if every part of it has a form that
//! the parser is known to leave unchanged, the text is taken as it is. For everything else, and in every doubtful case, the
//! result is `None`, and the parser decides. A test gives both the same texts.

use super::{Marks, Url};

/// Longer texts are left to the parser, which has its own limits.
const LONGEST: usize = 4096;
/// Longer hosts are refused, and the parser says so.
const LONGEST_HOST: usize = 253;

/// The URL, if `text` is one in normal form.
pub(super) fn parse(text: &str) -> Option<Url> {
    let bytes = text.as_bytes();
    let (scheme, own_port) = match () {
        () if bytes.starts_with(b"http://") => ("http", 80),
        () if bytes.starts_with(b"https://") => ("https", 443),
        () => return None,
    };
    if bytes.len() > LONGEST {
        return None;
    }
    let host_start = scheme.len() + "://".len();
    let host_end = plain_host_end(bytes, host_start)?;
    let (port, path_start) = match bytes.get(host_end)? {
        b':' => {
            let end = end_of(DIGIT, bytes, host_end + 1);
            let port = plain_number(&bytes[host_end + 1..end]).filter(|port| *port != 0 && *port != own_port);
            (Some(port?), end)
        }
        _ => (None, host_end),
    };
    if bytes.get(path_start) != Some(&b'/') {
        return None;
    }
    let path_end = plain_path_end(bytes, path_start)?;
    let query_end = match bytes.get(path_end) {
        Some(b'?') => end_of(QUERY, bytes, path_end),
        _ => path_end,
    };
    (query_end == bytes.len()).then(|| Url {
        text: text.into(),
        marks: Marks {
            scheme_end: scheme.len(),
            user_end: host_start,
            host_start,
            host_end,
            port,
            path_start,
            path_end,
            query_end,
        },
    })
}

// What a byte may be part of, in its normal form.
const DIGIT: u8 = 1;
/// Of a label of a host: a lower-case letter or a digit.
const LABEL: u8 = 2;
/// Of a path. Not `%`, because an encoded dot (`%2e`) has a meaning there.
const PATH: u8 = 4;
const QUERY: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT | LABEL | PATH | QUERY,
            b'a'..=b'z' => LABEL | PATH | QUERY,
            b'A'..=b'Z' => PATH | QUERY,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' | b';'
            | b'=' | b':' | b'@' | b'/' => PATH | QUERY,
            b'\'' => PATH,
            b'?' | b'%' => QUERY,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

fn is_in(class: u8, byte: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// The position of the first byte from `start` on that is not of this class.
fn end_of(class: u8, bytes: &[u8], start: usize) -> usize {
    let beyond = bytes[start..].iter().position(|byte| !is_in(class, *byte));
    beyond.map_or(bytes.len(), |length| start + length)
}

/// The end of a host that is an IPv4 address in its usual form, or a name of labels with single hyphens and dots between letters
/// and digits. Encoded labels (`xn--`) have two hyphens.
fn plain_host_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut last_label = start;
    let mut before = b'.';
    let mut end = start;
    while let Some(&byte) = bytes.get(end) {
        let is_separator = matches!(byte, b'.' | b'-');
        if is_separator && matches!(before, b'.' | b'-') {
            return None;
        }
        if !is_separator && !is_in(LABEL, byte) {
            break;
        }
        end += 1;
        if byte == b'.' {
            last_label = end;
        }
        before = byte;
    }
    // Where the last label begins with a digit, the parser accepts many spellings of an IPv4 address; this only the usual one.
    let fits = end - start <= LONGEST_HOST && is_in(LABEL, before);
    let is_plain = fits && (!is_in(DIGIT, bytes[last_label]) || is_ipv4(&bytes[start..end]));
    is_plain.then_some(end)
}

fn is_ipv4(host: &[u8]) -> bool {
    let mut numbers = host.split(|byte| *byte == b'.').map(plain_number);
    let mut next = || matches!(numbers.next(), Some(Some(0..=255)));
    next() && next() && next() && next() && numbers.next().is_none()
}

/// A number without leading zeros.
fn plain_number(digits: &[u8]) -> Option<u16> {
    match digits {
        [] | [b'0', _, ..] => return None,
        _ => {}
    }
    digits.iter().try_fold(0u16, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// The end of a path without `.` and `..`: no segment of it begins with a dot.
fn plain_path_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut before = 0;
    for (length, &byte) in bytes[start..].iter().enumerate() {
        match byte {
            b'.' if before == b'/' => return None,
            _ if is_in(PATH, byte) => before = byte,
            _ => return Some(start + length),
        }
    }
    Some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whatever this file accepts, the parser accepts with the same result.
    fn agrees(text: &str) -> bool {
        let Some(plain) = parse(text) else { return false };
        let full = Url::from_parsed(&url::Url::parse(text).expect(text));
        assert_eq!((plain.as_str(), plain.marks), (full.as_str(), full.marks));
        true
    }

    #[test]
    fn common_addresses_are_plain() {
        for text in [
            "http://localhost/",
            "https://api.example.org/items?page=2&size=10",
            "http://127.0.0.1:8080/a/b.json",
            "https://a-b.example:8443/~user/x,y;z=1/?",
            "http://h.x/?q=%20%zz//a?b",
            "http://h.x//a//",
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn everything_doubtful_is_left_to_the_parser() {
        for text in [
            "HTTP://localhost/",
            "http://LOCALHOST/",
            "http://localhost",
            "http://localhost?x",
            "http://h:80/",
            "https://h:443/",
            "http://h:0/",
            "http://h:080/",
            "http://h:65536/",
            "http://h:/",
            "http://u@h/",
            "http://127.1/",
            "http://1.2.3.04/",
            "http://1.2.3.4./",
            "http://1.2.3/",
            "http://1.2.3.4.5/",
            "http://1.2.3.256/",
            "http://a-/",
            "http://a.-b/",
            "http://h./",
            "http://xn--a/",
            "http://a..b/",
            "http://-a/",
            "http://a.-/",
            "http:///x",
            "http://[::1]/",
            "http://h/a b",
            "http://h/.",
            "http://h/../x",
            "http://h/%2e",
            "http://h/\"",
            "http://h/?'",
            "http://h/#f",
            "http://h/ä",
            "http://0x7f/",
            "ftp://h/",
            "/x",
            "",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_taken_that_the_parser_would_change(text in "https?://[a-z0-9.x-]{1,12}(:[0-9]{1,5})?(/[a-zA-Z0-9.~%?&=:@_|^'-]{0,8}){1,4}") {
            agrees(&text);
        }

        #[test]
        fn no_text_is_taken_that_the_parser_refuses(text in "https?:/{0,3}[ -~]{0,20}") {
            agrees(&text);
        }
    }
}
