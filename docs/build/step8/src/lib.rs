//! Step 8: a client. Four requests at once take as long as the longest.
//!
//! | file | holds |
//! |---|---|
//! | `http.rs` | just enough HTTP/1.1 |
//! | `tcp.rs` | TCP streams, which can now connect, and listeners |
//! | `delay_server.rs` | a server to try it with |
//! | `task.rs`, `task_cell.rs`, `task_table.rs`, `run_queue.rs`, `waker.rs` | tasks and their wakes |
//! | `timeout.rs` | time limits, as in step 7 |
//! | `wait_queue.rs`, `event.rs`, `semaphore.rs` | waiting in line, as in step 6 |
//! | `reactor.rs`, `socket.rs` | sockets, as in step 5 |
//! | `timer_queue.rs`, `clock.rs`, `sleep.rs`, `testing.rs` | time, as in step 4 |
//! | `kernel.rs`, `traps.rs`, `state.rs` | the loop, the way into it, its parts |
//! | `run_in_thread.rs`, `oneshot.rs`, `schedule.rs` | as before |
#![forbid(unsafe_code)]

mod clock;
mod delay_server;
mod event;
mod http;
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

pub use delay_server::delay_server;
pub use event::{Event, EventWait};
pub use http::{ClientSession, Error, Response};
pub use kernel::run;
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use run_in_thread::run_in_thread;
pub use schedule::{Schedule, schedule};
pub use semaphore::{Semaphore, SemaphoreAcquire, SemaphorePermit};
pub use sleep::{Sleep, clock, sleep};
pub use task::{Cancel, Join, Task, TaskError, spawn};
pub use tcp::{TcpListener, TcpStream};
pub use timeout::{TaskTimeout, TimeoutAfter, timeout_after};
