//! Who waits for the end of a task.
//!
//! Nearly always nobody or one task, so one waiter is kept in place and only further ones need memory of their
//! own. Each holds a ticket, so that a wait that is given up takes back its own waker and nobody else's.

use crate::waker::renew;
use std::task::Waker;

struct Waiter {
    ticket: u32,
    waker: Option<Waker>,
}

#[derive(Default)]
pub(crate) struct Waiters {
    first: Option<Waiter>,
    /// Boxed, because nearly no task has any, and every task has room for this.
    #[expect(clippy::box_collection, reason = "a pointer is a third of a Vec")]
    others: Option<Box<Vec<Waiter>>>,
    next_ticket: u32,
}

impl Waiters {
    /// Adds a waiter, or renews the waker of the one that holds `ticket`. Returns the ticket, and the waker that
    /// was replaced, to be dropped outside of any borrow.
    pub(crate) fn wait(&mut self, ticket: Option<u32>, waker: &Waker) -> (u32, Option<Waker>) {
        if let Some(ticket) = ticket
            && let Some(waiter) = self
                .first
                .iter_mut()
                .chain(self.others.iter_mut().flat_map(|o| o.iter_mut()))
                .find(|waiter| waiter.ticket == ticket)
        {
            return (ticket, renew(&mut waiter.waker, waker));
        }
        let ticket = self.next_ticket;
        self.next_ticket = ticket.wrapping_add(1);
        let waiter = Waiter { ticket, waker: Some(waker.clone()) };
        match &mut self.first {
            none @ None if self.others.is_none() => *none = Some(waiter),
            _ => self.others.get_or_insert_default().push(waiter),
        }
        (ticket, None)
    }

    /// Takes a waiter back; its waker is to be dropped outside of any borrow.
    pub(crate) fn give_up(&mut self, ticket: u32) -> Option<Waker> {
        if let Some(waiter) = self.first.take_if(|waiter| waiter.ticket == ticket) {
            return waiter.waker;
        }
        let others = self.others.as_mut()?;
        let index = others.iter().position(|waiter| waiter.ticket == ticket)?;
        others.remove(index).waker
    }

    /// All wakers, to be called now that there is nothing left to wait for.
    pub(crate) fn into_wakers(self) -> impl Iterator<Item = Waker> {
        self.first
            .into_iter()
            .chain(self.others.into_iter().flat_map(|others| *others))
            .filter_map(|waiter| waiter.waker)
    }
}
