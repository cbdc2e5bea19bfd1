//! A channel that holds the latest value only.

use super::blocking;
use super::locked::Locked;
use super::wait_set::{HasWaitSet, SetWait, WaitSet};
use crate::error::Closed;
use crate::task::info::TaskState;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A sender that changes a value, and a receiver that watches it. A receiver that is slow misses the values in between,
/// and sees the latest.
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
    let state = WatchState { value: init, version: 0, senders: 1, waiting: WaitSet::new() };
    let state = Arc::new(Locked::new(state));
    (Sender { state: Arc::clone(&state) }, Receiver { state, seen: 0 })
}

/// Changes the value of a [`watch`](crate::watch()). When the last sender is dropped, waits for changes return [`Closed`].
///
/// ```
/// let (level, _) = curio::watch(0);
/// let mut watcher = level.subscribe();
/// let thread = std::thread::spawn(move || {
///     watcher.changed_blocking().unwrap();
///     watcher.get()
/// });
/// level.send(3);
/// assert_eq!(thread.join().unwrap(), 3);
/// ```
pub struct Sender<T> {
    state: Arc<Locked<WatchState<T>>>,
}

/// Watches the value of a [`watch`](crate::watch()), as a task or, as with the [`Sender`] there, as a thread. A clone has
/// seen what the original has seen.
pub struct Receiver<T> {
    state: Arc<Locked<WatchState<T>>>,
    seen: u64,
}

struct WatchState<T> {
    value: T,
    /// How often it has been changed.
    version: u64,
    senders: usize,
    waiting: WaitSet,
}

impl<T> HasWaitSet for WatchState<T> {
    fn wait_set(&mut self) -> &mut WaitSet {
        &mut self.waiting
    }
}

impl<T> Sender<T> {
    /// Changes the value and wakes every receiver that waits for a change. It never waits, so threads use it as it is.
    /// It may be called when there is no receiver: one that subscribes later sees the value.
    pub fn send(&self, value: T) {
        let replaced = self.state.with(|state, wakers| {
            state.version += 1;
            state.waiting.release_all(wakers);
            mem::replace(&mut state.value, value)
        });
        drop(replaced);
    }

    /// Another receiver. It has seen the current value: `changed` waits for the next.
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = self.state.peek(|state| state.version);
        Receiver { state: Arc::clone(&self.state), seen }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.state.peek(|state| state.senders += 1);
        Sender { state: Arc::clone(&self.state) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.state.with(|state, wakers| {
            state.senders -= 1;
            if state.senders == 0 {
                state.waiting.release_all(wakers);
            }
        });
    }
}

impl<T> Receiver<T> {
    /// Waits until there is a value that this receiver has not seen; goes on at once if there is one. Several changes
    /// count as one. Cancel-safe: a dropped wait leaves the change to the next.
    ///
    /// # Errors
    /// [`Closed`] when all senders are gone and the last value has been seen. [`get`](Self::get) still returns it.
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        let wait = SetWait::new(&*self.state, TaskState::EventWait, Location::caller());
        Changed { seen: &mut self.seen, wait }
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

    /// A copy of the value as it is now. It does not count as seen.
    ///
    /// The copy is made while the value is locked: a `clone` of yours must not use this same channel.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.state.peek(|state| state.value.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver { state: Arc::clone(&self.state), seen: self.seen }
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

/// The future of [`changed`](Receiver::changed), of a [`Receiver`] of a [`watch`](crate::watch()).
#[must_use = "futures do nothing unless awaited"]
pub struct Changed<'a, T> {
    seen: &'a mut u64,
    wait: SetWait<'a, Locked<WatchState<T>>>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Changed { seen, wait } = self.get_mut();
        wait.poll(cx, |state, _, _| {
            if state.version != **seen {
                **seen = state.version;
                return Some(Ok(()));
            }
            (state.senders == 0).then_some(Err(Closed(())))
        })
    }
}
