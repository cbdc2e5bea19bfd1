//! The two kinds of error: the client's and the server's.
//!
//! A [`LocalError`] is a bug or invalid input in the client, and nothing of it was written; a [`RemoteError`] is a mistake of
//! the server, and ends the connection. No function returns both.
//!
//! Each variant displays as one clause without a full stop, so that a caller can put method, URL and phase before it.

use core::fmt;
use std::error::Error;

/// What is wrong with the request, or with the order of the calls.
///
/// An error of [`start`](super::Connection::start) leaves the output and the connection unchanged. After a body of the wrong
/// length the connection has to be closed, because a part of the request has been written.
/// ```
/// use curio_http::h1::{BodyLength, Connection, LocalError, RequestHead};
/// use curio_http::{HeaderMap, Method};
///
/// let mut connection = Connection::new();
/// let mut headers = HeaderMap::new();
/// let start = |connection: &mut Connection, headers: &HeaderMap| {
///     let head = RequestHead { method: &Method::GET, target: "/", headers };
///     connection.start(&head, BodyLength::None, &mut Vec::new())
/// };
/// assert_eq!(start(&mut connection, &headers), Err(LocalError::MissingHost));
/// headers.insert("host", "example.com".parse()?);
/// assert_eq!(start(&mut connection, &headers), Ok(()));
/// assert_eq!(start(&mut connection, &headers), Err(LocalError::NotIdle)); // the response comes first
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalError {
    /// `start` on a connection that is not idle: there was no `restart` after the last exchange, the peer has closed or has
    /// made a mistake, or has sent bytes without a request.
    NotIdle,
    /// `body` or `end` before `start`.
    NotStarted,
    /// The request target is empty, contains a space, a control character, a `#` or a non-ASCII byte, or does not have a form
    /// that the method allows (RFC 9112 §3.2).
    Target,
    /// No Host field, which RFC 9112 §3.2 requires.
    MissingHost,
    /// More than one Host field.
    DuplicateHost,
    /// A Host field that is empty, a list, or contains anything that cannot be part of a host and port.
    Host,
    /// The caller set both Content-Length and Transfer-Encoding.
    LengthAndEncoding,
    /// The caller's Content-Length is not a number, is given twice, or is not the length of the body.
    ContentLength,
    /// The caller's Transfer-Encoding is not `chunked`, or the body is not to be sent in chunks.
    TransferEncoding,
    /// A body, or a field announcing one, on a TRACE or CONNECT request.
    BodyForbidden,
    /// The head is longer than [`Limits::request_head`](super::Limits::request_head).
    HeadTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body is longer than declared. Nothing of the data that exceeds the length was written.
    BodyTooLong {
        /// The declared length, in bytes.
        declared: u64,
    },
    /// `end` before the declared length was reached.
    BodyTooShort {
        /// The declared length, in bytes.
        declared: u64,
        /// How many bytes were given.
        sent: u64,
    },
    /// More body after the request was complete.
    BodyAfterEnd,
    /// More body after an earlier error with the body.
    BodyBroken,
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalError::NotIdle => f.write_str("the connection is not idle"),
            LocalError::NotStarted => f.write_str("no request has been started"),
            LocalError::Target => f.write_str("the request target is not valid"),
            LocalError::MissingHost => f.write_str("the request has no Host field"),
            LocalError::DuplicateHost => f.write_str("the request has more than one Host field"),
            LocalError::Host => f.write_str("the Host field is not a host with an optional port"),
            LocalError::LengthAndEncoding => {
                f.write_str("the request has both Content-Length and Transfer-Encoding")
            }
            LocalError::ContentLength => {
                f.write_str("the Content-Length field is not the length of the body")
            }
            LocalError::TransferEncoding => {
                f.write_str("the Transfer-Encoding field does not say how the body is sent")
            }
            LocalError::BodyForbidden => f.write_str("a TRACE or CONNECT request cannot have a body"),
            LocalError::HeadTooLarge { limit } => write!(f, "the request head is longer than {limit} bytes"),
            LocalError::BodyTooLong { declared } => {
                write!(f, "the request body is longer than the declared {declared} bytes")
            }
            LocalError::BodyTooShort { declared, sent } => {
                write!(f, "the request body ended after {sent} of the declared {declared} bytes")
            }
            LocalError::BodyAfterEnd => f.write_str("more body was given after the request was complete"),
            LocalError::BodyBroken => f.write_str("the request body was given up after an earlier error"),
        }
    }
}

impl Error for LocalError {}

/// What the server did wrong.
///
/// The connection cannot be used after such an error: every later call of
/// [`next_event`](super::Connection::next_event) returns the same error.
/// ```
/// use curio_http::h1::{BodyLength, Connection, Event, RemoteError, RequestHead};
/// use curio_http::{HeaderMap, Method};
///
/// let mut connection = Connection::new();
/// let mut headers = HeaderMap::new();
/// headers.insert("host", "example.com".parse()?);
/// let head = RequestHead { method: &Method::GET, target: "/", headers: &headers };
/// connection.start(&head, BodyLength::None, &mut Vec::new())?;
///
/// connection.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nonly 6");
/// assert!(matches!(connection.next_event()?, Some(Event::Head(_))));
/// assert_eq!(connection.next_event()?, Some(Event::Data("only 6".into())));
/// connection.feed(b""); // the end of the stream
/// let error = connection.next_event().unwrap_err();
/// assert_eq!(error, RemoteError::BodyCutOff { expected: 10, received: 6 });
/// assert!(error.is_cut_off());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteError {
    /// Bytes on an idle connection, for which there was no request.
    Unsolicited,
    /// The connection closed before the first byte of a response.
    EmptyReply,
    /// The connection closed inside a response head.
    HeadCutOff {
        /// How many bytes of that head had arrived.
        received: usize,
    },
    /// The connection closed before the body had its declared length.
    BodyCutOff {
        /// The length that Content-Length declared, in bytes.
        expected: u64,
        /// How many bytes of it had arrived.
        received: u64,
    },
    /// The connection closed before the end of a chunked body and its trailer section.
    ChunkedBodyCutOff {
        /// How many bytes of content had arrived.
        received: u64,
    },
    /// The bytes do not begin like an HTTP/1 response.
    NotHttp,
    /// The bytes begin like a TLS record: the server expects `https`.
    LooksLikeTls,
    /// An HTTP version other than 1.0 or 1.1, or a malformed one.
    Version,
    /// A malformed status line.
    StatusLine,
    /// A status code below 100.
    Status {
        /// The code.
        code: u16,
    },
    /// A header line without a colon, with a space before it, or with an invalid name; or a continuation line
    /// before the first field.
    HeaderName,
    /// A control character in a header value.
    HeaderValue,
    /// A carriage return without its line feed at the end of the head.
    LineEnd,
    /// A head longer than [`Limits::head`](super::Limits::head).
    HeadTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More fields in a head than [`Limits::headers`](super::Limits::headers).
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// More interim responses than [`Limits::interim`](super::Limits::interim).
    TooManyInterim {
        /// The limit.
        limit: usize,
    },
    /// Two different Location fields in a redirect.
    ConflictingLocations,
    /// A 101 that was not requested, or to a protocol that was not offered.
    UnexpectedUpgrade,
    /// A Content-Length that does not consist of decimal digits, or exceeds 2⁶³ - 1.
    ContentLength,
    /// Different Content-Lengths.
    ConflictingContentLengths,
    /// A Transfer-Encoding other than exactly `chunked`.
    TransferEncoding,
    /// Both Transfer-Encoding and Content-Length.
    LengthAndEncoding,
    /// Transfer-Encoding in an HTTP/1.0 response.
    EncodingInHttp10,
    /// A chunk size that is missing or does not consist of hexadecimal digits (and blanks after them).
    ChunkSize,
    /// A chunk size that exceeds 2⁶³ - 1.
    ChunkTooLarge,
    /// A chunk-size line with a control character, or one that does not end in CR LF.
    ChunkLine,
    /// A chunk-size line longer than [`Limits::chunk_line`](super::Limits::chunk_line).
    ChunkLineTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More chunk extensions in total than [`Limits::chunk_extensions`](super::Limits::chunk_extensions).
    ChunkExtensionsTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Chunk data that is not followed by CR LF: its size is wrong.
    ChunkEnd,
    /// A malformed trailer field.
    Trailer,
    /// A trailer section longer than [`Limits::trailers`](super::Limits::trailers).
    TrailersTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More trailer fields than [`Limits::trailer_fields`](super::Limits::trailer_fields).
    TooManyTrailers {
        /// The limit.
        limit: usize,
    },
}

impl RemoteError {
    /// Whether the connection ended before the response did.
    pub fn is_cut_off(&self) -> bool {
        matches!(
            self,
            RemoteError::EmptyReply
                | RemoteError::HeadCutOff { .. }
                | RemoteError::BodyCutOff { .. }
                | RemoteError::ChunkedBodyCutOff { .. }
        )
    }

    /// Whether the response exceeded one of the [`Limits`](super::Limits).
    pub fn is_too_large(&self) -> bool {
        matches!(
            self,
            RemoteError::HeadTooLarge { .. }
                | RemoteError::TooManyHeaders { .. }
                | RemoteError::TooManyInterim { .. }
                | RemoteError::ChunkLineTooLong { .. }
                | RemoteError::ChunkExtensionsTooLarge { .. }
                | RemoteError::TrailersTooLarge { .. }
                | RemoteError::TooManyTrailers { .. }
        )
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteError::Unsolicited => f.write_str("the server sent bytes without a request"),
            RemoteError::EmptyReply => f.write_str("the server closed the connection without a reply"),
            RemoteError::HeadCutOff { received } => {
                write!(f, "the connection closed {received} bytes into the response head")
            }
            RemoteError::BodyCutOff { expected, received } => {
                write!(f, "the connection closed after {received} of {expected} bytes of the body")
            }
            RemoteError::ChunkedBodyCutOff { received } => {
                write!(f, "the connection closed {received} bytes into a chunked body, before its end")
            }
            RemoteError::NotHttp => f.write_str("the response is not HTTP/1"),
            RemoteError::LooksLikeTls => f.write_str("the response looks like TLS on a plain connection"),
            RemoteError::Version => f.write_str("the response is neither HTTP/1.0 nor HTTP/1.1"),
            RemoteError::StatusLine => f.write_str("the status line is malformed"),
            RemoteError::Status { code } => write!(f, "{code:03} is not a status code"),
            RemoteError::HeaderName => {
                f.write_str("a header line does not begin with a valid name and a colon")
            }
            RemoteError::HeaderValue => f.write_str("a header value contains a control character"),
            RemoteError::LineEnd => f.write_str("the response head ends in a stray carriage return"),
            RemoteError::HeadTooLarge { limit } => {
                write!(f, "the response head is longer than {limit} bytes")
            }
            RemoteError::TooManyHeaders { limit } => {
                write!(f, "the response has more than {limit} header fields")
            }
            RemoteError::TooManyInterim { limit } => {
                write!(
                    f,
                    "the server sent more than {limit} interim responses (max_interim_responses allows more)"
                )
            }
            RemoteError::ConflictingLocations => {
                f.write_str("the redirect has two different Location fields")
            }
            RemoteError::UnexpectedUpgrade => {
                f.write_str("the server switched to a protocol that the request had not offered")
            }
            RemoteError::ContentLength => f.write_str("the Content-Length is not a valid length"),
            RemoteError::ConflictingContentLengths => {
                f.write_str("the response has two different Content-Lengths")
            }
            RemoteError::TransferEncoding => f.write_str("the Transfer-Encoding is not exactly `chunked`"),
            RemoteError::LengthAndEncoding => {
                f.write_str("the response has both Content-Length and Transfer-Encoding")
            }
            RemoteError::EncodingInHttp10 => f.write_str("an HTTP/1.0 response has a Transfer-Encoding"),
            RemoteError::ChunkSize => f.write_str("a chunk size is not a hexadecimal number"),
            RemoteError::ChunkTooLarge => f.write_str("a chunk size is too large for any body"),
            RemoteError::ChunkLine => f.write_str("a chunk-size line is malformed"),
            RemoteError::ChunkLineTooLong { limit } => {
                write!(f, "a chunk-size line is longer than {limit} bytes")
            }
            RemoteError::ChunkExtensionsTooLarge { limit } => {
                write!(f, "the chunk extensions are longer than {limit} bytes in total")
            }
            RemoteError::ChunkEnd => f.write_str("a chunk does not end where its size says"),
            RemoteError::Trailer => f.write_str("a trailer field is malformed"),
            RemoteError::TrailersTooLarge { limit } => {
                write!(f, "the trailer section is longer than {limit} bytes")
            }
            RemoteError::TooManyTrailers { limit } => {
                write!(f, "the body has more than {limit} trailer fields")
            }
        }
    }
}

impl Error for RemoteError {}
