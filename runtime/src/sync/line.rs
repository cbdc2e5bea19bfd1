//! A line: how many of something are free, and who waits for how many.
//!
//! The invariant is one sentence: *while anybody is in line, what is free is not enough for the first of them.*
//! Taking is only allowed when nobody is in line; everything that frees something serves the line before it lets
//! go of the mutex.

use super::wait_queue::{Ticket, WaitQueue, WaitState, Wakes};
use crate::grants::{Grant, GrantId, Revoke};
use crate::traps;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

pub(super) struct Line {
    free: usize,
    waiting: WaitQueue<usize>,
    /// Tells the lines of one primitive apart, for the kernel's watch.
    number: u8,
}

impl Line {
    pub(super) const fn new(free: usize, number: u8) -> Line {
        Line { free, waiting: WaitQueue::new(), number }
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

    /// Takes `wanted`, or waits in line for them.
    pub(super) fn poll_take(
        &mut self,
        ticket: &mut Option<Ticket>,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> (Poll<()>, Leftovers) {
        let mut leftovers = Leftovers::default();
        if let Some(waiting) = *ticket {
            if self.waiting.state(waiting) == WaitState::Waiting {
                leftovers.waker = self.waiting.renew(waiting, cx.waker(), traps::grantee());
                return (Poll::Pending, leftovers);
            }
            let left = self.waiting.leave(waiting);
            *ticket = None;
            leftovers = Leftovers { waker: left.waker, grant: left.watched.and_then(traps::claimed) };
            if left.state == WaitState::Granted {
                return (Poll::Ready(()), leftovers);
            }
            // Revoked: nobody had polled this wait for too long. It starts again.
        }
        if self.try_take(wanted) {
            return (Poll::Ready(()), leftovers);
        }
        *ticket = Some(self.waiting.enter(wanted, cx.waker(), traps::grantee()));
        (Poll::Pending, leftovers)
    }

    /// Ends a wait that is being dropped; what it was granted goes on to the next.
    pub(super) fn give_up(
        &mut self,
        ticket: Ticket,
        wakes: &mut Wakes,
        watch: impl Fn() -> Arc<dyn Revoke>,
    ) -> Leftovers {
        let left = self.waiting.leave(ticket);
        if left.state == WaitState::Granted {
            self.free += left.value;
        }
        // Even one that was only waiting may have been the first, who wanted more than there was.
        self.serve(wakes, watch);
        Leftovers { waker: left.waker, grant: left.watched.and_then(traps::claimed) }
    }

    /// Gives back `count`: to the first in line, or to whoever comes next.
    pub(super) fn release(&mut self, count: usize, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        self.free += count;
        self.serve(wakes, watch);
    }

    /// The kernel saw that a grant is not claimed.
    pub(super) fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        if let Some(&wanted) = self.waiting.revoke(grant.index, grant.sequence) {
            self.free += wanted;
            self.serve(wakes, watch);
        }
    }

    fn serve(&mut self, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        while let Some(&wanted) = self.waiting.front()
            && wanted <= self.free
            && let Some((ticket, grantee, waker)) = self.waiting.grant_front()
        {
            self.free -= wanted;
            wakes.add(waker);
            let id = GrantId { line: self.number, index: ticket.index, sequence: ticket.sequence };
            let watched = grantee.and_then(|grantee| traps::granted(grantee, &watch, id));
            self.waiting.set_watched(ticket, watched);
        }
    }
}

/// What a wait leaves behind, to be dropped when nothing is locked: both may be the last handle of something.
#[derive(Default)]
#[must_use]
pub(super) struct Leftovers {
    waker: Option<Waker>,
    #[expect(dead_code, reason = "kept to be dropped late")]
    grant: Option<Grant>,
}
