//! A buffered stream: lines, exact lengths, and reads that can be cancelled without losing data.
//!
//! A socket returns bytes as they arrive, which is seldom where a line ends. A read of one line has to keep what came
//! after it, and a read that is cancelled must not lose the half line that had arrived. So everything that is
//! received goes into a buffer that belongs to the *stream*, and is taken out only when a read returns. A read that
//! is dropped before that has taken nothing.
//!
//! Writes are not buffered. A `write` returns when all of its data has been handed to the stream below, so no flush
//! is needed before waiting for a reply. If a write is dropped halfway, the rest of its data is kept and sent before
//! anything that is written later: the other end never sees a gap.

use super::buffer::ReadBuffer;
use super::lines::Lines;
use crate::traps;
use crate::traps::at_caller::at_caller;
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many bytes are read at a time.
const CHUNK: usize = 8 * 1024;
/// The same, for reads up to the end of the stream, and for writes of many lines.
const LARGE_CHUNK: usize = 64 * 1024;

/// Buffered reading, and writing in order, over anything that has `futures_io`'s traits.
///
/// A dropped read loses nothing: what had been received stays buffered for the next one.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::io::Stream;
///
/// curio::run(async {
///     let listener = curio::TcpListener::bind("127.0.0.1:0").await?;
///     let client = curio::TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _peer) = listener.accept().await?;
///     let (mut client, mut server) = (Stream::new(client), Stream::new(server));
///
///     client.writelines(["first\n", "second\n"]).await?;
///     client.write(b"rest").await?;
///     client.close().await?;
///     assert_eq!(server.readline().await?, b"first\n");
///     assert_eq!(server.read_exactly(3).await?, b"sec");
///     assert_eq!(server.readall().await?, b"ond\nrest");
///     Ok(())
/// })
/// # }
/// ```
///
/// What is below can be anything, and be had back:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::io::Stream;
///
/// curio::run(async {
///     let mut request = Stream::new(&b"GET /\n\nbody"[..]);
///     assert_eq!(request.readline().await?, b"GET /\n");
///     assert_eq!(request.buffered(), b"\nbody"); // received, and not read yet
///     assert_eq!(request.readlines().await?, [&b"\n"[..], b"body"]);
///
///     let mut response = Stream::new(Vec::new());
///     response.write(b"200 OK\n").await?;
///     response.flush().await?;
///     assert_eq!(response.get_ref(), b"200 OK\n");
///     response.get_mut().clear(); // the `Vec`
///     let (sent, _received) = response.into_inner();
///     assert_eq!(sent, b"");
///     Ok(())
/// })
/// # }
/// ```
pub struct Stream<S> {
    inner: S,
    received: ReadBuffer,
    /// The rest of a write that was dropped halfway.
    unsent: Vec<u8>,
}

impl<S> Stream<S> {
    /// A stream over `inner`, with nothing buffered.
    pub fn new(inner: S) -> Stream<S> {
        Stream { inner, received: ReadBuffer::default(), unsent: Vec::new() }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The stream below. Reading from it directly bypasses the buffer.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// What has been received from the stream below and not yet been read from this one.
    pub fn buffered(&self) -> &[u8] {
        self.received.filled()
    }

    /// The inner stream, and the bytes that were received from it and not read yet.
    pub fn into_inner(mut self) -> (S, Vec<u8>) {
        (self.inner, self.received.take(usize::MAX))
    }
}

impl<S: AsyncRead + Unpin> Stream<S> {
    /// Up to `n` bytes, as soon as there are any; none at the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// Those of the inner stream; what had been received before stays buffered. This holds for all reads here.
    #[track_caller]
    pub fn read(&mut self, n: usize) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_, S> {
        let at = Location::caller();
        let filling = poll_fn(move |cx| {
            if n == 0 {
                ready!(traps::spend(cx));
            }
            while self.received.is_empty() && n > 0 {
                if ready!(self.poll_receive(cx, CHUNK))? == 0 {
                    break;
                }
            }
            Poll::Ready(Ok(self.received.take(n)))
        });
        at_caller(at, filling)
    }

    /// Exactly `n` bytes. Cancel-safe.
    ///
    /// # Errors
    /// `UnexpectedEof` if the stream ends before that; what had been received stays buffered.
    #[track_caller]
    pub fn read_exactly(&mut self, n: usize) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_, S> {
        let at = Location::caller();
        let filling = poll_fn(move |cx| {
            if n == 0 {
                ready!(traps::spend(cx));
            }
            while self.received.len() < n {
                // The buffer grows with what is received, not with what was asked for.
                let chunk = (n - self.received.len()).clamp(CHUNK, LARGE_CHUNK);
                if ready!(self.poll_receive(cx, chunk))? == 0 {
                    return Poll::Ready(Err(crate::net::stream::ended_early(self.received.len(), n)));
                }
            }
            Poll::Ready(Ok(self.received.take(n)))
        });
        at_caller(at, filling)
    }

    /// One line with its `\n`; what is left at the end of the stream, which may be empty. Cancel-safe.
    ///
    /// A line may be of any length and is kept in memory; limit what a peer that is not trusted can send.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn readline(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_, S> {
        let at = Location::caller();
        at_caller(at, poll_fn(move |cx| self.poll_line(cx)))
    }

    /// All lines until the end of the stream, each with its `\n` but perhaps the last. If it is dropped or fails,
    /// the lines that had been received stay buffered.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn readlines(&mut self) -> impl Future<Output = io::Result<Vec<Vec<u8>>>> + use<'_, S> {
        let at = Location::caller();
        let filling = poll_fn(move |cx| {
            while ready!(self.poll_receive(cx, LARGE_CHUNK))? > 0 {}
            let all = self.received.take(usize::MAX);
            Poll::Ready(Ok(all.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()))
        });
        at_caller(at, filling)
    }

    /// Everything until the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn readall(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_, S> {
        let at = Location::caller();
        let filling = poll_fn(move |cx| {
            while ready!(self.poll_receive(cx, LARGE_CHUNK))? > 0 {}
            Poll::Ready(Ok(self.received.take(usize::MAX)))
        });
        at_caller(at, filling)
    }

    /// The lines of the stream as text, without their ends, one by one: see [`Lines`].
    ///
    /// Where `futures_util`'s `AsyncBufReadExt` is imported, `stream.lines()` is that trait's method, which takes the
    /// stream; `Stream::lines(&mut stream)` is this one.
    pub fn lines(&mut self) -> Lines<'_, S> {
        Lines::new(self)
    }

    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        loop {
            if let Some(length) = self.received.line() {
                return Poll::Ready(Ok(self.received.take(length)));
            }
            if ready!(self.poll_receive(cx, CHUNK))? == 0 {
                return Poll::Ready(Ok(self.received.take(usize::MAX)));
            }
        }
    }

    /// Receives into the buffer; says how much.
    fn poll_receive(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        // The stream below may always be ready, and need not spend the budget as sockets do.
        ready!(traps::spend(cx));
        let inner = Pin::new(&mut self.inner);
        self.received.fill(room, |room| {
            let polled = inner.poll_read(cx, room);
            let received = if let Poll::Ready(Ok(n)) = polled { n } else { 0 };
            traps::spend_bytes(received);
            (received, polled)
        })
    }
}

impl<S: AsyncWrite + Unpin> Stream<S> {
    /// Writes all of `data`. It has been handed to the stream below when this returns; no flush is needed.
    ///
    /// If it is dropped before any of it was written, nothing will be. If it is dropped halfway, the rest is sent
    /// before anything that is written, flushed or closed later.
    ///
    /// # Errors
    /// Those of the stream below. Some of `data` may have been written then.
    #[track_caller]
    pub fn write<'a>(&'a mut self, data: &'a [u8]) -> impl Future<Output = io::Result<()>> + use<'a, S> {
        let at = Location::caller();
        at_caller(at, Write { stream: self, data: Cow::Borrowed(data), written: 0 })
    }

    /// Writes lines one after the other, about 64 KiB in one [`write`](Self::write), so that there may be more of
    /// them than fit into memory.
    ///
    /// If it is dropped, the lines that were begun are finished like those of a dropped `write`; no further ones are
    /// taken from the iterator.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn writelines<I>(&mut self, lines: I) -> impl Future<Output = io::Result<()>> + use<'_, S, I>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let at = Location::caller();
        let writing = async move {
            let mut lines = lines.into_iter().peekable();
            while lines.peek().is_some() {
                let mut data = Vec::new();
                while data.len() < LARGE_CHUNK
                    && let Some(line) = lines.next()
                {
                    data.extend_from_slice(line.as_ref());
                }
                Write { stream: &mut *self, data: Cow::Owned(data), written: 0 }.await?;
            }
            Ok(())
        };
        at_caller(at, Box::pin(writing))
    }

    /// Flushes the stream below, after the rest of a dropped write. Cancel-safe.
    ///
    /// # Errors
    /// Those of the stream below.
    #[track_caller]
    pub fn flush(&mut self) -> impl Future<Output = io::Result<()>> + use<'_, S> {
        let at = Location::caller();
        let flushing = poll_fn(move |cx| {
            // A flush that finds nothing to do is ready at once, and may be one of many.
            ready!(traps::spend(cx));
            self.poll_flush_all(cx)
        });
        at_caller(at, flushing)
    }

    /// Flushes, and ends writing. Reading goes on. Cancel-safe.
    ///
    /// # Errors
    /// Those of the stream below.
    #[track_caller]
    pub fn close(&mut self) -> impl Future<Output = io::Result<()>> + use<'_, S> {
        let at = Location::caller();
        let closing = poll_fn(move |cx| {
            ready!(self.poll_flush_all(cx))?;
            Pin::new(&mut self.inner).poll_close(cx)
        });
        at_caller(at, closing)
    }

    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_rest(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Sends what dropped writes left behind.
    fn poll_send_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(poll_some(Pin::new(&mut self.inner), cx, &self.unsent))?;
            self.unsent.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

/// The future of [`Stream::write`].
struct Write<'a, S> {
    stream: &'a mut Stream<S>,
    data: Cow<'a, [u8]>,
    written: usize,
}

impl<S: AsyncWrite + Unpin> Future for Write<'_, S> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.data.is_empty() {
            ready!(traps::spend(cx));
        }
        ready!(this.stream.poll_send_rest(cx))?;
        while this.written < this.data.len() {
            let rest = &this.data[this.written..];
            match ready!(poll_some(Pin::new(&mut this.stream.inner), cx, rest)) {
                Ok(sent) => this.written += sent,
                Err(error) => {
                    // The caller gets the error; the rest of the data is not sent later.
                    this.written = this.data.len();
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> Drop for Write<'_, S> {
    fn drop(&mut self) {
        if self.written > 0 {
            self.stream.unsent.extend_from_slice(&self.data[self.written..]);
        }
    }
}

/// Writes at least one byte of `data`, which is not empty.
fn poll_some(inner: Pin<&mut impl AsyncWrite>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
    ready!(traps::spend(cx));
    match ready!(inner.poll_write(cx, data))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        sent => {
            traps::spend_bytes(sent);
            Poll::Ready(Ok(sent))
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.received.is_empty() {
            return Pin::new(&mut this.inner).poll_read(cx, buf);
        }
        let n = buf.len().min(this.received.len());
        buf[..n].copy_from_slice(&this.received.filled()[..n]);
        this.received.consume(n);
        Poll::Ready(Ok(n))
    }
}

impl<S: AsyncRead + Unpin> AsyncBufRead for Stream<S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.received.is_empty() {
            ready!(this.poll_receive(cx, CHUNK))?;
        }
        Poll::Ready(Ok(this.received.filled()))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        self.get_mut().received.consume(n);
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send_rest(cx))?;
        Pin::new(&mut this.inner).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush_all(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_flush_all(cx))?;
        Pin::new(&mut this.inner).poll_close(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("inner", &self.inner)
            .field("buffered", &self.received.len())
            .finish_non_exhaustive()
    }
}
