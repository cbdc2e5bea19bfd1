//! Queues between tasks: first in first out, lowest first, last in first out.
//!
//! They are one [buffer](super::buffer) in three [orders](super::queue_order).

use super::blocking;
use super::buffer::{Buffer, Get, Put, PutError};
use super::queue_order::{Fifo, Lifo, MinHeap, QueueOrder};
use crate::error::Full;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A first-in, first-out queue for tasks and threads.
///
/// Getters are served in the order in which they came, and so are putters. Every operation is O(1).
///
/// ```
/// use std::time::Duration;
///
/// static JOBS: curio::Queue<&str> = curio::Queue::new(1);
///
/// async fn worker() {
///     loop {
///         let job = JOBS.get().await;
///         curio::sleep(Duration::from_secs(1)).await; // the work
///         println!("{job}: done");
///         JOBS.task_done();
///     }
/// }
///
/// curio::testing::run(async {
///     let worker = curio::spawn(worker());
///     for job in ["sweep", "wash", "dry"] {
///         JOBS.put(job).await; // waits while one is in the queue
///     }
///     JOBS.join().await; // until all three are done
///     worker.cancel().await;
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #1 main  SUSPEND    QUEUE_PUT
/// [t=0.000s] #2 worker  RUN        cycle 1
/// [t=0.000s] #1 main  WAKE       by #2
/// [t=0.000s] #2 worker  SUSPEND    TIME_SLEEP
/// [t=0.000s] #1 main  RUN        cycle 2
/// [t=0.000s] #1 main  SUSPEND    QUEUE_PUT
/// [t=0.000s] IDLE
/// …
/// [t=1.000s] #1 main  RUN        cycle 3
/// [t=1.000s] #1 main  SUSPEND    QUEUE_JOIN
/// …
/// [t=3.000s] #2 worker  WAKE       by a timer due at t=3.000s
/// [t=3.000s] #2 worker  RUN        cycle 4
/// [t=3.000s] #1 main  WAKE       by #2
/// [t=3.000s] #2 worker  SUSPEND    QUEUE_GET
/// …
/// ```
///
/// Without waiting, and in threads that run no kernel:
///
/// ```
/// use curio::{Full, Queue};
///
/// let queue = Queue::new(2);
/// queue.try_put("first").unwrap();
/// queue.put_blocking("second");
/// assert!(queue.is_full());
/// assert_eq!(queue.try_put("third"), Err(Full("third")));
///
/// assert_eq!(queue.get_blocking(), "first");
/// assert_eq!(queue.size(), 1);
/// assert_eq!(queue.try_get(), Some("second"));
/// assert!(queue.is_empty());
///
/// queue.task_done();
/// queue.task_done();
/// queue.join_blocking(); // goes on at once: both have been dealt with
/// assert!(!Queue::<u32>::unbounded().is_full());
/// ```
pub struct Queue<T> {
    buffer: Buffer<Fifo<T>>,
}

/// A [`Queue`] from which the lowest item comes out first, and of equal items the one that was put first. For
/// the highest first, put [`Reverse`](std::cmp::Reverse)d items.
///
/// Putting and getting are O(log n). Items are compared while the queue is locked: a `cmp` of yours must not use
/// this same queue.
///
/// ```
/// curio::run(async {
///     let queue = curio::PriorityQueue::unbounded();
///     queue.put((2, "later")).await;
///     queue.put((1, "now")).await;
///     assert_eq!(queue.get().await, (1, "now"));
/// });
/// ```
pub struct PriorityQueue<T: Ord> {
    buffer: Buffer<MinHeap<T>>,
}

/// A [`Queue`] from which the item that was put last comes out first: a stack.
///
/// ```
/// curio::run(async {
///     let queue = curio::LifoQueue::unbounded();
///     queue.put("old").await;
///     queue.put("new").await;
///     assert_eq!(queue.get().await, "new");
/// });
/// ```
pub struct LifoQueue<T> {
    buffer: Buffer<Lifo<T>>,
}

/// The methods of all three; they differ only in which item comes next.
macro_rules! queue_methods {
    ($queue:ident<T $(: $bound:ident)?>) => {
        impl<T $(: $bound)?> $queue<T> {
            /// A queue that holds up to `maxsize` items; 0 means any number, as in Curio.
            pub const fn new(maxsize: usize) -> $queue<T> {
                let capacity = if maxsize == 0 { usize::MAX } else { maxsize };
                $queue { buffer: Buffer::new(capacity) }
            }

            /// A queue that holds any number of items.
            pub const fn unbounded() -> $queue<T> {
                $queue::new(0)
            }

            /// Adds an item; waits while the queue is full. A dropped put has put nothing.
            #[track_caller]
            pub fn put(&self, item: T) -> impl Future<Output = ()> + Unpin {
                QueuePut(self.buffer.put(item, Location::caller()))
            }

            /// Takes the next item; waits while there is none. A dropped get has taken nothing.
            #[track_caller]
            pub fn get(&self) -> impl Future<Output = T> + Unpin {
                QueueGet(self.buffer.get(Location::caller()))
            }

            /// Adds an item if there is room and no other putter waits for it.
            ///
            /// # Errors
            /// [`Full`] with the item.
            pub fn try_put(&self, item: T) -> Result<(), Full<T>> {
                self.buffer.try_put(item).map_err(|error| match error {
                    PutError::Full(item) | PutError::Closed(item) => Full(item),
                })
            }

            /// Takes the next item if there is one and no other getter waits for it.
            pub fn try_get(&self) -> Option<T> {
                self.buffer.try_get()
            }

            /// [`put`](Self::put) for a thread.
            ///
            /// # Panics
            /// Inside a kernel.
            #[track_caller]
            pub fn put_blocking(&self, item: T) {
                blocking::wait(self.put(item));
            }

            /// [`get`](Self::get) for a thread.
            ///
            /// # Panics
            /// Inside a kernel.
            #[track_caller]
            pub fn get_blocking(&self) -> T {
                blocking::wait(self.get())
            }

            /// How many items are there to be taken. Those that were handed to a waiting getter do not count.
            pub fn size(&self) -> usize {
                self.buffer.size()
            }

            /// Whether there is nothing to be taken.
            pub fn is_empty(&self) -> bool {
                self.size() == 0
            }

            /// Whether there is no room.
            pub fn is_full(&self) -> bool {
                self.buffer.is_full()
            }

            /// Reports that an item that was taken has been processed; see [`join`](Self::join).
            ///
            /// # Panics
            /// If it is called more often than items were put.
            #[track_caller]
            pub fn task_done(&self) {
                assert!(
                    self.buffer.task_done(),
                    "`task_done` was called more often than items were put into the queue"
                );
            }

            /// Waits until [`task_done`](Self::task_done) has been called for every item. Cancel-safe.
            #[track_caller]
            pub fn join(&self) -> impl Future<Output = ()> + Unpin {
                self.buffer.join(Location::caller())
            }

            /// [`join`](Self::join) for a thread.
            ///
            /// # Panics
            /// Inside a kernel.
            #[track_caller]
            pub fn join_blocking(&self) {
                blocking::wait(self.join());
            }
        }

        impl<T $(: $bound)?> fmt::Debug for $queue<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($queue)).field("size", &self.size()).finish_non_exhaustive()
            }
        }
    };
}

queue_methods!(Queue<T>);
queue_methods!(PriorityQueue<T: Ord>);
queue_methods!(LifoQueue<T>);

/// Puts into a buffer that is never closed.
struct QueuePut<'a, O: QueueOrder>(Put<'a, O>);

impl<O: QueueOrder> Future for QueuePut<'_, O> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|put| assert!(put.is_ok(), "a queue is never closed"))
    }
}

/// Gets from a buffer that is never closed.
struct QueueGet<'a, O: QueueOrder>(Get<'a, O>);

impl<O: QueueOrder> Future for QueueGet<'_, O> {
    type Output = O::Item;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Item> {
        Pin::new(&mut self.0).poll(cx).map(|item| item.expect("a queue is never closed"))
    }
}
