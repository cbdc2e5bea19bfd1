//! Why a connection cannot be reused.
//!
//! If a connection is reused by mistake, *another* request may get a wrong response. So a connection is closed unless there
//! is no reason against reusing it. Each reason has a name, which a trace or a log can print.

use core::fmt;

/// Why a connection must be closed instead of being reused (RFC 9112 §9.3, §9.6).
/// [`Connection::close_reason`](super::Connection::close_reason) returns it, and the example of [`Connection`](super::Connection) has
/// one. It can be printed:
///
/// ```
/// use curio_http::h1::CloseReason;
///
/// assert_eq!(CloseReason::PeerAsked.to_string(), "the server asked to close the connection");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The response has `Connection: close`.
    PeerAsked,
    /// The request has `Connection: close`.
    WeAsked,
    /// The response is HTTP/1.0 and has no `Connection: keep-alive` (RFC 9112 §9.3).
    Http10,
    /// The body ends where the connection ends.
    CloseDelimited,
    /// The final response is complete, but the request body is not: the server still waits for the rest. (For a body that
    /// is longer or shorter than declared, this is final.)
    RequestUnfinished,
    /// There are bytes that belong to no response: the next request would take them for its response.
    ExtraBytes,
    /// The peer has closed the connection.
    PeerClosed,
    /// The connection has switched to another protocol.
    Upgraded,
    /// After a [`RemoteError`](super::RemoteError) no further byte can be trusted.
    Failed,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloseReason::PeerAsked => "the server asked to close the connection",
            CloseReason::WeAsked => "the request asked to close the connection",
            CloseReason::Http10 => "the response is HTTP/1.0 without keep-alive",
            CloseReason::CloseDelimited => "the end of the connection is the end of the body",
            CloseReason::RequestUnfinished => "the request body was not sent in full",
            CloseReason::ExtraBytes => "the server sent bytes that belong to no response",
            CloseReason::PeerClosed => "the server closed the connection",
            CloseReason::Upgraded => "the connection was upgraded to another protocol",
            CloseReason::Failed => "the server broke the protocol",
        })
    }
}
