//! Polling by hand, for checks that drop a wait at an exact moment, and bringing the other tasks to a standstill.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// Polls a future once, with the waker of the calling task.
pub(super) async fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Returns when every other task has run as far as it can, and waits: a virtual clock moves only then.
///
/// `curio::schedule` would not do: with a seed, the calling task may go on before a task that was spawned has run at all.
pub(super) async fn all_others_wait() {
    curio::sleep(Duration::from_millis(1)).await;
}
