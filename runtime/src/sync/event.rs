//! An event: a flag that tasks and threads wait for.

use super::blocking;
use super::locked::Locked;
use super::wait_set::{HasWaitSet, Progress, SetWait, WaitSet};
use crate::task::info::TaskState;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A flag that tasks and threads wait for. Setting it releases all of them.
///
/// ```
/// use std::time::Duration;
///
/// static STARTED: curio::Event = curio::Event::new();
///
/// async fn client() {
///     STARTED.wait().await;
/// }
///
/// curio::testing::run(async {
///     let clients = [curio::spawn(client()), curio::spawn(client())];
///     curio::sleep(Duration::from_secs(2)).await; // starting takes two seconds
///     STARTED.set();
///     for client in clients {
///         client.join().await.unwrap();
///     }
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #2 client  RUN        cycle 1
/// [t=0.000s] #2 client  SUSPEND    EVENT_WAIT
/// [t=0.000s] #3 client  RUN        cycle 1
/// [t=0.000s] #3 client  SUSPEND    EVENT_WAIT
/// [t=0.000s] IDLE
/// [t=2.000s] #1 main  WAKE       by a timer due at t=2.000s
/// [t=2.000s] #1 main  RUN        cycle 2
/// [t=2.000s] #2 client  WAKE       by #1
/// [t=2.000s] #3 client  WAKE       by #1
/// [t=2.000s] #1 main  SUSPEND    TASK_JOIN
/// [t=2.000s] #2 client  RUN        cycle 2
/// [t=2.000s] #2 client  END        TERMINATED
/// …
/// ```
///
/// Threads that run no kernel wait for it, too:
///
/// ```
/// let ready = curio::Event::new();
/// std::thread::scope(|threads| {
///     threads.spawn(|| ready.set());
///     ready.wait_blocking();
/// });
/// assert!(ready.is_set()); // it stays so, and further waits go on at once
/// ready.clear();
/// assert!(!ready.is_set());
/// ```
#[doc(alias("Notify"))]
pub struct Event {
    state: Locked<EventState>,
}

struct EventState {
    set: bool,
    waiting: WaitSet,
}

impl HasWaitSet for EventState {
    fn wait_set(&mut self) -> &mut WaitSet {
        &mut self.waiting
    }
}

impl Event {
    /// An event that is not set.
    pub const fn new() -> Event {
        Event { state: Locked::new(EventState { set: false, waiting: WaitSet::new() }) }
    }

    /// Sets the flag and wakes every waiter, in the order in which they came. O(waiters).
    pub fn set(&self) {
        self.state.with(|state, wakers| {
            state.set = true;
            state.waiting.release_all(wakers);
        });
    }

    /// Clears the flag. Waiters that `set` has released go on all the same.
    pub fn clear(&self) {
        self.state.peek(|state| state.set = false);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.state.peek(|state| state.set)
    }

    /// Waits until the flag is set; goes on without yielding if it is. Cancel-safe: there is nothing to
    /// lose.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait(SetWait::new(&self.state, TaskState::EventWait, Location::caller()))
    }

    /// [`wait`](Self::wait) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn wait_blocking(&self) {
        blocking::wait(self.wait());
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

/// The future of [`wait`](Event::wait), of an [`Event`].
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a>(SetWait<'a, Locked<EventState>>);

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut()
            .0
            .poll(cx, |state, progress, _| (progress == Progress::Released || state.set).then_some(()))
    }
}
