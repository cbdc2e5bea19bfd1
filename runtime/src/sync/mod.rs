//! Synchronisation between tasks, and between tasks and threads.
//!
//! ```text
//! locked.rs         state behind a mutex; wakers are called when it is released
//! wait_queue.rs     waiters in order; "granted" is a state of its own
//! permit_queue.rs   permits and a wait queue: taking, waiting, handing over, giving up, taking back
//! wait_set.rs       a wait queue of which all waiters are released at once
//!
//! permits.rs        one permit queue                     ◀── semaphore.rs, lock.rs, rlock.rs, rw_lock.rs
//! buffer.rs         two permit queues: items and room    ◀── queue.rs, with one of queue_order.rs, and channel.rs
//! condition.rs      one permit queue, of notifications
//! event.rs, barrier.rs, result_cell.rs, watch.rs, broadcast.rs      a wait set
//! oneshot.rs        one waiter
//! blocking.rs       the same futures, for threads that run no kernel
//! ```
//!
//! Three promises hold for all of them, and each is kept in one place:
//!
//! * **First come, first served.** What is released goes straight to the first waiter. No task can take it in
//!   between, so none starves (`wait_queue.rs`).
//! * **Dropping a wait loses nothing.** A wait that was granted its turn and is dropped before it is polled again
//!   passes it on (`permit_queue.rs`).
//! * **A task that does not poll its wait blocks no other.** A wait that was granted its turn and is not polled by its
//!   task, or whose kernel stops, loses the turn to the next (`grants.rs` of the kernel).
//!
//! All are `Send + Sync`, and all but the channels have a `const fn new`, so that each may stand in a `static`.
//! Each keeps the room of its waits for later ones until it is dropped: about a hundred bytes for each of the most that it has
//! had at the same time.
//! Every operation that waits has a `…_blocking` twin for threads that run no kernel.
//!
//! ```
//! static REQUESTS: curio::Queue<u32> = curio::Queue::new(8);
//!
//! let thread = std::thread::spawn(|| REQUESTS.put_blocking(6 * 7));
//! assert_eq!(curio::run(REQUESTS.get()), 42);
//! thread.join().unwrap();
//! ```
//!
//! Chapter 7 of the tour, `docs/tour/07-who-is-next-in-line.md` in the repository, shows how a lock is handed over, and builds a
//! primitive on the same parts.

mod barrier;
mod blocking;
pub mod broadcast;
mod buffer;
pub mod channel;
mod condition;
mod event;
mod lock;
mod locked;
pub mod oneshot;
mod permit_queue;
mod permits;
mod queue;
mod queue_order;
mod result_cell;
mod rlock;
mod rw_lock;
mod semaphore;
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
