//! A registered socket, and how operations on it wait.

use super::named::Named;
use crate::kernel::reactor::{Direction, SocketKind};
use crate::traps::{self, Registration, SocketWait};
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A socket of mio's that is registered with its kernel's reactor for its whole life.
pub(crate) struct Socket<S: Named> {
    source: S,
    registration: Registration,
}

impl<S: Named> Socket<S> {
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

    /// `socket 127.0.0.1:80 (from 127.0.0.1:41234, fd 9), read`
    fn describe(&self, direction: Direction) -> String {
        let direction = match direction {
            Direction::Read => "read",
            Direction::Write => "write",
        };
        match self.registration.signal() {
            Some(signal) => format!("signal {signal}"),
            None => format!("{}, {direction}", self.source.name()),
        }
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// The same, of one that others may have used before: there may be something to read in it.
    pub(crate) fn used_before(self) -> Socket<S> {
        self.registration.set_readable();
        self
    }

    /// Says that a system call would block: after one did, or for a socket that was made a moment ago and is
    /// connecting.
    pub(crate) fn clear_ready(&self, direction: Direction) {
        self.registration.clear_ready(direction, true);
    }

    /// Whether a connecting socket that has become writable is known to be connected; otherwise it has to be asked.
    pub(super) fn is_connected(&self) -> bool {
        self.registration.is_connected()
    }

    /// Whether a system call may be tried right away: nothing says that it would block, and nothing waits for it.
    pub(super) fn may_try(&self, direction: Direction) -> bool {
        self.registration.may_try(direction)
    }

    /// Ready when a system call is worth trying. Otherwise the waker is kept, and the next call replaces it.
    pub(super) fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        at: &'static Location<'static>,
    ) -> Poll<io::Result<()>> {
        let mut wait = SocketWait::shared(&self.registration, direction, at);
        let polled = wait.poll_ready(cx, &|| self.describe(direction));
        wait.leave();
        polled
    }

    /// Removes the waker that [`poll_ready`](Self::poll_ready) has left.
    pub(super) fn end_shared_wait(&self, direction: Direction) {
        // The location is only looked at by a wait that is polled.
        drop(SocketWait::shared(&self.registration, direction, Location::caller()));
    }

    /// Whether the kernel that runs here is the one that watches it.
    pub(crate) fn is_watched_here(&self) -> bool {
        self.registration.is_watched_here()
    }

    /// Whether nothing has been received. `peek` reads without consuming, and is only called if there may be something.
    pub(crate) fn is_quiet(&self, peek: impl FnOnce(&S) -> io::Result<usize>) -> bool {
        if !self.is_watched_here() {
            // Of another kernel, which may be gone: nothing can be awaited on it.
            return false;
        }
        !self.registration.may_try(Direction::Read) || self.is_quiet_now(peek)
    }

    /// [`is_quiet`](Self::is_quiet), but `peek` is always called: readiness is only as recent as the kernel's last poll for
    /// events. If something has been received, the direction is marked as ready for the next read.
    pub(crate) fn is_quiet_now(&self, peek: impl FnOnce(&S) -> io::Result<usize>) -> bool {
        if !self.registration.is_watched_here() {
            return false;
        }
        let quiet = matches!(peek(&self.source), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if quiet {
            self.registration.clear_ready(Direction::Read, true);
        } else {
            self.registration.set_readable();
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
        let wait = SocketWait::new(&self.registration, direction, at);
        Op { socket: self, wait, direction, attempt, needs_readiness: true }
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
            // The waker stays in the reactor: the next poll of the same stream replaces it.
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
            ready!(wait.poll_ready(cx, &|| self.describe(direction)))?;
            ready!(traps::spend(cx));
            self.registration.count_call();
            match attempt(&self.source) {
                Ok(Attempt { outcome, bytes, more_likely }) => {
                    traps::spend_bytes(bytes);
                    if !more_likely {
                        self.registration.clear_ready(direction, false);
                    }
                    match outcome {
                        Some(value) => return Poll::Ready(Ok(value)),
                        // Other tasks may run before the next call, and must not use this direction in between.
                        None => wait.keep_place(),
                    }
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

impl<S: Named> Drop for Socket<S> {
    fn drop(&mut self) {
        self.registration.deregister(&mut self.source);
    }
}

/// The outcome of a system call that did not block.
pub(crate) struct Attempt<T> {
    /// The operation's result; `None` if it needs more calls.
    outcome: Option<T>,
    /// How many bytes were moved, for the budget of the poll.
    bytes: usize,
    /// Whether the next call may succeed as well; false after a short read.
    more_likely: bool,
}

impl<T> Attempt<T> {
    pub(crate) fn full(outcome: T) -> Attempt<T> {
        Attempt { outcome: Some(outcome), bytes: 0, more_likely: true }
    }

    /// One of several calls. With an outcome it was the last.
    pub(crate) fn step(bytes: usize, outcome: Option<T>) -> Attempt<T> {
        Attempt { outcome, bytes, more_likely: true }
    }
}

impl Attempt<usize> {
    /// A read of `count` bytes into a buffer with room for `room`.
    pub(crate) fn read(count: usize, room: usize) -> Attempt<usize> {
        Attempt { outcome: Some(count), bytes: count, more_likely: count == room || count == 0 }
    }

    pub(crate) fn written(count: usize) -> Attempt<usize> {
        Attempt::step(count, Some(count))
    }
}

/// The future of every socket operation.
pub(crate) struct Op<'a, S: Named, A> {
    socket: &'a Socket<S>,
    wait: SocketWait<'a>,
    direction: Direction,
    attempt: A,
    needs_readiness: bool,
}

impl<S: Named, A> Op<'_, S, A> {
    /// An operation on no bytes has nothing to wait for, and its `attempt` makes no system call: it is made at once.
    pub(crate) fn at_once_if(mut self, no_bytes: bool) -> Self {
        self.needs_readiness = !no_bytes;
        self
    }
}

impl<T, S: Named, A> Future for Op<'_, S, A>
where
    A: FnMut(&S) -> io::Result<Attempt<T>> + Unpin,
{
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        if !this.needs_readiness {
            ready!(traps::spend(cx));
            let done = (this.attempt)(&this.socket.source)?.outcome;
            return Poll::Ready(Ok(done.expect("what moves no bytes is done at once")));
        }
        this.socket.poll_attempt(cx, this.direction, &mut this.wait, &mut this.attempt)
    }
}
