//! The smallest future that waits: it lets everything else have its turn once.
//!
//! A future is a value with one method, `poll`. It answers `Ready` with its result, or `Pending`. Nothing in the language
//! calls `poll` for you, and nothing calls it again after `Pending` unless the future has arranged for that: before it
//! returns `Pending`, it must see to it that the waker in its context is called when another poll is worth while.
//!
//! `Schedule` has nothing to wait for. So it calls the waker itself, at once: "poll me again, but the others first".

use std::pin::Pin;
use std::task::{Context, Poll};

/// Lets every other ready task run once.
pub fn schedule() -> Schedule {
    Schedule { yielded: false }
}

/// The future of [`schedule`].
#[must_use = "futures do nothing unless awaited"]
pub struct Schedule {
    yielded: bool,
}

impl Future for Schedule {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.yielded {
            return Poll::Ready(());
        }
        this.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
