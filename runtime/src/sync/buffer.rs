//! The bounded buffer inside every queue.
//!
//! Two lines, as in Dijkstra's solution of 1965: one for *items*, one for *room*. To put is to take room, add the
//! item and release one in the line of items; to get is the reverse. Being handed over is being handed an item's
//! or a place's *permit*; the item itself stays where it is until the getter fetches it. So a get that is dropped
//! has nothing to put back, and a put that is dropped has put nothing.

use super::permit_queue::PermitQueue;
use super::queue_order::QueueOrder;
use super::shared::{Revocable, Shared};
use super::wait_queue::{Ticket, Wakes};
use super::wait_set::WaitSet;
use crate::kernel::grants::{GrantId, Revoke};
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

pub(super) struct Buffer<S> {
    capacity: usize,
    /// Made on first use, so that `new` can be `const`.
    lines: OnceLock<Arc<Shared<Lines>>>,
    /// Locked inside the lines' mutex or alone, never the other way round.
    store: Mutex<S>,
}

struct Lines {
    /// How many items may be taken, and who waits for one.
    items: PermitQueue,
    /// How many may be put, and who waits to put one.
    room: PermitQueue,
    /// Put, and `task_done` not called for them yet.
    unfinished: usize,
    joining: WaitSet,
}

const ITEMS: u8 = 0;
const ROOM: u8 = 1;

impl<S: QueueOrder> Buffer<S> {
    pub(super) const fn new(maxsize: usize) -> Buffer<S> {
        let capacity = if maxsize == 0 { usize::MAX } else { maxsize };
        Buffer { capacity, lines: OnceLock::new(), store: Mutex::new(S::EMPTY) }
    }

    pub(super) fn put(&self, item: S::Item, at: &'static Location<'static>) -> Put<'_, S> {
        Put { buffer: self, item: Some(item), ticket: None, at }
    }

    pub(super) fn get(&self, at: &'static Location<'static>) -> Get<'_, S> {
        Get { buffer: self, ticket: None, at }
    }

    pub(super) fn join(&self, at: &'static Location<'static>) -> Join<'_, S> {
        Join { buffer: self, ticket: None, at }
    }

    pub(super) fn try_put(&self, item: S::Item) -> Result<(), S::Item> {
        let mut lines = self.lock();
        if !lines.room.try_take(1) {
            return Err(item);
        }
        self.add(lines, item);
        Ok(())
    }

    pub(super) fn try_get(&self) -> Option<S::Item> {
        let mut lines = self.lock();
        if !lines.items.try_take(1) {
            return None;
        }
        Some(self.fetch(lines))
    }

    pub(super) fn size(&self) -> usize {
        self.lock().items.free()
    }

    pub(super) fn is_full(&self) -> bool {
        self.lock().room.free() == 0
    }

    /// False if it was called more often than items were put.
    pub(super) fn task_done(&self) -> bool {
        let mut wakes = Wakes::default();
        let mut lines = self.lock();
        let Some(left) = lines.unfinished.checked_sub(1) else { return false };
        lines.unfinished = left;
        if left == 0 {
            lines.joining.release_all(&mut wakes);
        }
        drop(lines);
        wakes.wake();
        true
    }

    /// With room taken: adds the item and hands it on. The books come first: an item's `cmp` may panic.
    fn add(&self, lines: MutexGuard<'_, Lines>, item: S::Item) {
        let mut wakes = Wakes::default();
        // Moved here, below the wakers, so that a panic unlocks before it wakes.
        let mut lines = lines;
        lines.unfinished += 1;
        lines.items.release(1, &mut wakes, || self.shared().watch());
        // Whoever was handed the permit can't come for the item before the lines are free.
        self.store().put(item);
        drop(lines);
        wakes.wake();
    }

    /// With an item's permit taken: fetches it and makes room.
    fn fetch(&self, lines: MutexGuard<'_, Lines>) -> S::Item {
        let mut wakes = Wakes::default();
        let mut lines = lines;
        lines.room.release(1, &mut wakes, || self.shared().watch());
        let item = self.store().take().expect("there is an item for every permit");
        drop(lines);
        wakes.wake();
        item
    }

    fn give_up(&self, ticket: Ticket, line: u8) {
        let mut wakes = Wakes::default();
        let waker = self.lock().line(line).give_up(ticket, &mut wakes, || self.shared().watch());
        drop(waker);
        wakes.wake();
    }

    fn shared(&self) -> &Arc<Shared<Lines>> {
        self.lines.get_or_init(|| {
            Shared::new(Lines {
                items: PermitQueue::new(0, ITEMS),
                room: PermitQueue::new(self.capacity, ROOM),
                unfinished: 0,
                joining: WaitSet::new(),
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.shared().lock()
    }

    fn store(&self) -> MutexGuard<'_, S> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn line(&mut self, number: u8) -> &mut PermitQueue {
        if number == ITEMS { &mut self.items } else { &mut self.room }
    }
}

impl Revocable for Lines {
    fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        self.line(grant.line).revoke(grant, wakes, watch);
    }
}

pub(super) struct Put<'a, S: QueueOrder> {
    buffer: &'a Buffer<S>,
    item: Option<S::Item>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

/// The item is kept, not pinned.
impl<S: QueueOrder> Unpin for Put<'_, S> {}

impl<S: QueueOrder> Future for Put<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut lines = this.buffer.lock();
        let (polled, replaced) = lines.room.poll_take(&mut this.ticket, 1, cx);
        if polled.is_ready() {
            let item = this.item.take().expect("not polled again after it was ready");
            this.buffer.add(lines, item);
            return Poll::Ready(());
        }
        drop(lines);
        drop(replaced);
        traps::park(TaskState::QueuePut, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<S: QueueOrder> Drop for Put<'_, S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.buffer.give_up(ticket, ROOM);
        }
    }
}

pub(super) struct Get<'a, S: QueueOrder> {
    buffer: &'a Buffer<S>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl<S: QueueOrder> Future for Get<'_, S> {
    type Output = S::Item;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Item> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut lines = this.buffer.lock();
        let (polled, replaced) = lines.items.poll_take(&mut this.ticket, 1, cx);
        if polled.is_ready() {
            return Poll::Ready(this.buffer.fetch(lines));
        }
        drop(lines);
        drop(replaced);
        traps::park(TaskState::QueueGet, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<S: QueueOrder> Drop for Get<'_, S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.buffer.give_up(ticket, ITEMS);
        }
    }
}

pub(super) struct Join<'a, S: QueueOrder> {
    buffer: &'a Buffer<S>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl<S: QueueOrder> Future for Join<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut lines = this.buffer.lock();
        let released = lines.joining.released(&mut this.ticket);
        if released || this.ticket.is_none() && lines.unfinished == 0 {
            return Poll::Ready(());
        }
        let replaced = lines.joining.wait(&mut this.ticket, cx);
        drop(lines);
        drop(replaced);
        traps::park(TaskState::QueueJoin, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<S: QueueOrder> Drop for Join<'_, S> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.buffer.lock().joining.leave(&mut self.ticket);
            drop(left);
        }
    }
}
