//! A connection after an upgrade: the byte stream that is left after a 101.
//!
//! HTTP/1.1 can switch a connection to another protocol: the client offers it with `Upgrade`, the server agrees with
//! `101 Switching Protocols`, and what follows the empty line belongs to the new protocol (RFC 9110 §7.8). The first
//! bytes of it may have been received together with the head, so [`Upgraded`] yields those first and then reads from the
//! socket.
//!
//! It keeps its slot in the pool until it is dropped, and is never used for HTTP again.

use crate::connections::pool::{Lease, Slot};
use crate::connections::stream::{SendBuffer, Stream};
use bytes::{Buf, Bytes};
use futures_io::{AsyncRead, AsyncWrite};
use http::HeaderMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The most that a write may leave in the buffer when the socket takes nothing.
const MOST_BUFFERED: usize = 64 * 1024;

/// The stream that a connection has become: from [`Response::upgrade`](crate::Response::upgrade), read and written with
/// the traits of `futures_io`. Timeouts of the session do not apply to it.
///
/// Writes of up to 64 KiB may be buffered while the socket is full: [`flush`](AsyncWrite::poll_flush) waits until
/// everything has been sent, and [`close`](AsyncWrite::poll_close) flushes and ends the sending direction. Dropping it
/// closes the connection at once; what is buffered is lost.
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::{AsyncReadExt, AsyncWriteExt};
///
/// let request = session.get("http://localhost:8080/").header("Connection", "upgrade").header("Upgrade", "echo");
/// let mut stream = request.await?.upgrade()?; // an error, unless the status is 101
/// println!("{:?} speaks {:?} now", stream.remote_addr(), stream.header("Upgrade"));
/// stream.write_all(b"hello").await?;
/// stream.flush().await?;
/// let mut answer = [0; 5];
/// stream.read_exact(&mut answer).await?;
/// # Ok(()) }
/// ```
pub struct Upgraded {
    // Before the slot: the connection is closed before the next one may be opened.
    stream: Stream,
    leftover: Bytes,
    out: SendBuffer,
    peer: Option<SocketAddr>,
    headers: HeaderMap,
    _slot: Slot,
}

impl Upgraded {
    /// The stream of a connection that carries another protocol now; `None` if it does not.
    pub(crate) fn new(lease: Lease) -> Option<Upgraded> {
        let (connection, slot) = lease.into_parts();
        let peer = connection.peer();
        let (stream, leftover) = connection.into_upgraded()?;
        Some(Upgraded {
            stream,
            leftover,
            out: SendBuffer::default(),
            peer,
            headers: HeaderMap::new(),
            _slot: slot,
        })
    }

    /// Keeps the header fields of the 101.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Upgraded {
        self.headers = headers;
        self
    }

    /// The header fields of the 101 that has switched the protocol: `Upgrade` names it, and they may say more, such as
    /// `Sec-WebSocket-Protocol`.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let request = session.get("https://example.org/").header("Connection", "upgrade").header("Upgrade", "echo");
    /// let stream = request.await?.upgrade()?;
    /// assert_eq!(stream.header("Upgrade"), Some("echo"));
    /// # Ok(()) }
    /// ```
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The value of a header field of the 101, if it is present and is printable ASCII; of several, the first.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The IP address and port of the peer, if the connection has them.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if space.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if !self.leftover.is_empty() {
            let n = self.leftover.len().min(space.len());
            self.leftover.copy_to_slice(&mut space[..n]);
            return Poll::Ready(Ok(n));
        }
        let n = ready!(self.stream.poll_read(cx, space))?;
        if n == 0 && self.stream.was_cut_off() {
            let what = "the connection ended without the TLS close_notify that marks its end";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, what)));
        }
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_flush(cx))?;
        let n = bytes.len().min(MOST_BUFFERED);
        self.out.bytes.extend_from_slice(&bytes[..n]);
        // What the socket does not take now is sent by the next write or flush.
        if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.out.is_empty() && this.stream.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        this.stream.poll_send(cx, &mut this.out)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.stream.poll_close(cx)
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").field("peer", &self.peer).finish_non_exhaustive()
    }
}
