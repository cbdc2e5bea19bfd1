//! The wait queue under every primitive that serves its waiters in order.
//!
//! A wait is in one of two states:
//!
//! ```text
//! poll_turn ─▶ Waiting ── grant_front ─▶ Granted ── leave (claimed; or dropped, and its owner passes it on)
//!                 └────── leave (dropped)
//! ```
//!
//! `Granted` is what makes the queue fair. Between being granted its turn and being polled, a waiter *owns* what it waited
//! for. So a release makes nothing available to newcomers while a waiter is queued, and no waiter is overtaken.
//!
//! Wakers are called and dropped when the queue is not borrowed: they are foreign code, and may come back here.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem;
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub(crate) struct WaitQueue {
    /// By ticket, and so in the order in which they came. Those that have been granted their turn stay until they leave.
    waits: RefCell<BTreeMap<u64, WaitState>>,
    /// The waits with lower tickets have been granted their turns, or have left.
    head: Cell<u64>,
    next_ticket: Cell<u64>,
}

enum WaitState {
    Waiting(Waker),
    Granted,
}

impl WaitQueue {
    /// Ready when the wait has been granted its turn. Otherwise it waits, from its first poll on and with the waker of its last one.
    /// The ticket names it.
    pub(crate) fn poll_turn(&self, ticket: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<()> {
        let ticket = *ticket.get_or_insert_with(|| self.next_ticket.replace(self.next_ticket.get() + 1));
        let mut waits = self.waits.borrow_mut();
        if let Some(WaitState::Granted) = waits.get(&ticket) {
            return Poll::Ready(());
        }
        let replaced = waits.insert(ticket, WaitState::Waiting(cx.waker().clone()));
        drop(waits);
        drop(replaced);
        Poll::Pending
    }

    /// Grants the first queued wait its turn. False if none is queued.
    pub(crate) fn grant_front(&self) -> bool {
        let mut waits = self.waits.borrow_mut();
        let Some((ticket, wait)) = waits.range_mut(self.head.get()..).next() else { return false };
        self.head.set(ticket + 1);
        let served = mem::replace(wait, WaitState::Granted);
        drop(waits);
        if let WaitState::Waiting(waker) = served {
            waker.wake();
        }
        true
    }

    /// Takes a wait out, if it has entered. True if it had been granted its turn.
    pub(crate) fn leave(&self, ticket: &mut Option<u64>) -> bool {
        let Some(ticket) = ticket.take() else { return false };
        let left = self.waits.borrow_mut().remove(&ticket);
        matches!(left, Some(WaitState::Granted))
    }
}
