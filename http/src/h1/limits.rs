//! Limits for what a server may send.
//!
//! Everything that a server decides and that costs memory or time has a limit here. The length of a body has none, because
//! the body is passed on as it arrives and never stored; the code that collects it has to limit it.

/// Limits for what a peer may send, and for the request head.
///
/// A response that exceeds a limit is a [`RemoteError`](super::RemoteError), a request that exceeds
/// [`request_head`](Limits::request_head) a [`LocalError`](super::LocalError); neither is truncated.
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
    /// Bytes of chunk extensions in a whole body. 16 KiB.
    pub chunk_extensions: usize,
    /// Bytes of the trailer section after the last chunk. 16 KiB.
    pub trailers: usize,
    /// Fields in the trailer section. 100.
    pub trailer_fields: usize,
    /// Bytes of a request head. 1 MiB, more than any server is known to accept.
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
