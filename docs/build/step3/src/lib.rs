//! Step 3: tasks spawn tasks, and join them.
//!
//! | file | holds |
//! |---|---|
//! | `kernel.rs` | the loop; startup and end |
//! | `state.rs` | the parts of the kernel, and which kernel runs on this thread |
//! | `traps.rs` | the only way into the kernel for everything below |
//! | `task.rs` | spawning and joining: the handle of a task |
//! | `task_cell.rs` | what a task is made of: its record, its future, its outcome |
//! | `task_table.rs`, `run_queue.rs`, `waker.rs` | live tasks, ready tasks, their wakers |
//! | `run_in_thread.rs`, `oneshot.rs`, `schedule.rs` | as in step 1 |
#![forbid(unsafe_code)]

mod kernel;
mod oneshot;
mod run_in_thread;
mod run_queue;
mod schedule;
mod state;
mod task;
mod task_cell;
mod task_table;
mod traps;
mod waker;

pub use kernel::run;
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use run_in_thread::run_in_thread;
pub use schedule::{Schedule, schedule};
pub use task::{Join, Task, TaskError, spawn};
