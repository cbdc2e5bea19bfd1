//! The plan of a response: what to send and when, as a value.
//!
//! A route is a pure function from a request to a [`Reply`]; it neither sleeps nor writes. What takes time in
//! a response (`/delay`, `/drip`) is a duration in the plan, for which the connection waits, so that every route can be tested without a socket and without a clock.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::date::http_date;
use super::reader::Refusal;

/// A response.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Without those that belong to the framing, which [`Reply::head`] adds.
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Body,
    /// How long to wait before the first byte of the response.
    pub(crate) wait: Duration,
}

/// The body of a response.
pub(crate) enum Body {
    /// In memory.
    Whole(Vec<u8>),
    /// Generated while it is sent. With a length it is sent as it is, without one in chunks.
    Pieces { length: Option<u64>, pieces: Box<dyn Iterator<Item = Piece>> },
}

/// A part of a body: after `wait`, send `bytes`.
pub(crate) struct Piece {
    pub(crate) wait: Duration,
    pub(crate) bytes: Vec<u8>,
}

/// How the end of a response body is marked (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There is no body, or its length is in the head.
    Length,
    /// The last chunk.
    Chunks,
    /// The end of the connection: all that HTTP/1.0 has for a body of unknown length.
    Close,
}

impl Reply {
    /// A response without a body and header fields.
    pub(crate) fn empty(status: u16) -> Self {
        Reply { status, headers: Vec::new(), body: Body::Whole(Vec::new()), wait: Duration::ZERO }
    }

    /// A response with a body of this media type.
    pub(crate) fn new(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Reply { body: Body::Whole(body.into()), ..Reply::empty(status) }.with("Content-Type", media_type)
    }

    /// A response whose body is generated while it is sent.
    pub(crate) fn pieces(
        media_type: &'static str,
        length: Option<u64>,
        pieces: impl Iterator<Item = Piece> + 'static,
    ) -> Self {
        Reply { body: Body::Pieces { length, pieces: Box::new(pieces) }, ..Reply::empty(200) }
            .with("Content-Type", media_type)
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The bytes of status line and headers, and how the end of the body will be marked.
    ///
    /// # Errors
    /// When a header would break out of its line: `/response-headers` and others take them from the client.
    pub(crate) fn head(&self, answer: &Answer, now: SystemTime) -> Result<(Vec<u8>, End), Refusal> {
        let mut head = Vec::with_capacity(256);
        head.extend_from_slice(format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status)).as_bytes());
        let end = self.end(answer);
        let mut field = |name: &str, value: &str| {
            if !is_token(name) || !value.chars().all(is_field_char) {
                return Err(Refusal::new(400, format!("the header {name:?}: {value:?} cannot be sent")));
            }
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend(value.chars().map(|char| char as u8));
            head.extend_from_slice(b"\r\n");
            Ok(())
        };
        field("Date", &http_date(now))?;
        field("Server", "curio-httpbin")?;
        if !answer.keep_alive || end == End::Close {
            field("Connection", "close")?;
        } else if answer.minor_version == 0 {
            field("Connection", "keep-alive")?;
        }
        for (name, value) in &self.headers {
            field(name, value)?;
        }
        // RFC 9110 §8.6: no Content-Length in a 204 or a 1xx; in a 304 it would be that of a 200, which is
        // not known here.
        let says_length = !matches!(self.status, 100..=199 | 204 | 304);
        match (self.body_length(), end) {
            (Some(length), _) if says_length => field("Content-Length", &length.to_string())?,
            (None, End::Chunks) => field("Transfer-Encoding", "chunked")?,
            _ => {}
        }
        head.extend_from_slice(b"\r\n");
        Ok((head, end))
    }

    /// Whether anything follows the head (RFC 9110 §6.4.1).
    pub(crate) fn has_body(&self, answer: &Answer) -> bool {
        !answer.to_head && !matches!(self.status, 100..=199 | 204 | 304)
    }

    fn end(&self, answer: &Answer) -> End {
        match self.body_length() {
            Some(_) => End::Length,
            None if answer.minor_version == 0 => End::Close,
            None => End::Chunks,
        }
    }

    fn body_length(&self) -> Option<u64> {
        match &self.body {
            Body::Whole(bytes) => Some(bytes.len() as u64),
            Body::Pieces { length, .. } => *length,
        }
    }
}

/// What the request determines about the form of its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) minor_version: u8,
    /// The request was a HEAD.
    pub(crate) to_head: bool,
    pub(crate) keep_alive: bool,
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Reply::new(refusal.status, "text/plain; charset=utf-8", refusal.why + "\n")
    }
}

/// The usual phrase for a status (RFC 9110 §15, RFC 6585); empty when there is none.
fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "",
    }
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 9110 §5.5, as Latin-1.
fn is_field_char(char: char) -> bool {
    matches!(char, '\t' | ' '..='~' | '\u{80}'..='\u{ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Answer = Answer { minor_version: 1, to_head: false, keep_alive: true };

    fn head(reply: &Reply, answer: Answer) -> (String, End) {
        let (bytes, end) = reply.head(&answer, SystemTime::UNIX_EPOCH).unwrap();
        (String::from_utf8(bytes).unwrap(), end)
    }

    fn endless() -> Reply {
        Reply::pieces("text/plain", None, std::iter::empty())
    }

    #[test]
    fn a_body_in_memory_has_its_length_in_the_head() {
        let (head, end) = head(&Reply::new(200, "text/plain", "abc"), KEPT);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), "{head}");
        assert!(head.ends_with("Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n"), "{head}");
        assert_eq!(end, End::Length);
    }

    #[test]
    fn a_body_of_unknown_length_is_chunked_or_ends_with_the_connection() {
        let (new, end) = head(&endless(), KEPT);
        assert_eq!(end, End::Chunks);
        assert!(new.contains("\r\nTransfer-Encoding: chunked\r\n"));
        let (old, end) = head(&endless(), Answer { minor_version: 0, ..KEPT });
        assert_eq!(end, End::Close);
        assert!(old.contains("\r\nConnection: close\r\n") && !old.contains("Transfer-Encoding"));
    }

    #[test]
    fn no_length_where_no_body_is_allowed() {
        for status in [204, 304] {
            assert!(!head(&Reply::empty(status), KEPT).0.contains("Content-Length"));
            assert!(!Reply::empty(status).has_body(&KEPT));
        }
        let to_head = Answer { to_head: true, ..KEPT };
        let reply = Reply::new(200, "text/plain", "abc");
        assert!(head(&reply, to_head).0.contains("Content-Length: 3"));
        assert!(!reply.has_body(&to_head));
    }

    #[test]
    fn a_header_that_would_break_its_line_is_refused() {
        for (name, value) in [("X", "a\r\nSet-Cookie: b"), ("X Y", "a"), ("", "a"), ("X", "\0"), ("X", "€")]
        {
            let reply = Reply::empty(200).with(name, value);
            assert_eq!(
                reply.head(&KEPT, SystemTime::UNIX_EPOCH).unwrap_err().status,
                400,
                "{name:?} {value:?}"
            );
        }
    }

    #[test]
    fn the_connection_header_says_what_will_be_done() {
        let reply = Reply::empty(200);
        assert!(!head(&reply, KEPT).0.contains("Connection"));
        assert!(head(&reply, Answer { keep_alive: false, ..KEPT }).0.contains("Connection: close"));
        assert!(head(&reply, Answer { minor_version: 0, ..KEPT }).0.contains("Connection: keep-alive"));
    }
}
