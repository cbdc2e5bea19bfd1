//! Any number of tasks may send on one datagram socket.
//!
//! Two tasks that write to one *stream* would mix their bytes, so the second one gets an error. A datagram is sent
//! whole or not at all, so tasks may share a socket, and each message is sent. Sending seldom has to wait; when it does,
//! the [reactor](crate::kernel::reactor) has room for one waker per direction. So the waiting tasks are kept here, in the
//! order in which they came, and the reactor gets one waker that wakes all of them. Each tries again; those for which the
//! socket is full once more keep their places.

use super::named::Named;
use super::socket::Socket;
use crate::kernel::reactor::Direction;
use crate::kernel::waker::wake_each;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

/// The tasks that wait to send on one socket.
pub(super) struct Senders {
    waiting: Arc<Waiting>,
    /// Wakes all of them.
    waker: Waker,
    next_ticket: Cell<u64>,
}

/// Wakers by ticket: in the order in which their tasks came.
#[derive(Default)]
struct Waiting(Mutex<BTreeMap<u64, Waker>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = mem::take(&mut *self.lock());
        wake_each(wakers.into_values());
    }
}

impl Senders {
    pub(super) fn new() -> Senders {
        let waiting = Arc::<Waiting>::default();
        let waker = Waker::from(Arc::clone(&waiting));
        Senders { waiting, waker, next_ticket: Cell::new(0) }
    }

    /// An operation that waits until `attempt`, which sends one message through `socket`, does something else than
    /// block.
    pub(super) fn send<'a, T, S, A>(
        &'a self,
        socket: &'a Socket<S>,
        at: &'static Location<'static>,
        attempt: A,
    ) -> SendOp<'a, S, A>
    where
        S: Named,
        A: FnMut(&S) -> io::Result<T> + Unpin,
    {
        SendOp { senders: self, socket, at, attempt, ticket: None }
    }
}

/// The future of sending one datagram.
pub(super) struct SendOp<'a, S: Named, A> {
    senders: &'a Senders,
    socket: &'a Socket<S>,
    at: &'static Location<'static>,
    attempt: A,
    /// Its place among the waiting tasks, from its first wait on.
    ticket: Option<u64>,
}

impl<S: Named, A> SendOp<'_, S, A> {
    fn wait(&mut self, waker: &Waker) {
        let next = &self.senders.next_ticket;
        let ticket = *self.ticket.get_or_insert_with(|| next.replace(next.get() + 1));
        let replaced = self.senders.waiting.lock().insert(ticket, waker.clone());
        drop(replaced);
    }

    /// Leaves the others, if it is among them. The last one takes the wait out of the reactor.
    fn leave(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut waiting = self.senders.waiting.lock();
        let waker = waiting.remove(&ticket);
        let was_last = waiting.is_empty();
        drop(waiting);
        drop(waker);
        if was_last {
            self.socket.end_shared_wait(Direction::Write);
        }
    }
}

impl<T, S: Named, A> Future for SendOp<'_, S, A>
where
    A: FnMut(&S) -> io::Result<T> + Unpin,
{
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        let mut all = Context::from_waker(&this.senders.waker);
        let sent = loop {
            if !this.socket.may_try(Direction::Write) {
                this.wait(cx.waker());
                if let Err(error) = ready!(this.socket.poll_ready(&mut all, Direction::Write, this.at)) {
                    break Err(error);
                }
            }
            ready!(crate::traps::spend(cx));
            match (this.attempt)(this.socket.source()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    this.socket.clear_ready(Direction::Write);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => break sent,
            }
        };
        this.leave();
        Poll::Ready(sent)
    }
}

impl<S: Named, A> Drop for SendOp<'_, S, A> {
    fn drop(&mut self) {
        self.leave();
    }
}
