//! What a connection has to say.
//!
//! Events own what they carry and know nothing of the connection: they can be kept, compared and sent
//! elsewhere while the connection reads on. That costs no copy: the fields of a head and the larger pieces of
//! a body are reference-counted parts of the memory they were read into.

use bytes::Bytes;
use http::HeaderMap;

use super::head::ResponseHead;

/// Something that has come from the server, whole and owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An interim response: a 1xx other than 101. The final one is still to come.
    Interim(ResponseHead),
    /// The head of the final response, or of a 101.
    Head(ResponseHead),
    /// A piece of the body, never empty. How a body is cut into pieces means nothing.
    Data(Bytes),
    /// The response is complete.
    End {
        /// The trailer fields of a chunked body that had some. They are never merged into the headers, and
        /// those that frame, route or authenticate are left out.
        trailers: Option<HeaderMap>,
    },
}
