//! Our byte streams with the I/O traits that h2 wants: tokio's, which need no runtime of tokio.

use crate::connections::stream::{SendBuffer, Stream};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is buffered while the stream takes nothing.
const MOST_BUFFERED: usize = 64 * 1024;
/// How a server begins that speaks HTTP/1 after all.
const HTTP1: &[u8] = b"HTTP/1";

/// The stream, for h2.
pub(super) struct Io(Rc<Wire>);

/// What the connection knows of the stream that h2 has.
pub(super) struct Wire {
    stream: RefCell<Stream>,
    out: RefCell<SendBuffer>,
    has_read: Cell<bool>,
    spoke_http1: Cell<bool>,
    received: Cell<usize>,
}

impl Io {
    pub(super) fn new(stream: Stream) -> (Io, Rc<Wire>) {
        let wire = Rc::new(Wire {
            stream: RefCell::new(stream),
            out: RefCell::default(),
            has_read: Cell::new(false),
            spoke_http1: Cell::new(false),
            received: Cell::new(0),
        });
        (Io(Rc::clone(&wire)), wire)
    }

    fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (mut stream, mut out) = (self.0.stream.borrow_mut(), self.0.out.borrow_mut());
        if out.is_empty() && stream.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        stream.poll_send(cx, &mut out)
    }
}

impl Wire {
    /// Whether something has arrived that h2 has not read. `None`: only a read could tell.
    pub(super) fn has_arrived(&self) -> Option<bool> {
        self.stream.try_borrow().ok()?.has_arrived()
    }

    /// Whether at least `most` bytes were received since this was last true.
    pub(super) fn has_received(&self, most: usize) -> bool {
        let is_reached = self.received.get() >= most;
        if is_reached {
            self.received.set(0);
        }
        is_reached
    }

    /// Whether the first bytes of the server were those of an HTTP/1 response.
    pub(super) fn spoke_http1(&self) -> bool {
        self.spoke_http1.get()
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &self.0;
        let n = ready!(wire.stream.borrow_mut().poll_read(cx, space.initialize_unfilled()))?;
        space.advance(n);
        wire.received.set(wire.received.get() + n);
        if !wire.has_read.replace(true) {
            wire.spoke_http1.set(space.filled().starts_with(HTTP1));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // All that is in the buffer, also what of it is sent: it is cleared when everything is.
        if self.0.out.borrow().bytes.len() >= MOST_BUFFERED {
            ready!(self.poll_send(cx))?;
        }
        let n = bytes.len().min(MOST_BUFFERED);
        self.0.out.borrow_mut().bytes.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        self.0.stream.borrow_mut().poll_close(cx)
    }
}
