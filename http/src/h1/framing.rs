//! Where a response body ends, and whether the connection can be reused.
//!
//! An HTTP/1 connection is one stream of bytes. Only the rules in this file separate the end of one response from the
//! beginning of the next, so if a client and a proxy disagree here, a request gets the response to another one ("response
//! splitting", "request smuggling"). So a response whose framing is ambiguous is refused.
//!
//! The rules are those of RFC 9112 §6.3, in its order except for the first two (a 204 is a 2xx too):
//!
//! 1. a 2xx response to CONNECT turns the connection into a tunnel: [`Framing::Upgraded`];
//! 2. a response to HEAD, and every 1xx, 204 and 304, has no body, whatever its fields say: [`Framing::Empty`];
//! 3. both Transfer-Encoding and Content-Length: refused (the RFC would let the encoding win);
//! 4. Transfer-Encoding: exactly `chunked` and in HTTP/1.1: [`Framing::Chunked`]; anything else is refused, because no
//!    other coding is requested;
//! 5. Content-Length: digits only, below 2⁶³; several equal ones count as one, different ones are refused;
//! 6. with a valid one: [`Framing::Length`];
//! 7. with none, the body ends where the connection ends: [`Framing::UntilClose`].

use http::StatusCode;

use super::close_reason::CloseReason;
use super::error::RemoteError;
use super::head::{ResponseHead, Version};
use super::noted::{Coding, Length};
use super::request::Asked;

/// How the end of a response body is found.
/// [`Connection::framing`](super::Connection::framing) returns it; the example of [`Connection`](super::Connection) has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// There is no body, whatever the fields say: a response to HEAD, a 204, a 304.
    Empty,
    /// As many bytes as Content-Length says; possibly 0.
    Length(u64),
    /// Chunks, and possibly trailer fields.
    Chunked,
    /// All bytes until the peer closes the connection.
    UntilClose,
    /// What follows is not HTTP: the connection is a tunnel, or uses the protocol that a 101 switched to.
    Upgraded,
}

/// The framing of a final response (one that is neither interim nor a 101).
pub(super) fn decide(head: &ResponseHead, asked: &Asked) -> Result<Framing, RemoteError> {
    if asked.connect && head.status.is_success() {
        return Ok(Framing::Upgraded);
    }
    if asked.head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::Empty);
    }
    let chunked = is_chunked(head)?;
    match content_length(head)? {
        Some(_) if chunked => Err(RemoteError::LengthAndEncoding),
        Some(length) => Ok(Framing::Length(length)),
        None if chunked => Ok(Framing::Chunked),
        None => Ok(Framing::UntilClose),
    }
}

/// What the heads of an exchange say against reusing the connection (RFC 9112 §9.3). An HTTP/1.0 server keeps it open only
/// if it says so.
pub(super) fn reason_to_close(head: &ResponseHead, framing: Framing, asked: &Asked) -> Option<CloseReason> {
    if framing == Framing::UntilClose {
        Some(CloseReason::CloseDelimited)
    } else if head.noted.closes {
        Some(CloseReason::PeerAsked)
    } else if head.version == Version::Http10 && !head.noted.keeps_alive {
        Some(CloseReason::Http10)
    } else if asked.close {
        Some(CloseReason::WeAsked)
    } else {
        None
    }
}

fn is_chunked(head: &ResponseHead) -> Result<bool, RemoteError> {
    match head.noted.coding {
        Coding::Absent => Ok(false),
        _ if head.version == Version::Http10 => Err(RemoteError::EncodingInHttp10),
        Coding::Other => Err(RemoteError::TransferEncoding),
        Coding::Chunked => Ok(true),
    }
}

fn content_length(head: &ResponseHead) -> Result<Option<u64>, RemoteError> {
    match head.noted.length {
        Length::Absent => Ok(None),
        Length::Known(length) => Ok(Some(length)),
        Length::Malformed => Err(RemoteError::ContentLength),
        Length::Conflicting => Err(RemoteError::ConflictingContentLengths),
    }
}
