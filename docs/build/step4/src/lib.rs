//! Step 4: time. Tasks sleep, and a test need not wait for them.
//!
//! | file | holds |
//! |---|---|
//! | `timer_queue.rs` | deadlines, and the waker to call at each |
//! | `clock.rs` | real or virtual time |
//! | `sleep.rs` | the future that waits for a deadline |
//! | `testing.rs` | running a test on a virtual clock |
//! | `kernel.rs` | the loop, which now waits for the next deadline too |
//! | `traps.rs`, `state.rs` | the way into the kernel; its parts |
//! | `task.rs`, `task_cell.rs`, `task_table.rs`, `run_queue.rs`, `waker.rs` | tasks and their wakes |
//! | `run_in_thread.rs`, `oneshot.rs`, `schedule.rs` | as before |
#![forbid(unsafe_code)]

mod clock;
mod kernel;
mod oneshot;
mod run_in_thread;
mod run_queue;
mod schedule;
mod sleep;
mod state;
mod task;
mod task_cell;
mod task_table;
pub mod testing;
mod timer_queue;
mod traps;
mod waker;

pub use kernel::run;
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use run_in_thread::run_in_thread;
pub use schedule::{Schedule, schedule};
pub use sleep::{Sleep, clock, sleep};
pub use task::{Join, Task, TaskError, spawn};
