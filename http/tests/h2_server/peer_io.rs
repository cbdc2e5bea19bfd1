//! What the two test servers of HTTP/2 share: the traits that the crate h2 reads and writes by, and the sending of a body.

use bytes::Bytes;
use futures_io::{AsyncRead, AsyncWrite};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream of futures_io with the traits of tokio.
pub(crate) struct Adapted<S>(pub(crate) S);

impl<S: AsyncRead + Unpin> tokio::io::AsyncRead for Adapted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n = ready!(Pin::new(&mut self.0).poll_read(cx, space.initialize_unfilled()))?;
        space.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> tokio::io::AsyncWrite for Adapted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// Sends a body as flow control allows; `is_last` says whether it ends the stream.
pub(crate) async fn send_all(send: &mut h2::SendStream<Bytes>, mut body: Bytes, is_last: bool) {
    while !body.is_empty() {
        send.reserve_capacity(body.len());
        let Some(Ok(n)) = poll_fn(|cx| send.poll_capacity(cx)).await else { return };
        let piece = body.split_to(n.min(body.len()));
        if send.send_data(piece, false).is_err() {
            return;
        }
    }
    if is_last {
        let _ = send.send_data(Bytes::new(), true);
    }
}
