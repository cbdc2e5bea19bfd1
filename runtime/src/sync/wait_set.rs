//! A crowd: all who wait for the same thing to happen. Nothing is handed over, so all of them go on at once, and
//! a wait that is given up has nothing to pass on.

use super::wait_queue::{Left, Ticket, WaitQueue, WaitState, Wakes};
use std::task::{Context, Waker};

pub(super) struct WaitSet(WaitQueue<()>);

impl WaitSet {
    pub(super) const fn new() -> WaitSet {
        WaitSet(WaitQueue::new())
    }

    /// Lets everybody go on, in the order in which they came. O(waiters).
    pub(super) fn release_all(&mut self, wakes: &mut Wakes) {
        while let Some((_, _, waker)) = self.0.grant_front() {
            wakes.add(waker);
        }
    }

    /// Whether this wait has been released; then it is over.
    pub(super) fn released(&mut self, ticket: &mut Option<Ticket>) -> bool {
        let released = ticket.take_if(|ticket| self.0.state(*ticket) == WaitState::Granted);
        if let Some(ticket) = released {
            // Its waker went with the release, so nothing foreign is dropped here.
            self.0.leave(ticket);
        }
        released.is_some()
    }

    /// Waits, or waits on with another waker. The one it replaces is to be dropped when nothing is locked.
    pub(super) fn wait(&mut self, ticket: &mut Option<Ticket>, cx: &Context<'_>) -> Option<Waker> {
        match *ticket {
            Some(ticket) => self.0.renew(ticket, cx.waker(), None),
            None => {
                *ticket = Some(self.0.enter((), cx.waker(), None));
                None
            }
        }
    }

    /// Ends a wait. What is left is to be dropped when nothing is locked.
    pub(super) fn leave(&mut self, ticket: &mut Option<Ticket>) -> Option<Left<()>> {
        ticket.take().map(|ticket| self.0.leave(ticket))
    }
}
