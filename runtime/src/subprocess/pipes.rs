//! The standard streams of a child process.

use crate::kernel::reactor::Direction;
use crate::net::socket::{Attempt, Socket};
use crate::net::stream::read_methods;
use crate::traps;
use crate::traps::at_caller::at_caller;
use mio::unix::pipe;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::panic::Location;
use std::pin::Pin;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::task::{Context, Poll, ready};

/// What a child writes: its standard output or standard error.
///
/// [`io::Stream`](crate::io::Stream) reads lines from it.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::subprocess::Popen;
/// use std::process::{Command, Stdio};
///
/// curio::run(async {
///     let mut sort = Popen::new(Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()))?;
///     let mut input = sort.stdin.take().expect("it is piped");
///     let output = sort.stdout.take().expect("it is piped");
///     input.sendall(b"pear\napple\n").await?;
///     input.close(); // `sort` needs all of it
///
///     let mut first = [0; 5];
///     let length = output.recv(&mut first).await?; // what has come, perhaps less than there is room for
///     let rest = output.read_all().await?;
///     assert_eq!([&first[..length], &rest].concat(), b"apple\npear\n");
///     assert!(sort.wait().await?.success());
///     Ok(())
/// })
/// # }
/// ```
pub struct PipeReader {
    socket: Socket<pipe::Receiver>,
}

/// A child's standard input. Dropping it, or closing it, ends that input. [`PipeReader`] has an example.
pub struct PipeWriter {
    /// Gone when it was closed.
    socket: Option<Socket<pipe::Sender>>,
}

read_methods!(PipeReader);

impl PipeReader {
    #[track_caller]
    pub(super) fn of_output(output: ChildStdout) -> io::Result<PipeReader> {
        PipeReader::new(output.into())
    }

    #[track_caller]
    pub(super) fn of_errors(errors: ChildStderr) -> io::Result<PipeReader> {
        PipeReader::new(errors.into())
    }

    #[track_caller]
    fn new(receiver: pipe::Receiver) -> io::Result<PipeReader> {
        // Only this end: the child's own is a file of its own and goes on blocking, as programs expect.
        receiver.set_nonblocking(true)?;
        Ok(PipeReader { socket: Socket::holding_clock(receiver)? })
    }

    fn socket(&self) -> &Socket<pipe::Receiver> {
        &self.socket
    }
}

impl PipeWriter {
    #[track_caller]
    pub(super) fn of_input(input: ChildStdin) -> io::Result<PipeWriter> {
        let sender = pipe::Sender::from(input);
        sender.set_nonblocking(true)?;
        Ok(PipeWriter { socket: Some(Socket::holding_clock(sender)?) })
    }

    /// Sends all of `data`. If it is dropped before it is done, some may have been sent and some not.
    ///
    /// # Errors
    /// `BrokenPipe` if the child reads no more, or this end was closed.
    #[track_caller]
    pub fn sendall<'a>(&'a mut self, data: &'a [u8]) -> impl Future<Output = io::Result<()>> + use<'a> {
        let at = Location::caller();
        let mut rest = data;
        let sending = poll_fn(move |cx| {
            if data.is_empty() {
                ready!(traps::spend(cx));
            }
            while !rest.is_empty() {
                let sent = ready!(self.poll_send(cx, rest, at))?;
                rest = &rest[sent..];
            }
            Poll::Ready(Ok(()))
        });
        at_caller(at, sending)
    }

    /// The same as [`sendall`](Self::sendall), of which [`PipeReader`] has an example.
    #[track_caller]
    pub fn write_all<'a>(&'a mut self, data: &'a [u8]) -> impl Future<Output = io::Result<()>> + use<'a> {
        self.sendall(data)
    }

    /// Ends the child's input.
    pub fn close(&mut self) {
        self.socket = None;
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        at: &'static Location<'static>,
    ) -> Poll<io::Result<usize>> {
        match &self.socket {
            Some(socket) => {
                socket.poll_op(cx, Direction::Write, at, |mut pipe| pipe.write(data).map(Attempt::written))
            }
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl futures_io::AsyncWrite for PipeWriter {
    #[track_caller]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return traps::spend(cx).map(|()| Ok(0));
        }
        let at = Location::caller();
        self.get_mut().poll_send(cx, data, at)
    }

    /// There is no buffer here: this does nothing.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends the child's input.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().close();
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeReader").field(self.socket.source()).finish()
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeWriter").field(&self.socket.as_ref().map(Socket::source)).finish()
    }
}
