//! Sleeping, and the clock.
//!
//! A sleep asks for the time once, at its first poll, to find its deadline. After that it asks only whether its timer has
//! fired. A future that looked at the clock at each poll would have to be polled all the time to notice anything.

use crate::traps::{self, Timer};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The kernel's clock: real time, or virtual time.
///
/// # Panics
/// Outside of a kernel.
pub fn clock() -> Instant {
    traps::now()
}

/// Sleeps for `d`, counted from the first poll; never less. `Duration::ZERO` lets others run once.
///
/// Dropping it takes its timer back.
///
/// # Panics
/// When polled outside of a kernel, or if the deadline is later than an `Instant` can express.
pub fn sleep(d: Duration) -> Sleep {
    Sleep { duration: d, timer: None }
}

/// The future of [`sleep`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    duration: Duration,
    timer: Option<Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        match &this.timer {
            Some(timer) if timer.poll_fired(cx.waker()) => return Poll::Ready(()),
            Some(_) => {}
            None => this.timer = Some(traps::set_timer(traps::now() + this.duration, cx.waker())),
        }
        Poll::Pending
    }
}
