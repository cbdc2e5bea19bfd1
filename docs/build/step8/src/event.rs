//! An event: a flag that tasks wait for.
//!
//! Setting it grants all waiters their turn. What they are granted is only to go on, so a wait that is dropped has nothing to
//! pass on.

use crate::wait_queue::WaitQueue;
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A flag that tasks wait for. Setting it releases all of them.
#[derive(Default)]
pub struct Event {
    is_set: Cell<bool>,
    waiting: WaitQueue,
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Event {
        Event::default()
    }

    /// Sets the flag and wakes every waiter, in the order in which they came.
    pub fn set(&self) {
        self.is_set.set(true);
        while self.waiting.grant_front() {}
    }

    /// Clears the flag. Waiters that `set` has released go on all the same.
    pub fn clear(&self) {
        self.is_set.set(false);
    }

    /// Waits until the flag is set; goes on without yielding if it is.
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, ticket: None }
    }
}

/// The future of [`Event::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    ticket: Option<u64>,
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let EventWait { event, ticket } = self.get_mut();
        if ticket.is_none() && event.is_set.get() {
            return Poll::Ready(());
        }
        event.waiting.poll_turn(ticket, cx)
    }
}

impl Drop for EventWait<'_> {
    fn drop(&mut self) {
        self.event.waiting.leave(&mut self.ticket);
    }
}
