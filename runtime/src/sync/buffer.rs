//! The bounded buffer inside every queue and every channel.
//!
//! Two permit queues, as in Dijkstra's solution of 1965: one for *items*, one for *room*. To put is to take room, add
//! the item and release one permit for it; to get is the reverse. A waiter is handed the permit for an item or for a
//! place; the item itself stays where it is until the getter fetches it. So a get that is dropped has nothing to put
//! back, and a put that is dropped has put nothing.
//!
//! # The end
//!
//! A buffer can be closed; channels are. Then nothing more can be put in, and waiting putters are dismissed and return the
//! error. The items inside can still be taken. Waiting getters are dismissed when the *last item has been fetched*, not
//! before: until then a getter that was granted an item may be dropped, and the item has to go to another one.

use super::locked::Wakers;
use super::permit_queue::{Handover, PermitQueue, PermitQueues, Revocable};
use super::queue_order::QueueOrder;
use super::wait_queue::Ticket;
use super::wait_set::{Awaited, Progress, SetWait, WaitSet};
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

pub(super) struct Buffer<O> {
    state: Revocable<BufferState>,
    /// Locked inside the state's mutex or alone, never the other way round.
    items: Mutex<O>,
}

pub(super) struct BufferState {
    /// A permit for each item that may be taken, and the waiting getters.
    items: PermitQueue,
    /// A permit for each free place, and the waiting putters.
    room: PermitQueue,
    closed: bool,
    /// Put, and `task_done` not called for them yet.
    unfinished: usize,
    joining: WaitSet,
}

impl PermitQueues for BufferState {
    fn new(capacity: usize) -> BufferState {
        BufferState {
            items: PermitQueue::new(0),
            room: PermitQueue::new(capacity),
            closed: false,
            unfinished: 0,
            joining: WaitSet::new(),
        }
    }

    fn for_each_queue(&mut self, mut visit: impl FnMut(&mut PermitQueue)) {
        visit(&mut self.items);
        visit(&mut self.room);
    }
}

impl BufferState {
    /// Whether nothing will ever come out any more.
    fn has_ended(&self) -> bool {
        self.closed && self.items.untaken() == 0
    }

    fn close(&mut self, wakers: &mut Wakers) {
        self.closed = true;
        self.room.dismiss_all(wakers);
        if self.has_ended() {
            self.items.dismiss_all(wakers);
        }
    }
}

/// Why an item was not put; it comes back.
pub(super) enum PutError<T> {
    Full(T),
    Closed(T),
}

impl<O: QueueOrder> Buffer<O> {
    pub(super) const fn new(capacity: usize) -> Buffer<O> {
        Buffer { state: Revocable::new(capacity), items: Mutex::new(O::EMPTY) }
    }

    pub(super) fn put(&self, item: O::Item, at: &'static Location<'static>) -> Put<'_, O> {
        Put { buffer: self, item: Some(item), ticket: None, at }
    }

    pub(super) fn get(&self, at: &'static Location<'static>) -> Get<'_, O> {
        Get { buffer: self, ticket: None, at }
    }

    pub(super) fn join(&self, at: &'static Location<'static>) -> Join<'_, O> {
        Join(SetWait::new(self, TaskState::QueueJoin, at))
    }

    pub(super) fn try_put(&self, item: O::Item) -> Result<(), PutError<O::Item>> {
        self.state.with(|state, handover| {
            if state.closed {
                Err(PutError::Closed(item))
            } else if state.room.try_take(1) {
                self.add(state, item, handover);
                Ok(())
            } else {
                Err(PutError::Full(item))
            }
        })
    }

    pub(super) fn try_get(&self) -> Option<O::Item> {
        self.state.with(|state, handover| state.items.try_take(1).then(|| self.fetch(state, handover)))
    }

    /// How many items may be taken.
    pub(super) fn size(&self) -> usize {
        self.state.peek(|state| state.items.free())
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.peek(|state| state.room.free() == 0)
    }

    /// False if it was called more often than items were put.
    pub(super) fn task_done(&self) -> bool {
        self.state.with(|state, handover| {
            let Some(left) = state.unfinished.checked_sub(1) else { return false };
            state.unfinished = left;
            if left == 0 {
                state.joining.release_all(&mut handover.wakers);
            }
            true
        })
    }

    /// Nothing more can be put in; what is inside can still be taken.
    pub(super) fn close(&self) {
        self.state.with(|state, handover| state.close(&mut handover.wakers));
    }

    /// Closes the buffer and drops the items inside. No getter may be waiting.
    pub(super) fn close_and_clear(&self) {
        let unwanted = self.state.with(|state, handover| {
            state.close(&mut handover.wakers);
            mem::replace(&mut *self.items(), O::EMPTY)
        });
        drop(unwanted);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.peek(|state| state.closed)
    }

    /// With room taken: adds the item and hands it on. The counts come first: an item's `cmp` may panic.
    fn add(&self, state: &mut BufferState, item: O::Item, handover: &mut Handover) {
        state.unfinished += 1;
        state.items.release(1, handover);
        // A getter that was handed the permit can't come for the item before the mutex is released.
        self.items().put(item);
    }

    /// With an item's permit taken: fetches it and makes room.
    fn fetch(&self, state: &mut BufferState, handover: &mut Handover) -> O::Item {
        state.room.release(1, handover);
        if state.has_ended() {
            state.items.dismiss_all(&mut handover.wakers);
        }
        self.items().take().expect("there is an item for every permit")
    }

    #[cold]
    fn give_up(&self, ticket: Ticket, queue: fn(&mut BufferState) -> &mut PermitQueue) {
        self.state.with(|state, handover| queue(state).give_up(ticket, handover));
    }

    fn items(&self) -> MutexGuard<'_, O> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts an item; gives it back if the buffer is closed.
pub(super) struct Put<'a, O: QueueOrder> {
    buffer: &'a Buffer<O>,
    item: Option<O::Item>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

/// The item is kept, not pinned.
impl<O: QueueOrder> Unpin for Put<'_, O> {}

impl<O: QueueOrder> Future for Put<'_, O> {
    type Output = Result<(), O::Item>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), O::Item>> {
        let Put { buffer, item, ticket, at } = self.get_mut();
        if ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let polled = buffer.state.with(|state, handover| {
            let closed = state.closed;
            if !closed {
                ready!(state.room.poll_take(ticket, 1, cx, handover));
            } else if let Some(ticket) = ticket.take() {
                state.room.give_up(ticket, handover);
            }
            let item = item.take().expect("not polled again after it was ready");
            if closed {
                return Poll::Ready(Err(item));
            }
            buffer.add(state, item, handover);
            Poll::Ready(Ok(()))
        });
        if polled.is_pending() {
            traps::park_for(TaskState::QueuePut, at, Resource::Nothing, &|| {
                buffer.state.peek(|state| format!("full, {}", state.room.describe_line()))
            });
        }
        polled
    }
}

impl<O: QueueOrder> Drop for Put<'_, O> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.buffer.give_up(ticket, |state| &mut state.room);
        }
    }
}

/// Takes an item; `None` when the buffer is closed and empty.
pub(super) struct Get<'a, O: QueueOrder> {
    buffer: &'a Buffer<O>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl<O: QueueOrder> Future for Get<'_, O> {
    type Output = Option<O::Item>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<O::Item>> {
        let Get { buffer, ticket, at } = self.get_mut();
        if ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let polled = buffer.state.with(|state, handover| {
            if state.has_ended() {
                if let Some(ticket) = ticket.take() {
                    state.items.give_up(ticket, handover);
                }
                return Poll::Ready(None);
            }
            ready!(state.items.poll_take(ticket, 1, cx, handover));
            Poll::Ready(Some(buffer.fetch(state, handover)))
        });
        if polled.is_pending() {
            traps::park_for(TaskState::QueueGet, at, Resource::Nothing, &|| {
                buffer.state.peek(|state| format!("empty, {}", state.items.describe_line()))
            });
        }
        polled
    }
}

impl<O: QueueOrder> Drop for Get<'_, O> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.buffer.give_up(ticket, |state| &mut state.items);
        }
    }
}

impl<O: QueueOrder> Awaited for Buffer<O> {
    type State = BufferState;

    fn with<R>(&self, change: impl FnOnce(&mut BufferState, &mut Wakers) -> R) -> R {
        self.state.with(|state, handover| change(state, &mut handover.wakers))
    }

    fn wait_set(state: &mut BufferState) -> &mut WaitSet {
        &mut state.joining
    }

    fn describe(&self) -> String {
        self.state.peek(|state| match (state.unfinished, state.items.free()) {
            (1, left) => format!("1 item is not done, {left} of them in the queue"),
            (items, left) => format!("{items} items are not done, {left} of them in the queue"),
        })
    }
}

/// Waits until every item that was put has been reported as processed.
pub(super) struct Join<'a, O: QueueOrder>(SetWait<'a, Buffer<O>>);

impl<O: QueueOrder> Future for Join<'_, O> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx, |state, progress, _| {
            let done = match progress {
                Progress::Arriving => state.unfinished == 0,
                Progress::Waiting => false,
                Progress::Released => true,
            };
            done.then_some(())
        })
    }
}
