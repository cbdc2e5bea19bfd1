//! Our byte streams with the I/O traits that h2 wants: tokio's, which need no runtime of tokio.

use crate::connections::http2::fan_out::{FanOut, Readiness};
use crate::connections::read_buffer::{self, ReadBuffer};
use crate::connections::stream::{SendBuffer, Stream};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is buffered while the stream takes nothing.
const MOST_BUFFERED: usize = 64 * 1024;
/// How a server begins that speaks HTTP/1 after all.
const HTTP1: &[u8] = b"HTTP/1";

/// The stream, for h2. It wakes the readiness of the fan-out, and not h2, whose waker means that there is something to send.
pub(super) struct Io {
    wire: Rc<Wire>,
    readiness: Waker,
}

/// What the connection knows of the stream that h2 has.
pub(super) struct Wire {
    stream: RefCell<Stream>,
    out: RefCell<SendBuffer>,
    has_read: Cell<bool>,
    /// The last read has filled the small block.
    reads_much: Cell<bool>,
    spoke_http1: Cell<bool>,
    received: Cell<usize>,
}

impl Io {
    pub(super) fn new(stream: Stream, fan_out: &Arc<FanOut>) -> (Io, Rc<Wire>) {
        let wire = Rc::new(Wire {
            stream: RefCell::new(stream),
            out: RefCell::default(),
            has_read: Cell::new(false),
            reads_much: Cell::new(false),
            spoke_http1: Cell::new(false),
            received: Cell::new(0),
        });
        let readiness = Waker::from(Arc::new(Readiness(Arc::clone(fan_out))));
        (Io { wire: Rc::clone(&wire), readiness }, wire)
    }

    /// h2 offers kilobytes that are not initialised. To clear them for each read would cost more than to copy a few small frames,
    /// so that is done only while much comes.
    fn read_into(&self, space: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let (wire, mut cx) = (&self.wire, Context::from_waker(&self.readiness));
        let mut stream = wire.stream.borrow_mut();
        if wire.reads_much.take() {
            let n = ready!(stream.poll_read(&mut cx, space.initialize_unfilled()))?;
            space.advance(n);
            wire.reads_much.set(n >= read_buffer::SMALL_SIZE);
            return Poll::Ready(Ok(n));
        }
        let mut block = ReadBuffer::take_small();
        let most = block.len().min(space.remaining());
        let n = ready!(stream.poll_read(&mut cx, &mut block[..most]))?;
        space.put_slice(&block[..n]);
        wire.reads_much.set(n == most);
        Poll::Ready(Ok(n))
    }

    fn poll_send(&self) -> Poll<io::Result<()>> {
        let (mut stream, mut out) = (self.wire.stream.borrow_mut(), self.wire.out.borrow_mut());
        if out.is_empty() && stream.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        stream.poll_send(&mut Context::from_waker(&self.readiness), &mut out)
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
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = &self.wire;
        let n = ready!(self.read_into(space))?;
        wire.received.set(wire.received.get() + n);
        if !wire.has_read.replace(true) {
            wire.spoke_http1.set(space.filled().starts_with(HTTP1));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // All that is in the buffer, also what of it is sent: it is cleared when everything is.
        if self.wire.out.borrow().bytes.len() >= MOST_BUFFERED {
            ready!(self.poll_send())?;
        }
        let n = bytes.len().min(MOST_BUFFERED);
        self.wire.out.borrow_mut().bytes.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send())?;
        self.wire.stream.borrow_mut().poll_close(&mut Context::from_waker(&self.readiness))
    }
}
