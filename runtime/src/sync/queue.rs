//! A queue between tasks: the classic bounded buffer.
//!
//! Two lines, as in Dijkstra's solution of 1965: one for *items*, one for *room*. To put is to take room, add the
//! item and release one in the line of items; to get is the reverse. Being handed over is being handed an item's
//! or a place's *permit*; the item itself stays where it is until the getter fetches it. So a get that is dropped
//! has nothing to put back, and a put that is dropped has put nothing.

use super::blocking;
use super::line::{Leftovers, Line};
use super::wait_queue::{Ticket, WaitQueue, WaitState, Wakes};
use crate::error::Full;
use crate::grants::{GrantId, Revoke};
use crate::table::Resource;
use crate::task_info::TaskState;
use crate::traps;
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

/// A first-in, first-out queue for tasks and threads.
///
/// Getters are served in the order in which they came, and so are putters. Every operation is O(1).
///
/// ```
/// use std::rc::Rc;
///
/// curio::run(async {
///     let queue = Rc::new(curio::Queue::new(2));
///     let items = queue.clone();
///     let producer = curio::spawn(async move {
///         for n in 0..10 {
///             items.put(n).await;
///         }
///         items.join().await; // until every item has been dealt with
///     });
///     for n in 0..10 {
///         assert_eq!(queue.get().await, n);
///         queue.task_done();
///     }
///     producer.join().await.unwrap();
/// });
/// ```
pub struct Queue<T> {
    capacity: usize,
    /// Made on first use, so that `new` can be `const`; shared, so that the kernel can take a grant back.
    lines: OnceLock<Arc<Lines>>,
    /// Locked inside the lines' mutex or alone, never the other way round.
    items: Mutex<VecDeque<T>>,
}

struct Lines(Mutex<State>);

struct State {
    /// How many items may be taken, and who waits for one.
    items: Line,
    /// How many may be put, and who waits to put one.
    room: Line,
    /// Put, and `task_done` not called for them yet.
    unfinished: usize,
    joining: WaitQueue<()>,
}

const ITEMS: u8 = 0;
const ROOM: u8 = 1;

impl<T> Queue<T> {
    /// A queue that holds up to `maxsize` items; 0 means any number, as in Curio.
    pub const fn new(maxsize: usize) -> Queue<T> {
        let capacity = if maxsize == 0 { usize::MAX } else { maxsize };
        Queue { capacity, lines: OnceLock::new(), items: Mutex::new(VecDeque::new()) }
    }

    /// A queue that holds any number of items.
    pub const fn unbounded() -> Queue<T> {
        Queue::new(0)
    }

    /// Adds an item at the end; waits while the queue is full. A dropped put has put nothing.
    #[track_caller]
    pub fn put(&self, item: T) -> Put<'_, T> {
        Put { queue: self, item: Some(item), ticket: None, at: Location::caller() }
    }

    /// Takes the item at the front; waits while there is none. A dropped get has taken nothing.
    #[track_caller]
    pub fn get(&self) -> Get<'_, T> {
        Get { queue: self, ticket: None, at: Location::caller() }
    }

    /// Adds an item if there is room that nobody waits for.
    ///
    /// # Errors
    /// [`Full`] with the item.
    pub fn try_put(&self, item: T) -> Result<(), Full<T>> {
        let state = self.lock();
        self.put_if(state, item, |state| state.room.try_take(1)).map_err(Full)
    }

    /// Takes an item if there is one that nobody waits for.
    pub fn try_get(&self) -> Option<T> {
        let mut state = self.lock();
        if !state.items.try_take(1) {
            return None;
        }
        Some(self.take_item(state))
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
        self.lock().items.free()
    }

    /// Whether there is nothing to be taken.
    pub fn is_empty(&self) -> bool {
        self.size() == 0
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        self.lock().room.free() == 0
    }

    /// Says that an item that was taken has been dealt with; see [`join`](Self::join).
    ///
    /// # Panics
    /// If it is called more often than items were put.
    #[track_caller]
    pub fn task_done(&self) {
        let mut wakes = Wakes::default();
        let mut state = self.lock();
        let Some(left) = state.unfinished.checked_sub(1) else {
            drop(state);
            panic!("`task_done` was called more often than items were put into the queue");
        };
        state.unfinished = left;
        if left == 0 {
            while let Some((_, _, waker)) = state.joining.grant_front() {
                wakes.add(waker);
            }
        }
        drop(state);
        wakes.wake();
    }

    /// Waits until [`task_done`](Self::task_done) has been called for every item. Cancel-safe.
    #[track_caller]
    pub fn join(&self) -> QueueJoin<'_, T> {
        QueueJoin { queue: self, ticket: None, at: Location::caller() }
    }

    /// [`join`](Self::join) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn join_blocking(&self) {
        blocking::wait(self.join());
    }

    /// With room taken by `take_room`: adds the item and hands it on.
    fn put_if(
        &self,
        mut state: MutexGuard<'_, State>,
        item: T,
        take_room: impl FnOnce(&mut State) -> bool,
    ) -> Result<(), T> {
        if !take_room(&mut state) {
            return Err(item);
        }
        let mut wakes = Wakes::default();
        self.items().push_back(item);
        state.unfinished += 1;
        state.items.release(1, &mut wakes, || self.watch());
        drop(state);
        wakes.wake();
        Ok(())
    }

    /// With an item's permit taken: fetches it and makes room.
    fn take_item(&self, mut state: MutexGuard<'_, State>) -> T {
        let mut wakes = Wakes::default();
        let item = self.items().pop_front().expect("there is an item for every permit");
        state.room.release(1, &mut wakes, || self.watch());
        drop(state);
        wakes.wake();
        item
    }

    fn lines(&self) -> &Arc<Lines> {
        self.lines.get_or_init(|| {
            Arc::new(Lines(Mutex::new(State {
                items: Line::new(0, ITEMS),
                room: Line::new(self.capacity, ROOM),
                unfinished: 0,
                joining: WaitQueue::new(),
            })))
        })
    }

    fn watch(&self) -> Arc<dyn Revoke> {
        Arc::clone(self.lines()) as Arc<dyn Revoke>
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.lines().lock()
    }

    fn items(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&mut self, number: u8) -> &mut Line {
        if number == ITEMS { &mut self.items } else { &mut self.room }
    }
}

impl Revoke for Lines {
    fn revoke(self: Arc<Self>, grant: GrantId) {
        let mut wakes = Wakes::default();
        self.lock().line(grant.line).revoke(grant, &mut wakes, || Arc::clone(&self) as Arc<dyn Revoke>);
        wakes.wake();
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// The future of [`Queue::put`].
#[must_use = "futures do nothing unless awaited"]
pub struct Put<'a, T> {
    queue: &'a Queue<T>,
    item: Option<T>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

/// The item is kept, not pinned.
impl<T> Unpin for Put<'_, T> {}

impl<T> Future for Put<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let item = this.item.take().expect("not polled again after it was ready");
        let mut leftovers = Leftovers::default();
        let state = this.queue.lock();
        let put = this.queue.put_if(state, item, |state| {
            let (polled, left) = state.room.poll_take(&mut this.ticket, 1, cx);
            leftovers = left;
            polled.is_ready()
        });
        drop(leftovers);
        match put {
            Ok(()) => Poll::Ready(()),
            Err(item) => {
                this.item = Some(item);
                traps::park(TaskState::QueuePut, this.at, Resource::Nothing);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Put<'_, T> {
    fn drop(&mut self) {
        give_up(self.queue, self.ticket.take(), ROOM);
    }
}

/// The future of [`Queue::get`].
#[must_use = "futures do nothing unless awaited"]
pub struct Get<'a, T> {
    queue: &'a Queue<T>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl<T> Future for Get<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut state = this.queue.lock();
        let (polled, leftovers) = state.items.poll_take(&mut this.ticket, 1, cx);
        if polled.is_ready() {
            let item = this.queue.take_item(state);
            drop(leftovers);
            return Poll::Ready(item);
        }
        drop(state);
        drop(leftovers);
        traps::park(TaskState::QueueGet, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<T> Drop for Get<'_, T> {
    fn drop(&mut self) {
        give_up(self.queue, self.ticket.take(), ITEMS);
    }
}

fn give_up<T>(queue: &Queue<T>, ticket: Option<Ticket>, line: u8) {
    if let Some(ticket) = ticket {
        let mut wakes = Wakes::default();
        let leftovers = queue.lock().line(line).give_up(ticket, &mut wakes, || queue.watch());
        drop(leftovers);
        wakes.wake();
    }
}

/// The future of [`Queue::join`].
#[must_use = "futures do nothing unless awaited"]
pub struct QueueJoin<'a, T> {
    queue: &'a Queue<T>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl<T> Future for QueueJoin<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut state = this.queue.lock();
        let replaced = match this.ticket {
            Some(ticket) if state.joining.state(ticket) == WaitState::Granted => {
                state.joining.leave(ticket);
                this.ticket = None;
                return Poll::Ready(());
            }
            Some(ticket) => state.joining.renew(ticket, cx.waker(), None),
            None if state.unfinished == 0 => return Poll::Ready(()),
            None => {
                this.ticket = Some(state.joining.enter((), cx.waker(), None));
                None
            }
        };
        drop(state);
        drop(replaced);
        traps::park(TaskState::QueueJoin, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<T> Drop for QueueJoin<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let left = self.queue.lock().joining.leave(ticket);
            drop(left.waker);
        }
    }
}
