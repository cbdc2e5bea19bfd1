//! Time limits.
//!
//! A limit is a timer beside a future, in the same task. Each poll of the task polls the future first: one that is ready when
//! its limit passes wins. Only then it asks whether the timer has fired. If so, the future is dropped, and that ends whatever
//! it was waiting for: its timers, its place in a queue. That works because every wait takes itself back when it is dropped.

use crate::traps::{self, Timer};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A time limit has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskTimeout;

/// Runs a future under a time limit, counted from the first poll. `Duration::ZERO` polls it once.
///
/// # Errors
/// [`TaskTimeout`] when the limit passed. The future has been dropped then.
pub fn timeout_after<F: Future>(d: Duration, f: F) -> TimeoutAfter<F> {
    TimeoutAfter { body: Some(Box::pin(f)), duration: d, timer: None }
}

/// The future of [`timeout_after`].
#[must_use = "futures do nothing unless awaited"]
pub struct TimeoutAfter<F> {
    body: Option<Pin<Box<F>>>,
    duration: Duration,
    timer: Option<Timer>,
}

impl<F: Future> Future for TimeoutAfter<F> {
    type Output = Result<F::Output, TaskTimeout>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let begun = traps::now();
        let body = this.body.as_mut().expect("not polled again after it was ready");
        if let Poll::Ready(value) = body.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        let timer = this.timer.get_or_insert_with(|| traps::set_timer(begun + this.duration, cx.waker()));
        if !timer.poll_fired(cx.waker()) && !this.duration.is_zero() {
            return Poll::Pending;
        }
        let body = this.body.take();
        drop(body);
        Poll::Ready(Err(TaskTimeout))
    }
}
