//! The byte stream under a connection: a TCP socket, TLS over another stream, or a foreign stream.
//!
//! A connection needs four operations of it: read, send, check for readability while idle, close. It is an enum and not a
//! trait, so that calls are dispatched statically for a TCP socket and for TLS over one, which nearly every stream is. Unix
//! sockets and the streams of a [`Connector`](crate::Connector) are rare, and go through a trait object.
//!
//! TLS runs over any stream, so also over TLS: that is how a server is reached through a proxy to which the connection
//! itself is TLS.

use crate::connections::connector::Duplex;
use crate::connections::tls::TlsStream;
use bytes::{Buf, Bytes};
use curio::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
    Foreign(Box<dyn Duplex>),
}

/// How to find out whether an idle stream has become readable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// By the readiness that the kernel has recorded. No system call, but only as recent as the kernel's last poll for
    /// events.
    Cached,
    /// By a non-blocking peek at the socket.
    AtSocket,
}

impl Stream {
    /// Reads what is available, at most as much as fits. Zero bytes are the end; see
    /// [`was_cut_off`](Stream::was_cut_off) for whether the stream may have been truncated.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, space),
            Stream::Tls(tls) => tls.poll_read(cx, space),
            Stream::Foreign(stream) => {
                let n = ready!(Pin::new(stream).poll_read(cx, space))?;
                // Foreign code: an impossible length is caught here, before it is used to index a buffer.
                let true = n <= space.len() else { return Poll::Ready(Err(out_of_bounds())) };
                Poll::Ready(Ok(n))
            }
        }
    }

    /// Sends everything in `out` and leaves it empty.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut SendBuffer) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(tcp) => out.poll_flush(cx, tcp),
            Stream::Tls(tls) => tls.poll_send(cx, out),
            Stream::Foreign(stream) => {
                ready!(out.poll_flush(cx, stream))?;
                Pin::new(stream).poll_flush(cx)
            }
        }
    }

    /// Sends as much of `out` as can be sent without waiting. It is called when a connection is dropped, so errors are
    /// ignored.
    pub(crate) fn try_send(&mut self, out: &mut SendBuffer) {
        match self {
            Stream::Plain(tcp) => out.flush_at_once(tcp),
            Stream::Tls(tls) => tls.try_send(out),
            Stream::Foreign(_) => {
                let _ = self.poll_send(&mut Context::from_waker(Waker::noop()), out);
            }
        }
    }

    /// Whether everything that was to be sent is sent, and neither side is known to have ended the stream.
    pub(crate) fn is_reusable(&self) -> bool {
        self.is_flushed() && self.is_open()
    }

    /// Whether neither side is known to have ended the stream.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Stream::Plain(_) | Stream::Foreign(_) => true,
            Stream::Tls(tls) => tls.is_open(),
        }
    }

    /// Whether everything that was to be sent is sent.
    pub(crate) fn is_flushed(&self) -> bool {
        match self {
            Stream::Plain(_) | Stream::Foreign(_) => true,
            Stream::Tls(tls) => tls.is_flushed(),
        }
    }

    /// Whether nothing has been received since the last read: no byte, no end, no error. An idle connection of which this
    /// is false cannot be reused.
    pub(crate) fn is_quiet(&mut self, look: Look) -> bool {
        match self {
            Stream::Plain(tcp) => match look {
                Look::Cached => tcp.is_quiet(),
                Look::AtSocket => tcp.is_quiet_now(),
            },
            Stream::Tls(tls) => tls.is_quiet(look),
            Stream::Foreign(stream) => {
                let mut cx = Context::from_waker(Waker::noop());
                Pin::new(stream).poll_read(&mut cx, &mut [0]).is_pending()
            }
        }
    }

    /// Whether bytes have arrived, or the end, that [`poll_read`](Stream::poll_read) has not returned. Unlike
    /// [`is_quiet`](Stream::is_quiet) it takes none of them. It costs a system call, because a wait that was woken hides what
    /// the kernel has recorded. `None`: only a read could tell.
    #[cfg(feature = "http2")]
    pub(crate) fn has_arrived(&self) -> Option<bool> {
        match self {
            Stream::Plain(tcp) => Some(!tcp.is_quiet_now()),
            Stream::Tls(tls) => tls.has_arrived(),
            Stream::Foreign(_) => None,
        }
    }

    /// Whether the stream may have been truncated: TLS marks its end with a close_notify alert (RFC 8446 §6.1), so that an
    /// attacker on the path cannot shorten it unnoticed.
    pub(crate) fn was_cut_off(&self) -> bool {
        match self {
            Stream::Plain(_) | Stream::Foreign(_) => false,
            Stream::Tls(tls) => tls.was_cut_off(),
        }
    }

    /// Gives back the memory that an idle stream does not need.
    pub(crate) fn release_buffers(&mut self) {
        if let Stream::Tls(tls) = self {
            tls.release_buffers();
        }
    }

    /// Closes the sending direction: over TLS, after a close_notify.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(tcp) => Pin::new(tcp).poll_close(cx),
            Stream::Tls(tls) => tls.poll_close(cx),
            Stream::Foreign(stream) => Pin::new(stream).poll_close(cx),
        }
    }
}

/// Bytes to be sent. They are appended at the end and sent from the front; the memory is kept for the next request. A large part
/// of a body that is in memory already is not copied here, and is sent after them, in the same system call.
#[derive(Default)]
pub(crate) struct SendBuffer {
    /// Nothing is appended while there is something in `attached`.
    pub(crate) bytes: Vec<u8>,
    sent: usize,
    attached: Bytes,
}

/// Most request heads have at most this many bytes.
const USUAL_HEAD: usize = 512;
/// A larger buffer is not kept by an idle connection.
const KEPT: usize = 4 * 1024;

impl SendBuffer {
    /// With room for a request head of the usual size, so that it need not grow while one is written.
    pub(crate) fn for_heads() -> SendBuffer {
        SendBuffer { bytes: Vec::with_capacity(USUAL_HEAD), ..SendBuffer::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len() && self.attached.is_empty()
    }

    /// What is to be sent next. All of it, unless something was attached.
    pub(crate) fn unsent(&self) -> &[u8] {
        let own = &self.bytes[self.sent..];
        if own.is_empty() { &self.attached } else { own }
    }

    /// Appends these bytes, if there are any, without copying them.
    pub(crate) fn attach(&mut self, bytes: Option<Bytes>) {
        debug_assert!(self.attached.is_empty());
        self.attached = bytes.unwrap_or_default();
    }

    /// The first `n` unsent bytes were sent, or taken to be sent.
    pub(crate) fn advance(&mut self, n: usize) {
        let own = n.min(self.bytes.len() - self.sent);
        self.sent += own;
        self.attached.advance(n - own);
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
    }

    pub(crate) fn shrink(&mut self) {
        if self.bytes.capacity() > KEPT {
            *self = SendBuffer::default();
        }
    }

    fn flush_at_once(&mut self, to: &TcpStream) {
        while !self.is_empty() {
            match to.try_write(self.unsent()) {
                Ok(n @ 1..) => self.advance(n),
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Sends everything. If polling stops half-way, the next call goes on where this one stopped.
    fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let own = &self.bytes[self.sent..];
            let length = own.len() + self.attached.len();
            let to = Pin::new(&mut *to);
            let written = if own.is_empty() || self.attached.is_empty() {
                to.poll_write(cx, self.unsent())
            } else {
                to.poll_write_vectored(cx, &[IoSlice::new(own), IoSlice::new(&self.attached)])
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n if n > length => return Poll::Ready(Err(out_of_bounds())),
                n => self.advance(n),
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn out_of_bounds() -> io::Error {
    io::Error::other("the stream claims to have transferred more bytes than there were")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `most` bytes of each write.
    struct Slow {
        most: usize,
        writes: usize,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Slow {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.writes += 1;
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let n = all.len().min(self.most);
            self.taken.extend_from_slice(&all[..n]);
            Poll::Ready(Ok(n))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn sent_by(most: usize) -> Slow {
        let mut out = SendBuffer::default();
        out.bytes.extend_from_slice(b"head, ");
        out.attach(Some(Bytes::from_static(b"body")));
        let mut slow = Slow { most, writes: 0, taken: Vec::new() };
        let sent = out.poll_flush(&mut Context::from_waker(Waker::noop()), &mut slow);
        assert!(matches!(sent, Poll::Ready(Ok(()))) && out.is_empty());
        slow
    }

    #[test]
    fn a_head_and_a_body_that_is_not_copied_are_sent_by_one_call() {
        let sent = sent_by(usize::MAX);
        assert_eq!((sent.writes, sent.taken.as_slice()), (1, &b"head, body"[..]));
    }

    #[test]
    fn short_writes_lose_and_repeat_nothing() {
        for most in 1..10 {
            assert_eq!(sent_by(most).taken, b"head, body");
        }
    }
}
