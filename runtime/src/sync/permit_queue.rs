//! A line: how many of something are free, and who waits for how many.
//!
//! The invariant is one sentence: *while anybody is in line, what is free is not enough for the first of them.*
//! Taking is only allowed when nobody is in line; everything that frees something serves the line before it lets
//! go of the mutex.

use super::wait_queue::{Ticket, WaitQueue, WaitState, Wakes};
use crate::kernel::grants::{GrantId, Revoke};
use crate::traps;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

pub(super) struct PermitQueue {
    free: usize,
    waiting: WaitQueue<usize>,
    /// Tells the lines of one primitive apart, for the kernel's watch.
    number: u8,
}

impl PermitQueue {
    pub(super) const fn new(free: usize, number: u8) -> PermitQueue {
        PermitQueue { free, waiting: WaitQueue::new(), number }
    }

    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// Takes `wanted` if they are free and nobody is in line.
    pub(super) fn try_take(&mut self, wanted: usize) -> bool {
        let may = self.free >= wanted && self.waiting.is_empty();
        if may {
            self.free -= wanted;
        }
        may
    }

    /// Takes `wanted`, or waits in line for them. The waker that comes back is to be dropped when nothing is locked.
    #[inline]
    pub(super) fn poll_take(
        &mut self,
        ticket: &mut Option<Ticket>,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> (Poll<()>, Option<Waker>) {
        if ticket.is_none() && self.try_take(wanted) {
            return (Poll::Ready(()), None);
        }
        self.poll_turn(ticket, wanted, cx)
    }

    fn poll_turn(
        &mut self,
        ticket: &mut Option<Ticket>,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> (Poll<()>, Option<Waker>) {
        if let Some(waiting) = *ticket {
            if self.waiting.state(waiting) == WaitState::Waiting {
                return (Poll::Pending, self.waiting.renew(waiting, cx.waker(), traps::grantee()));
            }
            let left = self.waiting.leave(waiting);
            *ticket = None;
            traps::claimed(left.watched);
            if left.state == WaitState::Granted {
                return (Poll::Ready(()), None);
            }
            // Dismissed, perhaps because nobody had polled this wait for too long. It starts again.
            if self.try_take(wanted) {
                return (Poll::Ready(()), None);
            }
        }
        *ticket = Some(self.waiting.enter(wanted, cx.waker(), traps::grantee()));
        (Poll::Pending, None)
    }

    /// Ends a wait that is being dropped; what it was granted goes on to the next. Its waker is to be dropped when
    /// nothing is locked.
    pub(super) fn give_up(
        &mut self,
        ticket: Ticket,
        wakes: &mut Wakes,
        watch: impl Fn() -> Arc<dyn Revoke>,
    ) -> Option<Waker> {
        let left = self.waiting.leave(ticket);
        if left.state == WaitState::Granted {
            self.free += left.value;
        }
        // Even one that was only waiting may have been the first, who wanted more than there was.
        self.serve(wakes, watch);
        traps::claimed(left.watched);
        left.waker
    }

    /// Gives back `count`: to the first in line, or to whoever comes next.
    pub(super) fn release(&mut self, count: usize, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        self.free += count;
        self.serve(wakes, watch);
    }

    /// The kernel saw that a grant is not claimed.
    pub(super) fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        if let Some(wanted) = self.waiting.revoke(grant.index, grant.sequence) {
            self.free += wanted;
            self.serve(wakes, watch);
        }
    }

    /// Sends everybody in line away, to look again at what they came for.
    pub(super) fn dismiss_all(&mut self, wakes: &mut Wakes) {
        while let Some(waker) = self.waiting.dismiss_front() {
            wakes.add(waker);
        }
    }

    fn serve(&mut self, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        while let Some(wanted) = self.waiting.front()
            && wanted <= self.free
            && hand_over(&mut self.waiting, self.number, wakes, &watch)
        {
            self.free -= wanted;
        }
    }
}

/// Gives the first in line its turn, and lets the kernel watch whether it is claimed. False if nobody waits.
pub(super) fn hand_over<N: Copy>(
    waiting: &mut WaitQueue<N>,
    line: u8,
    wakes: &mut Wakes,
    watch: impl Fn() -> Arc<dyn Revoke>,
) -> bool {
    let Some((ticket, grantee, waker)) = waiting.grant_front() else { return false };
    wakes.add(waker);
    let id = GrantId { line, index: ticket.index, sequence: ticket.sequence };
    let watched = grantee.and_then(|grantee| traps::granted(grantee, watch, id));
    waiting.set_watched(ticket, watched);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(line: &mut PermitQueue, ticket: &mut Option<Ticket>, wanted: usize) -> bool {
        line.poll_take(ticket, wanted, &mut Context::from_waker(Waker::noop())).0.is_ready()
    }

    /// Nobody waits in a kernel here, so nobody is watched.
    fn unwatched() -> Arc<dyn Revoke> {
        unreachable!("a wait outside of a kernel is not watched")
    }

    fn release(line: &mut PermitQueue, count: usize) {
        line.release(count, &mut Wakes::default(), unwatched);
    }

    fn give_up(line: &mut PermitQueue, ticket: Option<Ticket>) {
        line.give_up(ticket.expect("it waits"), &mut Wakes::default(), unwatched);
    }

    #[test]
    fn what_is_free_is_taken_at_once() {
        let mut line = PermitQueue::new(3, 0);
        assert!(line.try_take(2) && !line.try_take(2) && line.try_take(1));
        assert_eq!(line.free(), 0);
        let mut ticket = None;
        assert!(poll(&mut line, &mut ticket, 0) && ticket.is_none(), "nothing is always there");
    }

    #[test]
    fn nobody_takes_anything_while_somebody_is_in_line() {
        let mut line = PermitQueue::new(2, 0);
        let (mut large, mut small) = (None, None);
        assert!(!poll(&mut line, &mut large, 3));
        assert!(!line.try_take(1) && !poll(&mut line, &mut small, 1));
        assert_eq!(line.free(), 2, "and nothing is set aside");
        release(&mut line, 1);
        assert!(poll(&mut line, &mut large, 3) && large.is_none());
        assert!(!poll(&mut line, &mut small, 1));
    }

    #[test]
    fn a_release_serves_as_many_as_it_is_enough_for() {
        let mut line = PermitQueue::new(0, 0);
        let mut tickets = [None; 4];
        for ticket in &mut tickets {
            assert!(!poll(&mut line, ticket, 2));
        }
        release(&mut line, 5);
        assert_eq!(line.free(), 1);
        let served = tickets.each_mut().map(|ticket| poll(&mut line, ticket, 2));
        assert_eq!(served, [true, true, false, false]);
    }

    #[test]
    fn what_was_granted_to_a_wait_that_is_given_up_goes_on() {
        let mut line = PermitQueue::new(0, 0);
        let [mut first, mut second] = [None; 2];
        assert!(!poll(&mut line, &mut first, 1) && !poll(&mut line, &mut second, 1));
        release(&mut line, 1);
        give_up(&mut line, first);
        assert!(poll(&mut line, &mut second, 1));
        assert_eq!(line.free(), 0);
    }

    #[test]
    fn giving_up_a_large_wait_serves_the_small_ones_behind_it() {
        let mut line = PermitQueue::new(1, 0);
        let [mut large, mut small] = [None; 2];
        assert!(!poll(&mut line, &mut large, 2) && !poll(&mut line, &mut small, 1));
        give_up(&mut line, large);
        assert!(poll(&mut line, &mut small, 1));
    }

    #[test]
    fn a_revoked_wait_queues_again_at_the_end() {
        let mut line = PermitQueue::new(0, 0);
        let [mut first, mut second] = [None; 2];
        assert!(!poll(&mut line, &mut first, 1) && !poll(&mut line, &mut second, 1));
        release(&mut line, 1);
        let Ticket { index, sequence } = first.unwrap();
        line.revoke(GrantId { line: 0, index, sequence }, &mut Wakes::default(), unwatched);
        assert!(!poll(&mut line, &mut first, 1), "it was passed over");
        assert!(poll(&mut line, &mut second, 1));
        release(&mut line, 1);
        assert!(poll(&mut line, &mut first, 1));
        line.revoke(GrantId { line: 0, index, sequence }, &mut Wakes::default(), unwatched);
        assert_eq!(line.free(), 0, "what was claimed cannot be revoked");
    }

    #[test]
    fn whoever_is_sent_away_looks_again() {
        let mut line = PermitQueue::new(1, 0);
        let [mut large, mut small] = [None; 2];
        assert!(!poll(&mut line, &mut large, 2) && !poll(&mut line, &mut small, 1));
        line.dismiss_all(&mut Wakes::default());
        assert!(poll(&mut line, &mut small, 1), "nobody is in line any more");
        assert!(!poll(&mut line, &mut large, 2) && large.is_some());
    }

    /// The sentence at the head of this file.
    #[test]
    fn while_anybody_is_in_line_what_is_free_is_not_enough_for_the_first() {
        let mut random = crate::kernel::random::Random::new(5);
        let mut line = PermitQueue::new(4, 0);
        let mut waiting: Vec<(Option<Ticket>, usize)> = Vec::new();
        let (mut held, mut granted) = (Vec::new(), 0);
        for _ in 0..50_000 {
            match random.below(4) {
                0 => {
                    let (mut ticket, wanted) = (None, 1 + random.below(4));
                    if poll(&mut line, &mut ticket, wanted) {
                        held.push(wanted)
                    } else {
                        waiting.push((ticket, wanted))
                    }
                }
                1 if !waiting.is_empty() => {
                    let index = random.below(waiting.len());
                    let (ticket, wanted) = &mut waiting[index];
                    if poll(&mut line, ticket, *wanted) {
                        held.push(*wanted);
                        waiting.swap_remove(index);
                        granted += 1;
                    }
                }
                2 if !waiting.is_empty() => {
                    let (ticket, _) = waiting.swap_remove(random.below(waiting.len()));
                    give_up(&mut line, ticket);
                }
                3 if !held.is_empty() => {
                    let count = held.swap_remove(random.below(held.len()));
                    release(&mut line, count);
                }
                _ => {}
            }
            assert!(line.waiting.front().is_none_or(|wanted| line.free() < wanted));
        }
        for (ticket, _) in waiting {
            give_up(&mut line, ticket);
        }
        assert!(granted > 1000, "the test waits often enough");
        assert_eq!(line.free() + held.into_iter().sum::<usize>(), 4, "nothing was lost or made");
    }
}
