//! A response as a stream of its body that owns it: [`BytesStream`] and [`ResponseReader`].
//!
//! [`Chunks`](super::chunks::Chunks) borrows the response, which suits a loop. What is given away (to another request, to a
//! task, to a crate that wants a `Stream` or a reader) has to own what it reads.

use crate::error::{Error, ErrorKind};
use crate::request::body::Body;
use crate::response::Response;
use crate::response::chunks::poll_next_chunk;
use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_io::{AsyncBufRead, AsyncRead};
use http::Method;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Response {
    /// The body as a stream of chunks that owns the response: it can be returned, moved into a task, or sent as the body of
    /// another request ([`Body::from_stream`], or simply `Body::from(response)`). Chunks are as long as they come: what one
    /// read from the connection yields, or one step of decoding.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let response = session.get("https://example.org/large").await?;
    /// let mut stream = response.bytes_stream();
    /// while let Some(chunk) = stream.next().await {
    ///     println!("{} bytes", chunk?.len());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping
    /// Dropping the stream before its end closes the connection, as dropping the response does.
    pub fn bytes_stream(mut self) -> BytesStream {
        self.inner.content.begin_chunks();
        BytesStream { response: self, failed: false }
    }

    /// The body as a reader that owns the response: `AsyncRead` and `AsyncBufRead` of `futures_io`. Errors are `io::Error`s
    /// around an [`Error`], of the kind `TimedOut`, `UnexpectedEof` (the body ends early) or `Other`.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::AsyncReadExt;
    ///
    /// let mut reader = session.get("https://example.org/data.bin").await?.into_reader();
    /// let mut magic = [0; 4];
    /// reader.read_exact(&mut magic).await?;
    /// println!("{magic:?} at the beginning of {}", reader.response().url());
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping
    /// Dropping the reader before the end of the body closes the connection.
    pub fn into_reader(self) -> ResponseReader {
        ResponseReader { stream: self.bytes_stream(), chunk: Bytes::new() }
    }

    /// How long the body is that a stream of this response yields, if that is known before it is read.
    fn length_to_come(&self) -> Option<u64> {
        let Response { inner } = self;
        match inner.content.kept_length() {
            None if inner.method == Method::HEAD || inner.content.has_begun() => None,
            None => inner.content_length,
            kept => kept,
        }
    }
}

/// One response feeds another request: the body is sent piece by piece as it is received, so only a few pieces are in memory
/// at a time. The length is sent as `Content-Length` if the response declares it and is not decoded
/// ([`no_decompression`](crate::RequestBuilder::no_decompression) leaves it coded); otherwise the body is sent in chunks. As
/// any stream, it can be sent only once.
///
/// The response keeps its connection until its end. With a limit of
/// [one connection per host](crate::ClientSessionBuilder::max_connections_per_host), a request to the same host would wait for
/// it until the pool timeout.
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
/// let from = session.get("https://old.example.org/archive.tar").await?;
/// from.raise_for_status()?;
/// session.put("https://new.example.org/archive.tar").body(from).await?.raise_for_status()?;
/// # Ok(()) }
/// ```
impl From<Response> for Body {
    fn from(response: Response) -> Body {
        let length = response.length_to_come();
        Body::of_pieces(Pieces(response.bytes_stream()), length)
    }
}

/// A stream of a response with the error type that bodies have.
struct Pieces(BytesStream);

impl Stream for Pieces {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_chunk(cx).map(|chunk| chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

/// The body in chunks, from [`Response::bytes_stream`]. Also a `futures_core::Stream`.
pub struct BytesStream {
    response: Response,
    failed: bool,
}

impl BytesStream {
    /// The next chunk, never empty; `None` at the end. After an error there are no more.
    ///
    /// # Errors
    /// As [`Response::binary`], except that the default limit of 64 MiB does not apply.
    ///
    /// # Cancellation
    /// If the future is dropped, nothing is lost: the next call continues.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// The response: its head, and after the end of the body its trailers and timings.
    pub fn response(&self) -> &Response {
        &self.response
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let (content, context, _) = self.response.inner.split();
        poll_next_chunk(content, context, usize::MAX, &mut self.failed, cx)
    }
}

impl Stream for BytesStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx)
    }
}

impl fmt::Debug for BytesStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesStream").field("response", &self.response).finish_non_exhaustive()
    }
}

/// The body as a reader, from [`Response::into_reader`].
pub struct ResponseReader {
    stream: BytesStream,
    /// Received and not yet read.
    chunk: Bytes,
}

impl ResponseReader {
    /// The response: its head, and after the end of the body its trailers and timings.
    pub fn response(&self) -> &Response {
        self.stream.response()
    }
}

impl AsyncRead for ResponseReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let reader = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let received = ready!(Pin::new(&mut *reader).poll_fill_buf(cx))?;
        let n = received.len().min(buf.len());
        buf[..n].copy_from_slice(&received[..n]);
        reader.chunk.advance(n);
        Poll::Ready(Ok(n))
    }
}

impl AsyncBufRead for ResponseReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let ResponseReader { stream, chunk } = self.get_mut();
        if chunk.is_empty() {
            match ready!(stream.poll_chunk(cx)) {
                Some(Ok(next)) => *chunk = next,
                Some(Err(error)) => return Poll::Ready(Err(as_io_error(error))),
                None => {}
            }
        }
        Poll::Ready(Ok(chunk))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        self.get_mut().chunk.advance(n);
    }
}

impl fmt::Debug for ResponseReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseReader").field("response", self.response()).finish_non_exhaustive()
    }
}

fn as_io_error(error: Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::Timeout => io::ErrorKind::TimedOut,
        ErrorKind::Body => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
