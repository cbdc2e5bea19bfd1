//! Synchronisation between tasks, and between tasks and threads.
//!
//! ```text
//! wait_queue.rs     waiters in order; "granted" is a state of its own
//! permit_queue.rs   permits and a wait queue: taking, waiting, handing over, giving up
//! wait_set.rs       a wait queue of which all waiters are released at once
//! shared.rs         a mutex that the kernel can reach too
//! blocking.rs       the same futures, for threads that run no kernel
//!
//! permits.rs        one permit queue                     ◀── semaphore.rs, lock.rs, rlock.rs, rw_lock.rs
//! buffer.rs         two permit queues: items and room    ◀── queue.rs, with one of queue_order.rs
//! channel.rs        two permit queues, and an end
//! condition.rs      a wait queue of its own kind
//! event.rs, barrier.rs, result_cell.rs, watch.rs, broadcast.rs      a wait set
//! oneshot.rs        one waiter
//! ```
//!
//! Three promises hold for all of them, and each is kept in one place:
//!
//! * **First come, first served.** What is released goes straight to the head of the line. Nobody can take it in
//!   between, so nobody starves.
//! * **Dropping a wait loses nothing.** A wait that was granted its turn and is dropped before it is polled again
//!   passes it on.
//! * **Nobody holds up the others by not looking.** A wait that was granted its turn and is not polled by its
//!   task loses it to the next; see `kernel/grants.rs`.
//!
//! All are `Send + Sync`, and all but the channels have a `const fn new`, so that each may stand in a `static`.
//! Every operation that waits has a `…_blocking` twin for threads that run no kernel.

mod barrier;
mod blocking;
pub mod broadcast;
mod buffer;
pub mod channel;
mod condition;
mod event;
mod lock;
pub mod oneshot;
mod permit_queue;
mod permits;
mod queue;
mod queue_order;
mod result_cell;
mod rlock;
mod rw_lock;
mod semaphore;
mod shared;
mod wait_queue;
mod wait_set;
pub mod watch;

pub use barrier::{Barrier, BarrierWait};
pub use broadcast::broadcast;
pub use channel::channel;
pub use condition::Condition;
pub use event::{Event, EventWait};
pub use lock::{Lock, LockAcquire, LockGuard};
pub use oneshot::oneshot;
pub use queue::{LifoQueue, PriorityQueue, Queue};
pub use result_cell::{ResultCell, Unwrap};
pub use rlock::{RLock, RLockAcquire, RLockGuard};
pub use rw_lock::{RwLock, RwLockRead, RwLockReadGuard, RwLockWrite, RwLockWriteGuard};
pub use semaphore::{BoundedSemaphore, Semaphore, SemaphoreAcquire, SemaphorePermit};
pub use watch::watch;
