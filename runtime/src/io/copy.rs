//! Copying from one stream into another, one way or both ways.

use crate::traps;
use crate::traps::at_caller::at_caller;
use futures_io::{AsyncRead, AsyncWrite};
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How much is in the buffer of each direction at most.
const CHUNK: usize = 16 * 1024;

/// Copies everything from `reader` into `writer` until the reader ends; says how many bytes. `writer` is flushed
/// at the end, and not closed unless dropping it does that.
///
/// If it is dropped, what was read and not yet written, at most 16 KiB, is lost.
///
/// # Errors
/// The first of either side.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let mut copied = Vec::new();
///     assert_eq!(curio::io::copy(&b"some bytes"[..], &mut copied).await?, 10);
///     assert_eq!(copied, b"some bytes");
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn copy<R, W>(mut reader: R, mut writer: W) -> impl Future<Output = io::Result<u64>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let at = Location::caller();
    let mut transfer = Transfer::new();
    let copying = poll_fn(move |cx| {
        ready!(transfer.poll_all(&mut reader, &mut writer, cx))?;
        ready!(Pin::new(&mut writer).poll_flush(cx))?;
        Poll::Ready(Ok(transfer.copied))
    });
    at_caller(at, copying)
}

/// Copies both ways at once until both sides have ended: for proxies. Says how many bytes went from `a` to `b`, and
/// how many from `b` to `a`.
///
/// When one side ends, writing to the other is closed, and the other direction goes on: a half-closed connection
/// stays half-closed through it. Both directions get an equal share of what a task may do in one poll, so that a busy one
/// does not keep the other from moving.
///
/// If it is dropped, what was read and not yet written, at most 16 KiB in each direction, is lost.
///
/// # Errors
/// The first of either side; the other direction is then given up as well.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # use curio::{TcpListener, TcpStream};
/// # async fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
/// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
/// #     let stream = TcpStream::connect(listener.local_addr()?).await?;
/// #     Ok((stream, listener.accept().await?.0))
/// # }
/// curio::run(async {
///     // Two connections, and between them a proxy.
///     let (client, mut left) = pair().await?;
///     let (mut right, server) = pair().await?;
///     let proxy = curio::io::copy_bidirectional(&mut left, &mut right);
///     let talk = async {
///         client.sendall(b"question").await?;
///         client.shutdown(std::net::Shutdown::Write)?;
///         assert_eq!(server.read_all().await?, b"question");
///         server.sendall(b"answer!").await?;
///         server.shutdown(std::net::Shutdown::Write)?;
///         client.read_all().await
///     };
///     let (counts, answer) = curio::join!(proxy, talk);
///     assert_eq!((counts?, answer?), ((8, 7), b"answer!".to_vec()));
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn copy_bidirectional<A, B>(mut a: A, mut b: B) -> impl Future<Output = io::Result<(u64, u64)>>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let at = Location::caller();
    let (mut there, mut back) = (Transfer::new(), Transfer::new());
    let copying = poll_fn(move |cx| {
        let mut shares = traps::BudgetShares::among(2);
        let share = shares.next();
        let there_done = there.poll_and_close(&mut a, &mut b, cx)?;
        shares.give_back(share);
        let share = shares.next();
        let back_done = back.poll_and_close(&mut b, &mut a, cx)?;
        shares.give_back(share);
        if there_done.is_pending() || back_done.is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(Ok((there.copied, back.copied)))
    });
    at_caller(at, copying)
}

/// One direction.
struct Transfer {
    buffer: Vec<u8>,
    /// The part of the buffer that has been read and is still to be written.
    start: usize,
    end: usize,
    reader_ended: bool,
    closed: bool,
    copied: u64,
}

impl Transfer {
    fn new() -> Transfer {
        let buffer = vec![0; CHUNK];
        Transfer { buffer, start: 0, end: 0, reader_ended: false, closed: false, copied: 0 }
    }

    /// Ready when everything has been read and written.
    fn poll_all<R, W>(&mut self, reader: &mut R, writer: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            ready!(traps::spend(cx));
            if self.start < self.end {
                let rest = &self.buffer[self.start..self.end];
                let written = ready!(Pin::new(&mut *writer).poll_write(cx, rest))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.start += written;
                self.copied += written as u64;
            } else if self.reader_ended {
                return Poll::Ready(Ok(()));
            } else {
                match Pin::new(&mut *reader).poll_read(cx, &mut self.buffer) {
                    Poll::Ready(read) => {
                        (self.start, self.end) = (0, read?);
                        self.reader_ended = self.end == 0;
                    }
                    Poll::Pending => {
                        // While there is nothing to read, the writer is flushed.
                        if let Poll::Ready(Err(error)) = Pin::new(&mut *writer).poll_flush(cx) {
                            return Poll::Ready(Err(error));
                        }
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn poll_and_close<R, W>(
        &mut self,
        reader: &mut R,
        writer: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if !self.closed {
            ready!(self.poll_all(reader, writer, cx))?;
            ready!(Pin::new(writer).poll_close(cx))?;
            self.closed = true;
        }
        Poll::Ready(Ok(()))
    }
}
