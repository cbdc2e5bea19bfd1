//! Step 5: sockets. The kernel waits for the operating system, and a task for its socket.
//!
//! | file | holds |
//! |---|---|
//! | `reactor.rs` | sockets, and the operating system's events for them |
//! | `socket.rs` | a registered socket, and how operations on it wait |
//! | `tcp.rs` | TCP streams and listeners |
//! | `kernel.rs`, `run_queue.rs` | the loop now waits in the reactor; a wake from another thread ends that wait |
//! | `timer_queue.rs`, `clock.rs`, `sleep.rs`, `testing.rs` | time, as in step 4 |
//! | `traps.rs`, `state.rs` | the way into the kernel; its parts |
//! | `task.rs`, `task_cell.rs`, `task_table.rs`, `waker.rs` | tasks and their wakes |
//! | `run_in_thread.rs`, `oneshot.rs`, `schedule.rs` | as before |
#![forbid(unsafe_code)]

mod clock;
mod kernel;
mod oneshot;
mod reactor;
mod run_in_thread;
mod run_queue;
mod schedule;
mod sleep;
mod socket;
mod state;
mod task;
mod task_cell;
mod task_table;
mod tcp;
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
pub use tcp::{TcpListener, TcpStream};
