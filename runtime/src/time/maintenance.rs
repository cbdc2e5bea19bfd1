//! Maintenance that the kernel runs between tasks, such as closing the idle connections of a pool.

use crate::traps::{self, MaintenanceJob};
use std::fmt;
use std::rc::Weak;
use std::time::Duration;

/// Calls `work` on this thread once `first` has passed, between polls of tasks, and again after each duration that it
/// returns. It ends when `work` returns `None`, when the [`Upkeep`] is dropped, and with the kernel.
///
/// It is neither a task nor a timer: it is in no list of tasks, it keeps neither `run` nor a test from ending, and it
/// does not hide a deadlock. A virtual clock does not jump to it; `work` is called when the clock has passed its time
/// for other reasons. It may be late while tasks are busy. `work` must be short and must not block. If it panics, that
/// is reported and ends it.
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
///     let upkeep = curio::upkeep(Duration::from_secs(1), move || {
///         counter.set(counter.get() + 1);
///         Some(Duration::from_secs(1))
///     });
///     for _ in 0..3 {
///         curio::sleep(Duration::from_secs(1)).await;
///     }
///     assert!(calls.get() >= 2);
///     assert!(upkeep.is_going_on(), "until it is dropped");
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
