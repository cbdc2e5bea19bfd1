//! The events of a connection.
//!
//! Events own their data and do not borrow from the connection: they can be stored, compared and sent elsewhere while the
//! connection reads on. That needs no copy: the fields of a head and the larger parts of a body are reference-counted
//! slices of the memory they were read into.

use bytes::Bytes;
use http::HeaderMap;

use super::head::ResponseHead;

/// Something complete that has arrived from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An interim response: a 1xx other than 101. The final one follows.
    Interim(ResponseHead),
    /// The head of the final response, or of a 101.
    Head(ResponseHead),
    /// A part of the body, never empty. How a body is split into parts has no meaning.
    Data(Bytes),
    /// The response is complete.
    End {
        /// The trailer fields of a chunked body, if there were any. They are never merged into the header fields, and those
        /// about framing, routing or authentication are left out.
        trailers: Option<HeaderMap>,
    },
}
