//! Upkeep: for libraries that have something to look after while the program does other things.

use crate::traps::{self, MaintenanceJob};
use std::fmt;
use std::rc::Weak;
use std::time::Duration;

/// Calls `work` on this thread after the time `first`, between the steps of tasks, and again after each time that it
/// returns; `None` ends it, as do dropping the [`Upkeep`] and the end of the kernel.
///
/// It is no task and no timer: it is in no list, it keeps neither `run` nor a test from ending, and it hides no deadlock.
/// A virtual clock does not jump for it; it is called when the clock has passed its time for other reasons. It may be
/// late while tasks are busy. `work` must be short and must not block. If it panics, that is reported on standard error
/// and ends it.
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// curio::testing::run(async {
///     let calls = Rc::new(Cell::new(0));
///     let counter = calls.clone();
///     let _upkeep = curio::upkeep(Duration::from_secs(1), move || {
///         counter.set(counter.get() + 1);
///         Some(Duration::from_secs(1))
///     });
///     for _ in 0..3 {
///         curio::sleep(Duration::from_secs(1)).await;
///     }
///     assert!(calls.get() >= 2);
/// });
/// ```
#[track_caller]
pub fn upkeep(first: Duration, work: impl FnMut() -> Option<Duration> + 'static) -> Upkeep {
    Upkeep { job: traps::add_maintenance(first, Box::new(work)) }
}

/// Ends the [`upkeep`] when it is dropped.
#[must_use = "dropping it ends the upkeep"]
pub struct Upkeep {
    job: Weak<MaintenanceJob>,
}

impl Upkeep {
    /// Whether there will be another call, or one is under way.
    pub fn is_going_on(&self) -> bool {
        self.job.strong_count() > 0
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        if let Some(job) = self.job.upgrade() {
            job.stop();
        }
    }
}

impl fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upkeep").field("going_on", &self.is_going_on()).finish()
    }
}
