//! Blocking work on a thread of its own, awaited like anything else.
//!
//! The thread sends its result through the oneshot channel, and that wakes whatever polls the receiver: the first wake that
//! comes from another thread. If the work panics, the sender is dropped while the thread unwinds, so the receiver is told.

use crate::oneshot::{Closed, oneshot};
use std::thread;

/// Runs `work` on a new thread, from the first poll on, and waits for what it returns.
///
/// If this future is dropped, the thread runs on and its result is lost.
///
/// # Errors
/// [`Closed`] if `work` panics.
pub async fn run_in_thread<T, W>(work: W) -> Result<T, Closed>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let (sender, receiver) = oneshot();
    thread::spawn(move || {
        // An error means that the receiver is gone: then nothing waits for the result.
        let _ = sender.send(work());
    });
    receiver.await
}
