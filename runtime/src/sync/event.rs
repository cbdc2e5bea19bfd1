//! An event: a flag that many can wait for.

use super::blocking;
use super::wait_queue::{Ticket, Wakes};
use super::wait_set::WaitSet;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
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
#[doc(alias("Notify"))]
pub struct Event {
    state: Mutex<State>,
}

struct State {
    set: bool,
    waiting: WaitSet,
}

impl Event {
    /// An event that is not set.
    pub const fn new() -> Event {
        Event { state: Mutex::new(State { set: false, waiting: WaitSet::new() }) }
    }

    /// Sets the flag and wakes everybody who waits, in the order in which they came. O(waiters).
    pub fn set(&self) {
        let mut wakes = Wakes::default();
        let mut state = self.lock();
        state.set = true;
        state.waiting.release_all(&mut wakes);
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

impl Default for Event {
    fn default() -> Event {
        Event::new()
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
        if state.waiting.released(&mut this.ticket) || state.set {
            return Poll::Ready(());
        }
        let replaced = state.waiting.wait(&mut this.ticket, cx);
        drop(state);
        drop(replaced);
        traps::park(TaskState::EventWait, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.event.lock().waiting.leave(&mut self.ticket);
            drop(left);
        }
    }
}
