//! Step 7: ending a wait. Tasks are cancelled, and waits have time limits.
//!
//! | file | holds |
//! |---|---|
//! | `task.rs`, `task_cell.rs` | cancelling a task; how it has ended |
//! | `timeout.rs` | a time limit around any future |
//! | `kernel.rs`, `traps.rs`, `state.rs` | the loop, which carries requests to stop out; the way into it; its parts |
//! | `wait_queue.rs`, `event.rs`, `semaphore.rs` | waiting in line, as in step 6 |
//! | `reactor.rs`, `socket.rs`, `tcp.rs` | sockets, as in step 5 |
//! | `timer_queue.rs`, `clock.rs`, `sleep.rs`, `testing.rs` | time, as in step 4 |
//! | `task_table.rs`, `run_queue.rs`, `waker.rs` | live tasks, ready tasks, their wakers |
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
mod timeout;
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
pub use task::{Cancel, Join, Task, TaskError, spawn};
pub use tcp::{TcpListener, TcpStream};
pub use timeout::{TaskTimeout, TimeoutAfter, timeout_after};
