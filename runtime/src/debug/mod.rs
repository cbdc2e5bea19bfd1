//! Observing a kernel: one stream of events, and listeners for it.
//!
//! ```text
//! activation.rs      Activation, Event, EventKind: the stream and its listeners
//! region.rs          Region: a named stretch of a task's work
//! wake_cause.rs      WakeCause: why a task became ready
//! async_stack.rs     AsyncStack: where a task waits, and which functions await that
//! why.rs             Why: what a task waits for, and what that waits for
//! traces.rs          schedtrace, traptrace, logcrash: the stream as lines
//! long_block.rs      longblock: tasks that run for too long without awaiting
//! stats.rs, counts.rs  stats: what a program did, in numbers
//! step.rs            step: the schedule, one poll at a time
//! monitor/           the monitor: looking into a running program from another terminal
//! timeline/          Timeline: the picture of a run, as a page, an image, or a trace for Perfetto
//! environment.rs     CURIO_DEBUG, CURIO_TRACE: these without compiling the program again
//! standard_error.rs  where lines go, without panicking and without waiting for ever
//! ```
//!
//! The kernel reports what it does as a sequence of [`Event`]s: a task was created, is running, waits for something at
//! some line, was woken by another task, has ended. An [`Activation`] is a listener. Everything that shows a running
//! program is one: the traces below, a recorder in a test, a picture. There is no second source of events, so they never
//! disagree.
//!
//! Without an activation an event costs one test of a flag.
//!
//! ```
//! use curio::debug::{Activation, Event, EventKind};
//!
//! struct CountWakes(u32);
//!
//! impl Activation for CountWakes {
//!     fn event(&mut self, event: &Event) {
//!         if let EventKind::Woken { .. } = event.kind {
//!             self.0 += 1;
//!         }
//!     }
//! }
//!
//! curio::Kernel::builder().activation(CountWakes(0)).run(curio::schedule());
//! ```
//!
//! # In any program, without compiling it again
//!
//! | variable | what it does |
//! |---|---|
//! | `CURIO_DEBUG=schedtrace,traptrace,longblock,logcrash` | prints what happens, as lines |
//! | `CURIO_TRACE=run.html`, `.svg`, `.json` | draws the picture of the run: see [`Timeline`] |
//! | `CURIO_MONITOR=1`, or an address | answers from another terminal: see [`KernelBuilder::monitor`](crate::KernelBuilder::monitor) |
//! | `CURIO_STATS=1` | prints numbers at the end: see [`stats`] |
//! | `CURIO_STEP=1` | stops before each poll: see [`step`] |
//! | `CURIO_SLOW=1` | lets so many seconds of a virtual clock pass in a real one, instead of jumping |
//!
//! # From inside
//!
//! [`region`] names a stretch of a task's work. [`TaskInfo::stack`](crate::TaskInfo::stack) asks a parked task where it waits, and
//! [`why()`] what that waits for.

mod activation;
mod async_stack;
mod counts;
mod environment;
mod long_block;
pub(crate) mod monitor;
mod region;
pub(crate) mod standard_error;
mod stats;
mod step;
mod timeline;
mod traces;
mod wake_cause;
mod why;

pub use crate::task::inspect::why;
pub use crate::task::region::{InRegion, is_watched, phase, region, region_at};
pub(crate) use activation::Activations;
pub use activation::{Activation, Event, EventKind};
pub use async_stack::{AsyncStack, AsyncWait, Frame};
pub use counts::KernelCounts;
pub(crate) use environment::monitor_from_environment;
pub(crate) use environment::{from_environment, rate_from_environment};
pub use long_block::{LongBlock, longblock};
pub(crate) use monitor::question::{Inquiry, Question};
pub use region::Region;
pub use stats::{Stats, stats};
pub use step::{Step, step};
pub use timeline::Timeline;
pub use traces::{LogCrash, SchedTrace, TrapTrace, logcrash, schedtrace, traptrace};
pub use wake_cause::{Direction, WakeCause};
pub use why::{Why, WhyStep};
