//! Reading a body in chunks of bytes, as they come.

use crate::error::Error;
use crate::response::content::Content;
use crate::response::error_context::ErrorContext;
use bytes::Bytes;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body in chunks, from [`Response::iter_chunked`](crate::Response::iter_chunked).
///
/// ```
/// # use curio_http::mock::{Answer, Mock};
/// # let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
/// # let rest = "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Checksum: 5eb6\r\n\r\n";
/// # let mock = Mock::new().otherwise(move |_| Answer::raw([head, rest].concat()));
/// # curio::testing::run(async {
/// # let session = mock.session();
/// let mut response = session.get("http://test/large").await?;
/// let mut chunks = response.iter_chunked(16 * 1024);
/// let mut length = 0;
/// while let Some(chunk) = chunks.next().await {
///     length += chunk?.len();
/// }
/// assert_eq!(length, 11);
/// // Fields that the server knows only at the end.
/// assert_eq!(response.trailers().unwrap()["x-checksum"], "5eb6");
/// # Ok::<(), curio_http::Error>(())
/// # }).unwrap();
/// ```
pub struct Chunks<'a> {
    content: &'a mut Content,
    context: ErrorContext<'a>,
    maxsize: usize,
    failed: bool,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(content: &'a mut Content, context: ErrorContext<'a>, maxsize: usize) -> Chunks<'a> {
        content.begin_chunks();
        Chunks { content, context, maxsize, failed: false }
    }

    /// The next chunk, never empty; `None` at the end. After an error there are no more.
    ///
    /// # Errors
    /// As [`Response::binary`](crate::Response::binary).
    ///
    /// # Cancellation
    /// If the future is dropped, nothing is lost: the next call continues.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        poll_next_chunk(self.content, self.context, self.maxsize, &mut self.failed, cx)
    }
}

/// The next chunk of at most `maxsize` bytes; after an error, which sets `failed`, there are no more.
pub(super) fn poll_next_chunk(
    content: &mut Content,
    context: ErrorContext<'_>,
    maxsize: usize,
    failed: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, Error>>> {
    if *failed {
        return Poll::Ready(None);
    }
    let chunk = ready!(content.poll_chunk(cx, maxsize));
    *failed = matches!(chunk, Some(Err(_)));
    Poll::Ready(chunk.map(|chunk| chunk.map_err(|error| context.located(error))))
}

impl Stream for Chunks<'_> {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx)
    }
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("maxsize", &self.maxsize).finish_non_exhaustive()
    }
}
