//! A wait set: the waits for one event. Nothing is handed over, so all of them are released at once, and a wait that is
//! dropped has nothing to pass on.
//!
//! [`SetWait`] is the future under `Event::wait`, `Barrier::wait`, `ResultCell::unwrap`, `Queue::join` and the
//! receivers of `watch` and `broadcast`. They differ in one question, asked under the mutex at every poll: is it time
//! to go on?

use super::locked::{Locked, Wakers};
use super::wait_queue::{Ticket, WaitQueue, WaitState};
use crate::kernel::grants::Grantee;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::panic::Location;
use std::task::{Context, Poll, ready};

pub(super) struct WaitSet(WaitQueue);

impl WaitSet {
    pub(super) const fn new() -> WaitSet {
        WaitSet(WaitQueue::new())
    }

    /// Releases all waits, in the order in which they came. O(waiters).
    pub(super) fn release_all(&mut self, wakers: &mut Wakers) {
        while self.0.dismiss_front(wakers) {}
    }

    /// Takes out a wait that has been released.
    fn take_released(&mut self, ticket: &mut Option<Ticket>, wakers: &mut Wakers) -> bool {
        let released = ticket.take_if(|ticket| self.0.state(*ticket) == WaitState::Dismissed);
        released.is_some_and(|ticket| self.0.leave(ticket, wakers).0 == WaitState::Dismissed)
    }

    /// Waits, or waits on with another waker.
    fn wait(&mut self, ticket: &mut Option<Ticket>, cx: &Context<'_>, wakers: &mut Wakers) {
        match *ticket {
            Some(ticket) => self.0.renew(ticket, cx.waker(), Grantee::set_thread, wakers),
            None => *ticket = Some(self.0.enter(1, cx.waker(), Grantee::set_thread)),
        }
    }
}

/// State with a wait set in it, behind a mutex.
pub(super) trait Awaited {
    type State;
    fn with<R>(&self, change: impl FnOnce(&mut Self::State, &mut Wakers) -> R) -> R;
    fn wait_set(state: &mut Self::State) -> &mut WaitSet;
    /// A wait is dropped that was not released.
    fn given_up(_state: &mut Self::State) {}
    /// What is waited for, in words. Empty: that is clear from the kind of wait.
    fn describe(&self) -> String {
        String::new()
    }
}

/// [`Awaited`], for state in a plain [`Locked`].
pub(super) trait HasWaitSet {
    fn wait_set(&mut self) -> &mut WaitSet;
    fn given_up(&mut self) {}
}

impl<S: HasWaitSet> Awaited for Locked<S> {
    type State = S;

    fn with<R>(&self, change: impl FnOnce(&mut S, &mut Wakers) -> R) -> R {
        Locked::with(self, change)
    }

    fn wait_set(state: &mut S) -> &mut WaitSet {
        state.wait_set()
    }

    fn given_up(state: &mut S) {
        state.given_up();
    }
}

/// One wait in a wait set.
pub(super) struct SetWait<'a, A: Awaited> {
    awaited: &'a A,
    ticket: Option<Ticket>,
    state: TaskState,
    at: &'static Location<'static>,
}

/// How far a wait has come when it is polled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is not in the set yet: this is its first poll.
    Arriving,
    Waiting,
    /// It was let go on, and is no longer in the set.
    Released,
}

impl<'a, A: Awaited> SetWait<'a, A> {
    pub(super) fn new(awaited: &'a A, state: TaskState, at: &'static Location<'static>) -> SetWait<'a, A> {
        SetWait { awaited, ticket: None, state, at }
    }

    /// Waits until `goes_on` returns something. It is called with the mutex locked.
    pub(super) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        goes_on: impl FnOnce(&mut A::State, Progress, &mut Wakers) -> Option<R>,
    ) -> Poll<R> {
        if self.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let result = self.awaited.with(|state, wakers| {
            let progress = if self.ticket.is_none() {
                Progress::Arriving
            } else if A::wait_set(state).take_released(&mut self.ticket, wakers) {
                Progress::Released
            } else {
                Progress::Waiting
            };
            let result = goes_on(state, progress, wakers);
            if result.is_none() {
                A::wait_set(state).wait(&mut self.ticket, cx, wakers);
            }
            result
        });
        if let Some(result) = result {
            return Poll::Ready(result);
        }
        traps::park_for(self.state, self.at, Resource::Nothing, &|| self.awaited.describe());
        Poll::Pending
    }
}

impl<A: Awaited> Drop for SetWait<'_, A> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.awaited.with(|state, wakers| {
                if A::wait_set(state).0.leave(ticket, wakers).0 == WaitState::Waiting {
                    A::given_up(state);
                }
            });
        }
    }
}
