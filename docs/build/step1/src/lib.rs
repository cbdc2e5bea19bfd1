//! Step 1: `block_on`, which runs one future on a thread and lets the thread sleep in between.
//!
//! | file | holds |
//! |---|---|
//! | `block_on.rs` | polling one future; the waker that unparks its thread |
//! | `run_in_thread.rs` | blocking work on another thread, awaited |
//! | `oneshot.rs`, `schedule.rs` | the futures of step 0 |
#![forbid(unsafe_code)]

mod block_on;
mod oneshot;
mod run_in_thread;
mod schedule;

pub use block_on::block_on;
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use run_in_thread::run_in_thread;
pub use schedule::{Schedule, schedule};
