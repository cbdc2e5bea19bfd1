//! Time: sleeping, regular ticks, and maintenance between tasks.
//!
//! ```text
//! sleep.rs         sleep, sleep_until, schedule, clock
//! interval.rs      interval: ticks that do not drift
//! maintenance.rs   upkeep: work that the kernel does between polls of tasks
//! ```

mod interval;
mod maintenance;
mod sleep;

pub use interval::{Interval, MissedTicks, interval};
pub use maintenance::{Upkeep, upkeep};
pub use sleep::{Schedule, Sleep, clock, schedule, sleep, sleep_until};
