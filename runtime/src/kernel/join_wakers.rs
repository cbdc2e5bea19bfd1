//! The wakers of the tasks that wait for the end of a task.
//!
//! Nearly always there is one or none, so one is kept in place and only further ones need memory of their own. Each wait
//! has a ticket, so that a wait that is dropped removes its own waker and no other: O(log n).

use crate::kernel::waker::is_as_good;
use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

#[derive(Default)]
pub(crate) struct JoinWakers {
    first: Option<Waker>,
    /// Of the first one, if there is one. Beside it and not in it, where it would take a word of its own.
    first_ticket: u32,
    next_ticket: u32,
    /// By ticket, and so in the order in which they came. Boxed, because nearly no task has any, and every task has
    /// room for this.
    #[expect(clippy::box_collection, reason = "a pointer is a third of a map")]
    others: Option<Box<BTreeMap<u32, Waker>>>,
}

impl JoinWakers {
    /// Adds a waiter, or renews the waker of the one that holds `ticket`. Returns the ticket, and the waker that
    /// was replaced, to be dropped outside of any borrow.
    pub(crate) fn wait(&mut self, ticket: Option<u32>, waker: &Waker) -> (u32, Option<Waker>) {
        if let Some(ticket) = ticket
            && let Some(kept) = self.waker_of(ticket)
        {
            let replaced = (!is_as_good(kept, waker)).then(|| mem::replace(kept, waker.clone()));
            return (ticket, replaced);
        }
        let ticket = self.next_ticket;
        self.next_ticket = ticket.wrapping_add(1);
        let waker = waker.clone();
        if self.first.is_none() && self.others.is_none() {
            (self.first, self.first_ticket) = (Some(waker), ticket);
        } else {
            self.others.get_or_insert_default().insert(ticket, waker);
        }
        (ticket, None)
    }

    /// Takes a waiter back; its waker is to be dropped outside of any borrow.
    pub(crate) fn give_up(&mut self, ticket: u32) -> Option<Waker> {
        if self.first_ticket == ticket && self.first.is_some() {
            return self.first.take();
        }
        self.others.as_mut()?.remove(&ticket)
    }

    fn waker_of(&mut self, ticket: u32) -> Option<&mut Waker> {
        if let Some(first) = &mut self.first
            && self.first_ticket == ticket
        {
            return Some(first);
        }
        self.others.as_mut()?.get_mut(&ticket)
    }

    /// Takes all wakers out, to be called. Tickets given out so far are void, and none is given out again.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Waker> + use<> {
        let emptied = JoinWakers { next_ticket: self.next_ticket, ..JoinWakers::default() };
        mem::replace(self, emptied).into_wakers()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.as_ref().is_none_or(|others| others.is_empty())
    }

    /// All wakers, to be called now that there is nothing left to wait for.
    pub(crate) fn into_wakers(self) -> impl Iterator<Item = Waker> {
        let others = self.others.into_iter().flat_map(|others| *others);
        self.first.into_iter().chain(others.map(|(_, waker)| waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::waker::logging;
    use std::sync::{Arc, Mutex};

    fn taken(log: &Arc<Mutex<Vec<u64>>>) -> Vec<u64> {
        std::mem::take(&mut *log.lock().unwrap())
    }

    #[test]
    fn all_are_woken_in_the_order_in_which_they_came() {
        let (mut join_wakers, log) = (JoinWakers::default(), Arc::default());
        for number in 0..5 {
            join_wakers.wait(None, &logging(number, &log));
        }
        join_wakers.into_wakers().for_each(Waker::wake);
        assert_eq!(taken(&log), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_dropped_wait_removes_its_own_waker_and_no_other() {
        for leaving in 0..4 {
            let (mut join_wakers, log) = (JoinWakers::default(), Arc::default());
            let tickets: Vec<_> =
                (0..4).map(|number| join_wakers.wait(None, &logging(number, &log)).0).collect();
            join_wakers.give_up(tickets[leaving as usize]).expect("its waker comes back").wake();
            assert_eq!(taken(&log), [leaving]);
            assert!(join_wakers.give_up(tickets[leaving as usize]).is_none(), "only once");
            join_wakers.wait(None, &logging(9, &log));
            join_wakers.into_wakers().for_each(Waker::wake);
            let stayed: Vec<_> = (0..4).filter(|number| *number != leaving).chain([9]).collect();
            assert_eq!(taken(&log), stayed, "a newcomer is the last");
        }
    }

    #[test]
    fn asking_again_renews_the_waker_and_keeps_the_place() {
        let (mut join_wakers, log) = (JoinWakers::default(), Arc::default());
        let (first, second) = (logging(1, &log), logging(2, &log));
        let (ticket, _) = join_wakers.wait(None, &first);
        let (other, _) = join_wakers.wait(None, &second);
        assert!(join_wakers.wait(Some(ticket), &first).1.is_none(), "the same waker need not be replaced");
        let replaced = join_wakers.wait(Some(ticket), &logging(3, &log));
        assert!(replaced.0 == ticket && replaced.1.is_some_and(|waker| waker.will_wake(&first)));
        let replaced = join_wakers.wait(Some(other), &logging(4, &log));
        assert!(replaced.0 == other && replaced.1.is_some_and(|waker| waker.will_wake(&second)));
        join_wakers.into_wakers().for_each(Waker::wake);
        assert_eq!(taken(&log), [3, 4]);
    }

    #[test]
    fn tickets_from_before_a_drain_are_void_after_it() {
        let (mut join_wakers, log) = (JoinWakers::default(), Arc::default());
        let (old, _) = join_wakers.wait(None, &logging(1, &log));
        join_wakers.drain().for_each(Waker::wake);
        assert_eq!(taken(&log), [1]);
        let (new, _) = join_wakers.wait(None, &logging(2, &log));
        assert_ne!(old, new);
        assert!(join_wakers.give_up(old).is_none() && join_wakers.give_up(new).is_some());
    }

    #[test]
    fn a_hundred_thousand_waits_that_are_given_up_take_no_quadratic_time() {
        let begun = std::time::Instant::now();
        for newest_first in [false, true] {
            let mut join_wakers = JoinWakers::default();
            let mut tickets: Vec<_> = (0..100_000).map(|_| join_wakers.wait(None, Waker::noop()).0).collect();
            if newest_first {
                tickets.reverse();
            }
            for ticket in tickets {
                assert!(join_wakers.give_up(ticket).is_some());
            }
            assert!(join_wakers.is_empty());
        }
        // With a search through all the others at each it takes minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }
}
