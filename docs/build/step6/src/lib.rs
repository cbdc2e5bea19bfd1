//! Step 6: waiting in line. Tasks wait for each other, first come, first served.
//!
//! | file | holds |
//! |---|---|
//! | `wait_queue.rs` | the queue under everything that serves its waiters in order |
//! | `event.rs` | a flag that releases all waiters |
//! | `semaphore.rs` | permits that are handed to one waiter after the other |
//! | `reactor.rs`, `socket.rs`, `tcp.rs` | sockets, as in step 5 |
//! | `timer_queue.rs`, `clock.rs`, `sleep.rs`, `testing.rs` | time, as in step 4 |
//! | `kernel.rs`, `traps.rs`, `state.rs` | the loop, the way into it, its parts |
//! | `task.rs`, `task_cell.rs`, `task_table.rs`, `run_queue.rs`, `waker.rs` | tasks and their wakes |
//! | `run_in_thread.rs`, `oneshot.rs`, `schedule.rs` | as before |
#![forbid(unsafe_code)]

mod clock;
mod event;
mod kernel;
mod oneshot;
mod reactor;
mod run_in_thread;
mod run_queue;
mod schedule;
mod semaphore;
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
mod wait_queue;
mod waker;

pub use event::{Event, EventWait};
pub use kernel::run;
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use run_in_thread::run_in_thread;
pub use schedule::{Schedule, schedule};
pub use semaphore::{Semaphore, SemaphoreAcquire, SemaphorePermit};
pub use sleep::{Sleep, clock, sleep};
pub use task::{Join, Task, TaskError, spawn};
pub use tcp::{TcpListener, TcpStream};
