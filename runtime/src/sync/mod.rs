//! Synchronisation between tasks, and between tasks and threads.
//!
//! ```text
//! wait_queue.rs   who waits, in order; "granted" is a state of its own
//! line.rs         a count and a wait queue: taking, waiting, handing over, giving up
//! permits.rs      one line behind a mutex         ◀── Semaphore, BoundedSemaphore, Lock
//! queue.rs        two lines: items and room       ◀── Queue
//! event.rs        a flag and a wait queue
//! blocking.rs     the same futures, for plain threads
//! ```
//!
//! Three promises hold for all of them, and each is kept in one place:
//!
//! * **First come, first served.** What is released goes straight to the head of the line. Nobody can take it in
//!   between, so nobody starves.
//! * **Dropping a wait loses nothing.** A wait that was granted its turn and is dropped before it is polled again
//!   passes it on.
//! * **Nobody holds up the others by not looking.** A wait that was granted its turn and is not polled by its
//!   task loses it to the next; see `grants.rs`.
//!
//! All are `Send + Sync` and have a `const fn new`, so that each may stand in a `static`. Every operation that
//! waits has a `…_blocking` twin for threads that run no kernel.

mod blocking;
mod event;
mod line;
mod lock;
mod permits;
mod queue;
mod semaphore;
mod wait_queue;

pub use event::{Event, EventWait};
pub use lock::{Lock, LockAcquire, LockGuard};
pub use queue::{Get, Put, Queue, QueueJoin};
pub use semaphore::{BoundedSemaphore, Semaphore, SemaphoreAcquire, SemaphorePermit};
