//! Semaphores: at most so many at a time.
//!
//! The invariant: *while a waiter is queued, no permit is free.* A permit is taken directly only when no waiter is queued; a
//! permit that is released goes to the first waiter, which owns it from then on. It is not put back for whichever task asks
//! next, because a task that releases and acquires in a loop would then always be that task.
//!
//! `Drop` is half of every wait. A wait that is dropped after it was granted a permit must pass the permit on, or it is lost
//! for good.

use crate::wait_queue::WaitQueue;
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A number of permits. A task that holds one may go on; the others wait their turn.
pub struct Semaphore {
    free: Cell<usize>,
    waiting: WaitQueue,
}

impl Semaphore {
    /// A semaphore with `permits` permits.
    pub fn new(permits: usize) -> Semaphore {
        Semaphore { free: Cell::new(permits), waiting: WaitQueue::default() }
    }

    /// Waits for a permit. First come, first served. A wait that is dropped takes no permit.
    pub fn acquire(&self) -> SemaphoreAcquire<'_> {
        SemaphoreAcquire { semaphore: self, ticket: None }
    }

    /// How many permits are free.
    pub fn value(&self) -> usize {
        self.free.get()
    }

    /// Adds a permit: it goes to the first waiter, or is free if there is none.
    pub fn release(&self) {
        if !self.waiting.grant_front() {
            self.free.update(|free| free + 1);
        }
    }
}

/// A permit. Dropping it gives it back: to the task that has waited longest.
#[must_use = "a permit that is not kept is given back at once"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.release();
    }
}

/// The future of [`Semaphore::acquire`].
#[must_use = "futures do nothing unless awaited"]
pub struct SemaphoreAcquire<'a> {
    semaphore: &'a Semaphore,
    ticket: Option<u64>,
}

impl<'a> Future for SemaphoreAcquire<'a> {
    type Output = SemaphorePermit<'a>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SemaphorePermit<'a>> {
        let SemaphoreAcquire { semaphore, ticket } = self.get_mut();
        if ticket.is_none() && semaphore.free.get() > 0 {
            semaphore.free.update(|free| free - 1);
        } else {
            ready!(semaphore.waiting.poll_turn(ticket, cx));
            // From here on the permit belongs to the guard, and no longer to the wait.
            semaphore.waiting.leave(ticket);
        }
        Poll::Ready(SemaphorePermit { semaphore })
    }
}

impl Drop for SemaphoreAcquire<'_> {
    fn drop(&mut self) {
        if self.semaphore.waiting.leave(&mut self.ticket) {
            self.semaphore.release();
        }
    }
}
