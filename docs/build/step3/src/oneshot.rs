//! A channel for one value: a future whose waker is called by another part of the program.
//!
//! The receiver is a future. If it is polled before the value is there, it leaves its waker in the state that both ends
//! share, and returns `Pending`. The sender puts the value there and calls the waker. Between the two, nothing happens:
//! no loop looks whether the value has come.
//!
//! The mutex makes "is the value there? no, then keep my waker" one step. Without it a sender on another thread could come
//! between the question and the waker, and the receiver would wait for ever. The waker is *called* after the mutex has been
//! released: a waker is foreign code and may do anything, even poll the receiver.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A sender and a receiver of one value, to be moved wherever they are needed: into tasks, into threads.
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let state = OneshotState { value: None, waker: None, sender: true, receiver: true };
    let state = Arc::new(Mutex::new(state));
    (Sender { state: Arc::clone(&state) }, Receiver { state })
}

/// The sender is gone and has sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Sends the value. If it is dropped without sending, the receiver gets [`Closed`].
pub struct Sender<T> {
    state: Arc<Mutex<OneshotState<T>>>,
}

/// Receives the value: a future.
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    state: Arc<Mutex<OneshotState<T>>>,
}

struct OneshotState<T> {
    value: Option<T>,
    waker: Option<Waker>,
    /// Whether the sender is there.
    sender: bool,
    /// Whether the receiver is there.
    receiver: bool,
}

impl<T> Sender<T> {
    /// Hands the value over. It never waits, so threads use it as it is.
    ///
    /// # Errors
    /// The value, if the receiver is gone.
    pub fn send(self, value: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if !state.receiver {
            return Err(value);
        }
        state.value = Some(value);
        // The receiver is woken by the drop of the sender, which follows.
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.sender = false;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let mut state = lock(&self.state);
        if let Some(value) = state.value.take() {
            return Poll::Ready(Ok(value));
        }
        if !state.sender {
            return Poll::Ready(Err(Closed));
        }
        // It may be polled by another task than before, so the latest waker replaces an earlier one.
        let replaced = state.waker.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.receiver = false;
        let left = (state.value.take(), state.waker.take());
        drop(state);
        drop(left);
    }
}

fn lock<T>(state: &Mutex<OneshotState<T>>) -> MutexGuard<'_, OneshotState<T>> {
    // Nothing above panics while it is locked, so a poisoned state is still a sound one.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
