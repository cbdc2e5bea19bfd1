//! Sleeping, yielding, the clock.

use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps::{self, EndlessSleep, Timer};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The kernel's clock: real time, or virtual time if the kernel was built so.
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let start = curio::clock();
///     curio::sleep(Duration::from_secs(5)).await;
///     assert_eq!(curio::clock() - start, Duration::from_secs(5)); // exactly, as the clock is virtual
/// });
/// ```
#[track_caller]
pub fn clock() -> Instant {
    traps::now()
}

/// Sleeps for `d`, counted from the first poll; never less. `Duration::ZERO` lets others run once, as in Curio.
/// `Duration::MAX` never ends, as nothing that is more than five centuries away does: it is how a program waits for Ctrl-C
/// and for nothing else. Where the kernel does not
/// [listen to Ctrl-C](crate::KernelBuilder::ctrl_c) and nothing else can happen, that is a deadlock.
/// Cancel-safe: dropping it takes its timer back.
///
/// ```
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let start = curio::clock();
///     curio::sleep(Duration::from_secs(3600)).await; // takes no real time: the clock is virtual
///     assert_eq!(curio::clock() - start, Duration::from_secs(3600));
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// [t=0.000s] #1 main  CREATE
/// [t=0.000s] #1 main  WAKE       by its spawn
/// [t=0.000s] #1 main  RUN        cycle 1
/// [t=0.000s] #1 main  SUSPEND    TIME_SLEEP
/// [t=0.000s] IDLE
/// [t=3600.000s] #1 main  WAKE       by a timer due at t=3600.000s
/// [t=3600.000s] #1 main  RUN        cycle 2
/// [t=3600.000s] #1 main  END        TERMINATED
/// [t=3600.000s] EXIT
/// ```
///
/// How it works inside: the tour, `docs/tour/05-where-does-time-come-from.md` in the repository.
#[track_caller]
pub fn sleep(d: Duration) -> Sleep {
    Sleep { state: State::Unpolled(Until::After(d)), at: Location::caller() }
}

/// Sleeps until the kernel's clock shows `t`. A time in the past lets others run once. Cancel-safe.
///
/// ```
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let deadline = curio::clock() + Duration::from_secs(5);
///     curio::sleep_until(deadline).await;
///     assert_eq!(curio::clock(), deadline);
/// });
/// ```
#[track_caller]
pub fn sleep_until(t: Instant) -> Sleep {
    Sleep { state: State::Unpolled(Until::At(t)), at: Location::caller() }
}

/// Lets every other ready task run once: Curio's `schedule`, other runtimes' `yield_now`. Cancel-safe.
///
/// # Panics
/// When polled outside of a kernel.
///
/// ```
/// curio::run(async {
///     let other = curio::spawn(async { "ran" });
///     assert!(!other.is_terminated());
///     curio::schedule().await;
///     assert_eq!(other.join().await.unwrap(), "ran");
/// });
/// ```
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

/// The future of [`sleep`](sleep()) and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    state: State,
    at: &'static Location<'static>,
}

enum State {
    Unpolled(Until),
    /// Until its timer has fired.
    Waiting(Instant, Timer),
    /// Its deadline is later than an `Instant` or a timer can express.
    Endless(EndlessSleep),
    /// Its deadline had passed when it was first polled: it only lets others run.
    Yielded,
}

#[derive(Clone, Copy)]
enum Until {
    After(Duration),
    At(Instant),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        match &mut this.state {
            &mut State::Unpolled(until) => this.state = State::begin(until, cx),
            State::Waiting(_, timer) => {
                if timer.poll_fired(cx.waker()) {
                    return Poll::Ready(());
                }
            }
            State::Endless(sleep) => sleep.follow(),
            State::Yielded => return Poll::Ready(()),
        }
        let resource = match this.state {
            State::Waiting(deadline, _) => Resource::Deadline(deadline),
            State::Endless(_) => Resource::EndOfTime,
            State::Unpolled(_) | State::Yielded => Resource::Nothing,
        };
        traps::park(TaskState::TimeSleep, this.at, resource);
        Poll::Pending
    }
}

impl State {
    /// At the first poll.
    #[track_caller]
    fn begin(until: Until, cx: &mut Context<'_>) -> State {
        let now = traps::now();
        let deadline = match until {
            Until::After(d) => now.checked_add(d),
            Until::At(t) => Some(t),
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            cx.waker().wake_by_ref();
            return State::Yielded;
        }
        if let Some(deadline) = deadline
            && let Some(timer) = traps::set_timer(deadline, cx.waker())
        {
            return State::Waiting(deadline, timer);
        }
        State::Endless(traps::sleep_without_end())
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

    #[inline]
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
