//! How much a connection will take from a server before it gives up.
//!
//! Every quantity that a server decides and that costs us memory or time has a bound here: without one, "the
//! response is still coming" and "the response is an attack" cannot be told apart. The length of a body is
//! missing on purpose: a body is handed on piece by piece and never kept, so its bound belongs to whoever
//! collects it.

/// Bounds on what a peer may send, and on the head that we send.
///
/// A response that goes over a bound is a [`RemoteError`](super::RemoteError), a request that goes over
/// [`request_head`](Limits::request_head) a [`LocalError`](super::LocalError); neither is cut short.
///
/// ```
/// use curio_http::h1::{Connection, Limits};
///
/// let connection = Connection::with_limits(Limits { head: 8 * 1024, ..Limits::default() });
/// # drop(connection);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one response head: status line, fields, and the empty line. 64 KiB.
    pub head: usize,
    /// Fields in one response head. 128.
    pub headers: usize,
    /// Interim responses (1xx) before the final one. 32.
    pub interim: usize,
    /// Bytes of one chunk-size line, its extensions included. 4 KiB.
    pub chunk_line: usize,
    /// Bytes of chunk extensions in a whole body: they carry nothing for us, but each one costs us reading
    /// it. 16 KiB.
    pub chunk_extensions: usize,
    /// Bytes of the trailer section after the last chunk. 16 KiB.
    pub trailers: usize,
    /// Fields in the trailer section. 100.
    pub trailer_fields: usize,
    /// Bytes of a request head of ours. 1 MiB, more than any server is known to accept.
    pub request_head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head: 64 * 1024,
            headers: 128,
            interim: 32,
            chunk_line: 4 * 1024,
            chunk_extensions: 16 * 1024,
            trailers: 16 * 1024,
            trailer_fields: 100,
            request_head: 1024 * 1024,
        }
    }
}
