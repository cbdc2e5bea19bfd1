//! A channel that holds the latest value only.

use super::blocking;
use super::wait_queue::{Ticket, Wakes};
use super::wait_set::WaitSet;
use crate::error::Closed;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// A value that some change and others watch. Who looks away misses what was in between, and sees the latest.
///
/// ```
/// curio::run(async {
///     let (sender, mut receiver) = curio::watch("starting");
///     let watching = curio::spawn(async move {
///         receiver.changed().await.unwrap();
///         receiver.get()
///     });
///     sender.send("running");
///     assert_eq!(watching.join().await.unwrap(), "running");
/// });
/// ```
pub fn watch<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let state = State { value: init, version: 0, senders: 1, waiting: WaitSet::new() };
    let shared = Arc::new(Shared(Mutex::new(state)));
    (Sender { shared: Arc::clone(&shared) }, Receiver { shared, seen: 0 })
}

/// Changes the value. When the last sender is dropped, those who wait for changes are told so.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// Watches the value. A clone has seen what the original has seen.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    value: T,
    /// How often it has been changed.
    version: u64,
    senders: usize,
    waiting: WaitSet,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sender<T> {
    /// Changes the value and wakes everybody who waits for a change. It never waits, so threads use it as it is.
    /// It may be called when there is no receiver: one that subscribes later sees the value.
    pub fn send(&self, value: T) {
        let mut wakes = Wakes::default();
        let mut state = self.shared.lock();
        let replaced = mem::replace(&mut state.value, value);
        state.version += 1;
        state.waiting.release_all(&mut wakes);
        drop(state);
        wakes.wake();
        drop(replaced);
    }

    /// Another receiver. It has seen the current value: `changed` waits for the next.
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = self.shared.lock().version;
        Receiver { shared: Arc::clone(&self.shared), seen }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.lock().senders += 1;
        Sender { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut wakes = Wakes::default();
        let mut state = self.shared.lock();
        state.senders -= 1;
        if state.senders == 0 {
            state.waiting.release_all(&mut wakes);
        }
        drop(state);
        wakes.wake();
    }
}

impl<T> Receiver<T> {
    /// Waits until there is a value that this receiver has not been told of; goes on at once if there is one.
    /// Several changes count as one. Cancel-safe: a dropped wait leaves the change to the next.
    ///
    /// # Errors
    /// [`Closed`] when all senders are gone and the last value has been told of. It can still be had.
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        Changed { receiver: self, ticket: None, at: Location::caller() }
    }

    /// [`changed`](Self::changed) for a thread.
    ///
    /// # Errors
    /// As `changed`.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn changed_blocking(&mut self) -> Result<(), Closed> {
        blocking::wait(self.changed())
    }

    /// A copy of the value as it is now. It does not count as having been told of it.
    ///
    /// The copy is made while the value is locked: a `clone` of yours must not use this same channel.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.shared.lock().value.clone()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver { shared: Arc::clone(&self.shared), seen: self.seen }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("watch::Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("watch::Receiver").finish_non_exhaustive()
    }
}

/// The future of [`Receiver::changed`].
#[must_use = "futures do nothing unless awaited"]
pub struct Changed<'a, T> {
    receiver: &'a mut Receiver<T>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut state = this.receiver.shared.lock();
        state.waiting.released(&mut this.ticket);
        if state.version != this.receiver.seen {
            this.receiver.seen = state.version;
            return Poll::Ready(Ok(()));
        }
        if state.senders == 0 {
            return Poll::Ready(Err(Closed(())));
        }
        let replaced = state.waiting.wait(&mut this.ticket, cx);
        drop(state);
        drop(replaced);
        traps::park(TaskState::EventWait, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.receiver.shared.lock().waiting.leave(&mut self.ticket);
            drop(left);
        }
    }
}
