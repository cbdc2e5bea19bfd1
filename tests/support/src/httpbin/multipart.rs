//! `multipart/form-data` (RFC 7578), as far as it takes to show what arrived.
//!
//! A body of parts: before each stands a line `--BOUNDARY`, after the last `--BOUNDARY--`; a part is headers,
//! an empty line, and its content, which ends before the CR LF that leads the next boundary.

use super::reader::Refusal;
use super::request::Request;

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// It has a file name.
    pub(super) is_file: bool,
    pub(super) content: Vec<u8>,
}

/// The parts of a request's body.
///
/// # Errors
/// When the body is not what its Content-Type says.
pub(super) fn parts(request: &Request) -> Result<Vec<Part>, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let boundary =
        parameter(content_type, "boundary").ok_or_else(|| Refusal::bad("multipart without a boundary"))?;
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = request.body.strip_prefix(delimiter.as_slice()).ok_or_else(unclosed)?;
    let delimiter = [b"\r\n", delimiter.as_slice()].concat();
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n").ok_or_else(unclosed)?;
        let end = find(part, &delimiter).ok_or_else(unclosed)?;
        parts.push(part_of(&part[..end])?);
        rest = &part[end + delimiter.len()..];
    }
    Ok(parts)
}

fn part_of(bytes: &[u8]) -> Result<Part, Refusal> {
    let head_end = find(bytes, b"\r\n\r\n").ok_or_else(|| Refusal::bad("a part without an empty line"))?;
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let disposition = head
        .lines()
        .find_map(|line| {
            line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case("content-disposition"))
        })
        .map_or("", |(_, value)| value);
    let name = parameter(disposition, "name").ok_or_else(|| Refusal::bad("a part without a name"))?;
    let is_file = parameter(disposition, "filename").is_some();
    Ok(Part { name, is_file, content: bytes[head_end + 4..].to_vec() })
}

/// The value of a parameter of a header: `; name=token` or `; name="quoted"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, tail) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let (value, tail) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), tail)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = tail.trim_start().trim_start_matches(';');
    }
}

/// What stands before the closing quote, and what after it (RFC 9110 §5.6.4).
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(char),
        }
    }
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn unclosed() -> Refusal {
    Refusal::bad("the multipart body does not follow its boundary")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str) -> Request {
        Request {
            headers: vec![("Content-Type".into(), r#"multipart/form-data; a=b; boundary="x y""#.into())],
            body: body.into(),
            ..Request::default()
        }
    }

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = "--x y\r\nContent-Disposition: form-data; name=\"a \\\"b\\\"; c\"\r\n\r\none\r\ntwo\r\n\
            --x y\r\ncontent-disposition: form-data; name=f; filename=\"g.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n--x y--\r\n";
        let parts = parts(&request(body)).unwrap();
        assert_eq!(
            parts[0],
            Part { name: r#"a "b"; c"#.into(), is_file: false, content: b"one\r\ntwo".into() }
        );
        assert_eq!(parts[1], Part { name: "f".into(), is_file: true, content: b"".into() });
    }

    #[test]
    fn a_body_that_is_cut_off_is_refused() {
        for body in [
            "",
            "--x y",
            "--x y\r\nContent-Disposition: form-data; name=a\r\n\r\nabc",
            "--x y\r\n\r\n--x y--",
        ] {
            assert_eq!(parts(&request(body)).unwrap_err().status, 400, "{body:?}");
        }
    }
}
