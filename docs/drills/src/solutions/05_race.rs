//! Drill 5, a solution.

use crate::graders::race::RaceDrill;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Both futures are parts of the task that races them.
pub struct Race;

impl RaceDrill for Race {
    async fn race<T: 'static>(
        first: impl Future<Output = T> + 'static,
        second: impl Future<Output = T> + 'static,
    ) -> T {
        // They live here, so they are dropped when this returns or is dropped, and before the caller goes on.
        let (mut first, mut second) = (pin!(first), pin!(second));
        poll_fn(|cx| {
            // Both leave the waker of this task, so a wake for either comes here. It does not say for which of them, so both are
            // polled: a future has to stand being polled without having been woken.
            match first.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(output),
                Poll::Pending => second.as_mut().poll(cx),
            }
        })
        .await
    }
}
