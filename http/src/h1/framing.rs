//! Where a response body ends, and whether the connection outlives it.
//!
//! An HTTP/1 connection is one unbroken row of bytes. The only thing that separates the end of one response
//! from the beginning of the next is the arithmetic in this file, so a client and a proxy that disagree here
//! give people each other's answers ("response splitting", "smuggling"). Hence the tone: of several readings
//! none is chosen; if there is more than one, the response is refused.
//!
//! The questions are those of RFC 9112 §6.3, in its order but for the first two (a 204 is a 2xx too):
//!
//! 1. a 2xx answer to CONNECT turns the connection into a tunnel: [`Framing::Upgraded`];
//! 2. an answer to HEAD, and every 1xx, 204 and 304, has no body, whatever its fields say:
//!    [`Framing::Empty`];
//! 3. Transfer-Encoding beside Content-Length: refused (the RFC would let the encoding win);
//! 4. Transfer-Encoding: exactly `chunked` and in HTTP/1.1: [`Framing::Chunked`]; anything else is refused,
//!    because we ask for no other coding;
//! 5. Content-Length: digits and nothing else, below 2⁶³; several are merged if they agree, and refused if
//!    not;
//! 6. with a valid one: [`Framing::Length`];
//! 7. with none, the body ends where the connection ends: [`Framing::UntilClose`].

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};

use super::close_reason::CloseReason;
use super::error::RemoteError;
use super::field::{decimal, elements, is_token, lists};
use super::head::{ResponseHead, Version};
use super::request::Asked;

/// How the end of a response body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// There is no body, whatever the fields say: an answer to HEAD, a 204, a 304.
    Empty,
    /// As many bytes as Content-Length says; possibly none.
    Length(u64),
    /// Chunks, each with its size before it, and perhaps trailer fields.
    Chunked,
    /// All bytes until the peer closes the connection.
    UntilClose,
    /// What follows is not HTTP: the connection is a tunnel, or speaks the protocol that a 101 switched to.
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
    match content_length(&head.headers)? {
        Some(_) if chunked => Err(RemoteError::LengthAndEncoding),
        Some(length) => Ok(Framing::Length(length)),
        None if chunked => Ok(Framing::Chunked),
        None => Ok(Framing::UntilClose),
    }
}

/// What the heads of an exchange say against keeping the connection (RFC 9112 §9.3). A server of HTTP/1.0 keeps it only if
/// it says so.
pub(super) fn reason_to_close(head: &ResponseHead, framing: Framing, asked: &Asked) -> Option<CloseReason> {
    if framing == Framing::UntilClose {
        Some(CloseReason::CloseDelimited)
    } else if lists(&head.headers, &CONNECTION, "close") {
        Some(CloseReason::PeerAsked)
    } else if head.version == Version::Http10 && !lists(&head.headers, &CONNECTION, "keep-alive") {
        Some(CloseReason::Http10)
    } else if asked.close {
        Some(CloseReason::WeAsked)
    } else {
        None
    }
}

fn is_chunked(head: &ResponseHead) -> Result<bool, RemoteError> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(false) };
    if head.version == Version::Http10 {
        return Err(RemoteError::EncodingInHttp10);
    }
    if !is_token(coding.as_bytes(), "chunked") || codings.next().is_some() {
        return Err(RemoteError::TransferEncoding);
    }
    Ok(true)
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, RemoteError> {
    let mut agreed = None;
    for element in headers.get_all(CONTENT_LENGTH).iter().flat_map(|value| elements(value.as_bytes())) {
        let length = decimal(element).ok_or(RemoteError::ContentLength)?;
        if agreed.is_some_and(|other| other != length) {
            return Err(RemoteError::ConflictingContentLengths);
        }
        agreed = Some(length);
    }
    Ok(agreed)
}
