//! Regular ticks that do not drift.

use crate::time::{sleep, sleep_until};
use crate::traps;
use std::future::poll_fn;
use std::panic::Location;
use std::time::{Duration, Instant};

/// Ticks at once and then every `period`, however long the work between two ticks takes.
///
/// # Panics
/// If `period` is zero.
///
/// ```
/// use std::time::Duration;
///
/// curio::Kernel::builder().virtual_clock(true).run(async {
///     let mut ticks = curio::interval(Duration::from_secs(2));
///     let first = ticks.tick().await;
///     curio::sleep(Duration::from_secs(1)).await; // work
///     assert_eq!(ticks.tick().await - first, Duration::from_secs(2));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period longer than zero");
    Interval { period, next: Next::First, missed: MissedTicks::Burst }
}

/// What an [`Interval`] does when ticks were missed because the work between them took too long.
///
/// ```
/// use curio::MissedTicks::{Burst, Delay, Skip};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     for (missed, expected) in [(Burst, [0, 2, 4]), (Delay, [0, 2, 7]), (Skip, [0, 2, 6])] {
///         let start = curio::clock();
///         let mut ticks = curio::interval(Duration::from_secs(2)).missed_ticks(missed);
///         let first = ticks.tick().await;
///         curio::sleep(Duration::from_secs(5)).await; // too long
///         let due = [first, ticks.tick().await, ticks.tick().await];
///         assert_eq!(due.map(|due| (due - start).as_secs()), expected);
///     }
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MissedTicks {
    /// Catch up: the missed ticks come one right after the other.
    #[default]
    Burst,
    /// Start over: the next tick comes a whole period after the late one.
    Delay,
    /// Leave them out: the next tick comes at the next multiple of the period.
    Skip,
}

/// Regular ticks; made by [`interval`].
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    next: Next,
    missed: MissedTicks,
}

/// When the next tick is due.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// When it is first asked for.
    First,
    At(Instant),
    /// Later than an `Instant` can express.
    Never,
}

impl Interval {
    /// Chooses what happens to missed ticks: see [`MissedTicks`].
    #[must_use]
    pub fn missed_ticks(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// Waits for the next tick and returns the time it was due. Cancel-safe: a dropped wait misses no tick.
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let at = Location::caller();
        async move {
            let due = match self.next {
                Next::First => traps::now(),
                Next::At(due) => due,
                Next::Never => {
                    sleep(Duration::MAX).at_line(at).await;
                    unreachable!("a sleep of `Duration::MAX` does not end")
                }
            };
            if due > traps::now() {
                sleep_until(due).at_line(at).await;
            } else {
                // Late ticks come at once, but each takes from the budget of this poll, so that other tasks run too.
                poll_fn(traps::spend).await;
            }
            self.next = self.after(due, traps::now()).map_or(Next::Never, Next::At);
            due
        }
    }

    /// The tick after `due`; `None` if an `Instant` cannot express it.
    fn after(&self, due: Instant, now: Instant) -> Option<Instant> {
        let next = due.checked_add(self.period)?;
        if next > now {
            return Some(next);
        }
        match self.missed {
            MissedTicks::Burst => Some(next),
            MissedTicks::Delay => now.checked_add(self.period),
            MissedTicks::Skip => {
                let periods = (now - due).as_nanos() / self.period.as_nanos() + 1;
                let nanos = u64::try_from(periods * self.period.as_nanos()).ok()?;
                due.checked_add(Duration::from_nanos(nanos))
            }
        }
    }
}
