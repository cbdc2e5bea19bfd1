//! Step 2: a kernel, which runs many futures on one thread and polls only those that were woken.
//!
//! | file | holds |
//! |---|---|
//! | `kernel.rs` | the loop |
//! | `run_queue.rs` | which tasks are to be polled, in the order in which they became ready |
//! | `waker.rs` | the waker of a task: it puts the task onto the run queue |
//! | `task_table.rs` | the live tasks, by slot |
//! | `block_on.rs`, `run_in_thread.rs`, `oneshot.rs`, `schedule.rs` | as in step 1 |
#![forbid(unsafe_code)]

mod block_on;
mod kernel;
mod oneshot;
mod run_in_thread;
mod run_queue;
mod schedule;
mod task_table;
mod waker;

pub use block_on::block_on;
pub use kernel::Kernel;
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use run_in_thread::run_in_thread;
pub use schedule::{Schedule, schedule};
