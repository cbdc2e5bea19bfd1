//! The methods of every byte stream, written once for all of them.
//!
//! The methods take `&self`: one task may read while another writes. A second reader gets an error that names the
//! first one, because two readers of one stream each get a part of the message, and no program means that.
//!
//! The traits of `futures_io` are for the streams themselves and not for references to them, unlike `Read` and
//! `Write` in the standard library. Their `poll_` functions keep nothing between two calls, so a second reader could
//! not be told from the same one that comes back after having been dropped, and would silently take over the first
//! one's waker. `into_split` gives a reader and a writer that can be passed to code of other crates.

/// Gives a type what can be received. It has a method `socket() -> &Socket<S>` where `&S: Read`.
macro_rules! read_methods {
    ($stream:ty) => {
        impl $stream {
            /// Receives up to `buf.len()` bytes as soon as there are any; 0 at the end of the stream (or for an
            /// empty buffer). Cancel-safe: a dropped receive took nothing.
            ///
            /// # Errors
            /// The operating system's, and `ResourceBusy` if another task reads from this stream.
            #[track_caller]
            pub fn recv<'a>(
                &'a self,
                buf: &'a mut [u8],
            ) -> impl Future<Output = io::Result<usize>> + use<'a> {
                let at = Location::caller();
                let no_bytes = buf.is_empty();
                let receiving = self.socket().op(Direction::Read, at, move |mut source| {
                    let n = if no_bytes { 0 } else { source.read(buf)? };
                    Ok(Attempt::read(n, buf.len()))
                });
                receiving.at_once_if(no_bytes)
            }

            /// The same as [`recv`](Self::recv).
            #[track_caller]
            pub fn read<'a>(
                &'a self,
                buf: &'a mut [u8],
            ) -> impl Future<Output = io::Result<usize>> + use<'a> {
                self.recv(buf)
            }

            /// Receives exactly `n` bytes. What a dropped call had received is lost; `io::Stream` keeps it.
            ///
            /// # Errors
            /// `UnexpectedEof` if the stream ends before that, naming how many bytes came; else as
            /// [`recv`](Self::recv).
            #[track_caller]
            pub fn read_exactly(&self, n: usize) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_> {
                let at = Location::caller();
                let mut received = Vec::new();
                let receiving = self.socket().op(Direction::Read, at, move |source| {
                    let count = crate::net::stream::receive(source, &mut received, n)?;
                    if received.len() < n && count == 0 {
                        return Err(crate::net::stream::ended_early(received.len(), n));
                    }
                    let is_all = received.len() == n;
                    Ok(Attempt::step(count, is_all.then(|| std::mem::take(&mut received))))
                });
                receiving.at_once_if(n == 0)
            }

            /// Receives everything until the end of the stream. What a dropped call had received is lost.
            ///
            /// # Errors
            /// As [`recv`](Self::recv).
            #[track_caller]
            pub fn read_all(&self) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_> {
                let at = Location::caller();
                let mut received = Vec::new();
                self.socket().op(Direction::Read, at, move |source| {
                    let count = crate::net::stream::receive(source, &mut received, usize::MAX)?;
                    let is_all = count == 0;
                    Ok(Attempt::step(count, is_all.then(|| std::mem::take(&mut received))))
                })
            }
        }

        impl futures_io::AsyncRead for $stream {
            #[track_caller]
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                if buf.is_empty() {
                    return crate::traps::spend(cx).map(|()| Ok(0));
                }
                let at = Location::caller();
                self.socket().poll_op(cx, Direction::Read, at, |mut source| {
                    let n = source.read(buf)?;
                    Ok(Attempt::read(n, buf.len()))
                })
            }
        }
    };
}

/// Gives a type what can be sent. It has a method `socket() -> &Socket<S>` where `&S: Write`, and
/// `end_writing()`, which shuts down writing.
macro_rules! write_methods {
    ($stream:ty) => {
        impl $stream {
            /// Sends some of `data`, at least one byte unless it is empty, and says how many. Cancel-safe: a
            /// dropped send sent nothing.
            ///
            /// # Errors
            /// The operating system's, and `ResourceBusy` if another task writes to this stream.
            #[track_caller]
            pub fn send<'a>(&'a self, data: &'a [u8]) -> impl Future<Output = io::Result<usize>> + use<'a> {
                let at = Location::caller();
                let no_bytes = data.is_empty();
                let sending = self.socket().op(Direction::Write, at, move |mut source| {
                    let n = if no_bytes { 0 } else { source.write(data)? };
                    Ok(Attempt::written(n))
                });
                sending.at_once_if(no_bytes)
            }

            /// Sends all of `data`. If it is dropped before it is done, some may have been sent and some not:
            /// close the stream then.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            #[track_caller]
            pub fn sendall<'a>(&'a self, data: &'a [u8]) -> impl Future<Output = io::Result<()>> + use<'a> {
                let at = Location::caller();
                let mut rest = data;
                let sending = self.socket().op(Direction::Write, at, move |mut source| {
                    let piece = &rest[..rest.len().min(crate::net::stream::LARGEST_WRITE)];
                    let n = if piece.is_empty() { 0 } else { source.write(piece)? };
                    if n == 0 && !piece.is_empty() {
                        return Err(io::ErrorKind::WriteZero.into());
                    }
                    rest = &rest[n..];
                    Ok(Attempt::step(n, rest.is_empty().then_some(())))
                });
                sending.at_once_if(data.is_empty())
            }

            /// The same as [`sendall`](Self::sendall).
            #[track_caller]
            pub fn write_all<'a>(&'a self, data: &'a [u8]) -> impl Future<Output = io::Result<()>> + use<'a> {
                self.sendall(data)
            }
        }

        impl futures_io::AsyncWrite for $stream {
            #[track_caller]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                if data.is_empty() {
                    return crate::traps::spend(cx).map(|()| Ok(0));
                }
                let at = Location::caller();
                self.socket()
                    .poll_op(cx, Direction::Write, at, |mut source| source.write(data).map(Attempt::written))
            }

            /// One system call for all of `slices`.
            #[track_caller]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                if slices.iter().all(|slice| slice.is_empty()) {
                    return crate::traps::spend(cx).map(|()| Ok(0));
                }
                let at = Location::caller();
                self.socket().poll_op(cx, Direction::Write, at, |mut source| {
                    source.write_vectored(slices).map(Attempt::written)
                })
            }

            /// There is no buffer here: this does nothing.
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Shuts writing down.
            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.end_writing())
            }
        }
    };
}

pub(crate) use read_methods;
pub(crate) use write_methods;

use std::io::{self, Read};

/// How much a `read_all` asks for at a time.
const PIECE: usize = 16 * 1024;
/// How much a `sendall` offers at a time: about what a task may move in one poll. The system takes as much of it as it
/// has room for, and where that is a lot, taking it takes time.
pub(crate) const LARGEST_WRITE: usize = 1024 * 1024;

/// Reads once, as long as `received` has fewer than `limit` bytes; says how many came. Memory follows what really comes.
pub(crate) fn receive(mut source: impl Read, received: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    let start = received.len();
    if start == limit {
        return Ok(0);
    }
    received.resize(start + PIECE.min(limit - start), 0);
    let result = source.read(&mut received[start..]);
    received.truncate(start + *result.as_ref().unwrap_or(&0));
    result
}

pub(crate) fn ended_early(received: usize, wanted: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("the stream ended after {received} of {wanted} bytes"),
    )
}
