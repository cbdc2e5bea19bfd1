//! What the two sides of a channel share.
//!
//! The two lines are those of a [queue](crate::sync::buffer): one for items, one for room. What is new is the end.
//! After `close`, or when all senders or all receivers are gone, nothing more can be put in; whoever waited for
//! room is sent away and finds that out. What is inside can still be received. Receivers that wait behind it are
//! sent away when the *last item has been fetched*, not before: until then one that was handed an item may give
//! it up, and it must not get lost.

use super::SendError;
use crate::kernel::grants::{GrantId, Revoke};
use crate::sync::permit_queue::PermitQueue;
use crate::sync::shared::{Revocable, Shared};
use crate::sync::wait_queue::{Ticket, Wakes};
use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

pub(super) struct Ends<T> {
    lines: Arc<Shared<Lines>>,
    /// Locked inside the lines' mutex, never the other way round.
    store: Arc<Mutex<VecDeque<T>>>,
}

struct Lines {
    /// How many items may be taken, and who waits for one.
    items: PermitQueue,
    /// How many may be put, and who waits to put one.
    room: PermitQueue,
    /// How many items are there, whether they may be taken or belong to somebody who was handed one.
    stored: usize,
    closed: bool,
    senders: usize,
    receivers: usize,
}

const ITEMS: u8 = 0;
const ROOM: u8 = 1;

impl<T> Ends<T> {
    /// With one sender and one receiver.
    pub(super) fn new(cap: usize) -> Ends<T> {
        let lines = Lines {
            items: PermitQueue::new(0, ITEMS),
            room: PermitQueue::new(cap, ROOM),
            stored: 0,
            closed: false,
            senders: 1,
            receivers: 1,
        };
        Ends { lines: Shared::new(lines), store: Arc::new(Mutex::new(VecDeque::new())) }
    }

    /// For another handle, or the other side.
    pub(super) fn share(&self) -> Ends<T> {
        Ends { lines: Arc::clone(&self.lines), store: Arc::clone(&self.store) }
    }

    pub(super) fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        let mut lines = self.lines.lock();
        if lines.closed {
            return Err(SendError::Closed(item));
        }
        if !lines.room.try_take(1) {
            return Err(SendError::Full(item));
        }
        self.add(lines, item);
        Ok(())
    }

    pub(super) fn try_recv(&self) -> Option<T> {
        let mut lines = self.lines.lock();
        if !lines.items.try_take(1) {
            return None;
        }
        Some(self.fetch(lines))
    }

    /// `item` is taken when this is ready.
    pub(super) fn poll_send(
        &self,
        ticket: &mut Option<Ticket>,
        item: &mut Option<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        let mut take_item = || item.take().expect("not polled again after it was ready");
        let mut lines = self.lines.lock();
        if lines.closed {
            drop(lines);
            if let Some(ticket) = ticket.take() {
                self.give_up_room(ticket);
            }
            return Poll::Ready(Err(SendError::Closed(take_item())));
        }
        let (polled, replaced) = lines.room.poll_take(ticket, 1, cx);
        if polled.is_ready() {
            self.add(lines, take_item());
            return Poll::Ready(Ok(()));
        }
        drop(lines);
        drop(replaced);
        Poll::Pending
    }

    pub(super) fn poll_recv(&self, ticket: &mut Option<Ticket>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut lines = self.lines.lock();
        if lines.has_ended() {
            drop(lines);
            if let Some(ticket) = ticket.take() {
                self.give_up_item(ticket);
            }
            return Poll::Ready(None);
        }
        let (polled, replaced) = lines.items.poll_take(ticket, 1, cx);
        if polled.is_ready() {
            return Poll::Ready(Some(self.fetch(lines)));
        }
        drop(lines);
        drop(replaced);
        Poll::Pending
    }

    pub(super) fn give_up_room(&self, ticket: Ticket) {
        self.give_up(ticket, ROOM);
    }

    pub(super) fn give_up_item(&self, ticket: Ticket) {
        self.give_up(ticket, ITEMS);
    }

    pub(super) fn close(&self) {
        let mut wakes = Wakes::default();
        let mut lines = self.lines.lock();
        lines.close(&mut wakes);
        drop(lines);
        wakes.wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lines.lock().closed
    }

    pub(super) fn add_sender(&self) {
        self.lines.lock().senders += 1;
    }

    pub(super) fn add_receiver(&self) {
        self.lines.lock().receivers += 1;
    }

    pub(super) fn remove_sender(&self) {
        let mut wakes = Wakes::default();
        let mut lines = self.lines.lock();
        lines.senders -= 1;
        if lines.senders == 0 {
            lines.close(&mut wakes);
        }
        drop(lines);
        wakes.wake();
    }

    pub(super) fn remove_receiver(&self) {
        let mut wakes = Wakes::default();
        let mut lines = self.lines.lock();
        lines.receivers -= 1;
        let mut unwanted = VecDeque::new();
        if lines.receivers == 0 {
            lines.close(&mut wakes);
            lines.stored = 0;
            unwanted = mem::take(&mut *self.store());
        }
        drop(lines);
        wakes.wake();
        drop(unwanted);
    }

    /// With room taken: adds the item and hands it on.
    fn add(&self, mut lines: MutexGuard<'_, Lines>, item: T) {
        let mut wakes = Wakes::default();
        self.store().push_back(item);
        lines.stored += 1;
        lines.items.release(1, &mut wakes, || self.lines.watch());
        drop(lines);
        wakes.wake();
    }

    /// With an item's permit taken: fetches it and makes room.
    fn fetch(&self, mut lines: MutexGuard<'_, Lines>) -> T {
        let mut wakes = Wakes::default();
        let item = self.store().pop_front().expect("there is an item for every permit");
        lines.stored -= 1;
        lines.room.release(1, &mut wakes, || self.lines.watch());
        if lines.has_ended() {
            lines.items.dismiss_all(&mut wakes);
        }
        drop(lines);
        wakes.wake();
        item
    }

    fn give_up(&self, ticket: Ticket, line: u8) {
        let mut wakes = Wakes::default();
        let waker = self.lines.lock().line(line).give_up(ticket, &mut wakes, || self.lines.watch());
        drop(waker);
        wakes.wake();
    }

    fn store(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        self.room.dismiss_all(wakes);
        if self.has_ended() {
            self.items.dismiss_all(wakes);
        }
    }

    /// Whether nothing will ever come out any more.
    fn has_ended(&self) -> bool {
        self.closed && self.stored == 0
    }

    fn line(&mut self, number: u8) -> &mut PermitQueue {
        if number == ITEMS { &mut self.items } else { &mut self.room }
    }
}

impl Revocable for Lines {
    fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        self.line(grant.line).revoke(grant, wakes, watch);
    }
}
