//! An event: a flag that many can wait for.

use super::blocking;
use super::wait_queue::{Ticket, WaitQueue, WaitState, Wakes};
use crate::table::Resource;
use crate::task_info::TaskState;
use crate::traps;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// A flag that tasks and threads wait for. Setting it lets all of them go on.
///
/// ```
/// static STARTED: curio::Event = curio::Event::new();
///
/// curio::run(async {
///     let waiting = curio::spawn(async { STARTED.wait().await });
///     curio::schedule().await;
///     STARTED.set();
///     waiting.join().await.unwrap();
/// });
/// ```
#[derive(Default)]
pub struct Event {
    state: Mutex<State>,
}

struct State {
    set: bool,
    waiting: WaitQueue<()>,
}

impl Default for State {
    fn default() -> State {
        State::new()
    }
}

impl State {
    const fn new() -> State {
        State { set: false, waiting: WaitQueue::new() }
    }
}

impl Event {
    /// An event that is not set.
    pub const fn new() -> Event {
        Event { state: Mutex::new(State::new()) }
    }

    /// Sets the flag and wakes everybody who waits, in the order in which they came. O(waiters).
    pub fn set(&self) {
        let mut wakes = Wakes::default();
        let mut state = self.lock();
        state.set = true;
        while let Some((_, _, waker)) = state.waiting.grant_front() {
            wakes.add(waker);
        }
        drop(state);
        wakes.wake();
    }

    /// Clears the flag. Whoever was woken by `set` goes on all the same.
    pub fn clear(&self) {
        self.lock().set = false;
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.lock().set
    }

    /// Waits until the flag is set; goes on without yielding if it is. Cancel-safe.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, ticket: None, at: Location::caller() }
    }

    /// [`wait`](Self::wait) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn wait_blocking(&self) {
        blocking::wait(self.wait());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}

/// The future of [`Event::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut state = this.event.lock();
        let replaced = match this.ticket {
            Some(ticket) if state.waiting.state(ticket) == WaitState::Granted => {
                state.waiting.leave(ticket);
                this.ticket = None;
                return Poll::Ready(());
            }
            Some(ticket) => state.waiting.renew(ticket, cx.waker(), None),
            None if state.set => return Poll::Ready(()),
            None => {
                this.ticket = Some(state.waiting.enter((), cx.waker(), None));
                None
            }
        };
        drop(state);
        drop(replaced);
        traps::park(TaskState::EventWait, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let left = self.event.lock().waiting.leave(ticket);
            drop(left.waker);
        }
    }
}
