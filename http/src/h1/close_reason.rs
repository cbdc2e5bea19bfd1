//! Why a connection cannot carry another request.
//!
//! Reuse is the one place where a mistake about one response becomes a wrong answer to *another* request, so
//! the rule is turned around: a connection is closed unless nothing at all speaks against keeping it. Each
//! thing that can speak against it has a name, which a trace or a log may print.

use core::fmt;

/// The reason for which a connection must be closed instead of being reused (RFC 9112 §9.3, §9.6).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The response said `Connection: close`.
    PeerAsked,
    /// Our request said `Connection: close`.
    WeAsked,
    /// The response is HTTP/1.0, and does not say `Connection: keep-alive` (RFC 9112 §9.3).
    Http10,
    /// The body has no length of its own: it ends where the connection ends.
    CloseDelimited,
    /// The final response has come, but the request body is not sent in full: the server still waits for the
    /// rest. (A request whose body then turned out longer or shorter than declared stays so for good.)
    RequestUnfinished,
    /// Bytes that belong to no response are waiting: given to the next request they would answer the wrong
    /// question.
    ExtraBytes,
    /// The peer has closed the connection.
    PeerClosed,
    /// The connection speaks another protocol now.
    Upgraded,
    /// A [`RemoteError`](super::RemoteError): from there on no byte can be trusted.
    Failed,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloseReason::PeerAsked => "the server asked to close the connection",
            CloseReason::WeAsked => "the request asked to close the connection",
            CloseReason::Http10 => "the server speaks HTTP/1.0 without keep-alive",
            CloseReason::CloseDelimited => "the end of the connection is the end of the body",
            CloseReason::RequestUnfinished => "the request body was not sent in full",
            CloseReason::ExtraBytes => "the server sent bytes that belong to no response",
            CloseReason::PeerClosed => "the server closed the connection",
            CloseReason::Upgraded => "the connection was upgraded to another protocol",
            CloseReason::Failed => "the server broke the protocol",
        })
    }
}
