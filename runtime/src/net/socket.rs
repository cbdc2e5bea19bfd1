//! A registered socket and the one way in which anything waits for it.

use crate::kernel::reactor::{Direction, SocketKind};
use crate::traps::{self, Registration, SocketWait};
use mio::event::Source;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A socket of mio's, in its kernel's reactor from the first moment to the last.
pub(crate) struct Socket<S: Source> {
    source: S,
    registration: Registration,
}

impl<S: Source> Socket<S> {
    /// # Errors
    /// The operating system refuses to watch it.
    #[track_caller]
    pub(crate) fn new(source: S) -> io::Result<Socket<S>> {
        Socket::of_kind(source, SocketKind::Other)
    }

    /// One whose waits are for another process: they hold a virtual clock.
    ///
    /// # Errors
    /// The operating system refuses to watch it.
    #[cfg(all(unix, feature = "signals"))]
    #[track_caller]
    pub(crate) fn holding_clock(source: S) -> io::Result<Socket<S>> {
        Socket::of_kind(source, SocketKind::ProcessPipe)
    }

    /// # Errors
    /// The operating system refuses to watch it.
    #[track_caller]
    pub(crate) fn of_kind(mut source: S, kind: SocketKind) -> io::Result<Socket<S>> {
        let registration = traps::register(&mut source, kind)?;
        Ok(Socket { source, registration })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// The same, of one that others may have used before: there may be something to read in it.
    pub(crate) fn used_before(self) -> Socket<S> {
        self.registration.set_readable();
        self
    }

    /// Says that the socket is not writable yet: it was made a moment ago and is connecting.
    pub(crate) fn clear_write(&self) {
        self.registration.clear_ready(Direction::Write, true);
    }

    /// Whether nothing has come in. `peek` looks without taking, and is only called if there may be something.
    pub(crate) fn is_quiet(&self, peek: impl FnOnce(&S) -> io::Result<usize>) -> bool {
        if !self.registration.is_watched_here() {
            // Of another kernel, which may be gone: nothing can be awaited on it.
            return false;
        }
        if !self.registration.may_try(Direction::Read) {
            return true;
        }
        let quiet = matches!(peek(&self.source), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if quiet {
            self.registration.clear_ready(Direction::Read, true);
        }
        quiet
    }

    /// An operation that waits until `attempt` does something else than block.
    pub(crate) fn op<T, A>(
        &self,
        direction: Direction,
        at: &'static Location<'static>,
        attempt: A,
    ) -> Op<'_, S, A>
    where
        A: FnMut(&S) -> io::Result<Attempt<T>> + Unpin,
    {
        Op { socket: self, wait: SocketWait::new(&self.registration, direction, at), direction, attempt }
    }

    /// The same for the `poll_…` functions of `futures_io`, which keep no state between two calls.
    pub(crate) fn poll_op<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        at: &'static Location<'static>,
        mut attempt: impl FnMut(&S) -> io::Result<Attempt<T>>,
    ) -> Poll<io::Result<T>> {
        let mut wait = SocketWait::shared(&self.registration, direction, at);
        let polled = self.poll_attempt(cx, direction, &mut wait, &mut attempt);
        if polled.is_pending() {
            // The waker stays behind: the next poll of the same stream finds it there.
            wait.leave();
        }
        polled
    }

    fn poll_attempt<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        wait: &mut SocketWait<'_>,
        attempt: &mut impl FnMut(&S) -> io::Result<Attempt<T>>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(wait.poll_ready(cx))?;
            ready!(traps::spend(cx));
            match attempt(&self.source) {
                Ok(Attempt { value, more_likely }) => {
                    if !more_likely {
                        self.registration.clear_ready(direction, false);
                    }
                    return Poll::Ready(Ok(value));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.registration.clear_ready(direction, true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        self.registration.deregister(&mut self.source);
    }
}

/// A system call that went through.
pub(crate) struct Attempt<T> {
    pub(crate) value: T,
    /// Whether the next one may go through as well; false after a short read.
    pub(crate) more_likely: bool,
}

impl<T> Attempt<T> {
    pub(crate) fn full(value: T) -> Attempt<T> {
        Attempt { value, more_likely: true }
    }
}

/// The future of every socket operation.
pub(crate) struct Op<'a, S: Source, A> {
    socket: &'a Socket<S>,
    wait: SocketWait<'a>,
    direction: Direction,
    attempt: A,
}

impl<T, S: Source, A> Future for Op<'_, S, A>
where
    A: FnMut(&S) -> io::Result<Attempt<T>> + Unpin,
{
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        this.socket.poll_attempt(cx, this.direction, &mut this.wait, &mut this.attempt)
    }
}
