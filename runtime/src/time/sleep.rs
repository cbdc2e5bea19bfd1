//! Sleeping, yielding, the clock.

use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps::{self, Timer};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The kernel's clock: real time, or virtual time if the kernel was built so.
///
/// # Panics
/// Outside of a kernel.
#[track_caller]
pub fn clock() -> Instant {
    traps::now()
}

/// Sleeps for `d`, counted from the first poll; never less. `Duration::ZERO` lets others run once, as in Curio.
/// Cancel-safe: dropping it takes its timer back.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// curio::run(curio::sleep(Duration::from_millis(10)));
/// assert!(start.elapsed() >= Duration::from_millis(10));
/// ```
#[track_caller]
pub fn sleep(d: Duration) -> Sleep {
    Sleep { until: Until::After(d), timer: None, at: Location::caller() }
}

/// Sleeps until the kernel's clock shows `t`. A time in the past lets others run once.
#[track_caller]
pub fn sleep_until(t: Instant) -> Sleep {
    Sleep { until: Until::At(t), timer: None, at: Location::caller() }
}

/// Lets every other ready task run once: Curio's `schedule`, other runtimes' `yield_now`.
///
/// # Panics
/// When polled outside of a kernel.
#[doc(alias("yield_now"))]
#[track_caller]
pub fn schedule() -> Schedule {
    Schedule { yielded: false, at: Location::caller() }
}

impl Sleep {
    /// Publishes another source line than the one that made it.
    pub(crate) fn at_line(mut self, at: &'static Location<'static>) -> Sleep {
        self.at = at;
        self
    }
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    until: Until,
    timer: Option<Timer>,
    at: &'static Location<'static>,
}

#[derive(Clone, Copy)]
enum Until {
    After(Duration),
    At(Instant),
    /// Later than an `Instant` can express.
    Never,
    /// The deadline had passed when it was first polled: it only lets others run.
    Yielded,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if let Some(timer) = &mut this.timer {
            if timer.poll_fired(cx.waker()) {
                this.timer = None;
                this.until = Until::Yielded;
                return Poll::Ready(());
            }
        } else if let Until::Yielded = this.until {
            return Poll::Ready(());
        } else {
            let now = traps::now();
            let deadline = match this.until {
                Until::After(d) => now.checked_add(d),
                Until::At(t) => Some(t),
                Until::Never | Until::Yielded => None,
            };
            match deadline {
                Some(deadline) if deadline <= now => {
                    this.until = Until::Yielded;
                    cx.waker().wake_by_ref();
                }
                Some(deadline) => {
                    this.until = Until::At(deadline);
                    this.timer = Some(traps::set_timer(deadline, cx.waker()));
                }
                None => this.until = Until::Never,
            }
        }
        let resource = match this.until {
            Until::At(deadline) => Resource::Deadline(deadline),
            _ => Resource::Nothing,
        };
        traps::park(TaskState::TimeSleep, this.at, resource);
        Poll::Pending
    }
}

impl std::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

/// The future of [`schedule`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Schedule {
    yielded: bool,
    at: &'static Location<'static>,
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
        traps::require_kernel();
        traps::park(TaskState::Ready, this.at, Resource::Nothing);
        Poll::Pending
    }
}
