//! The inbox: wakes from other threads.
//!
//! The doorbell is `mio::Waker`, an eventfd that the kernel's `epoll` watches: ringing it ends a sleep. It is
//! rung only when the inbox was empty, because one ring is enough for any number of letters.

use std::sync::{Mutex, PoisonError};

/// Wakes that came from other threads, until the kernel collects them.
pub(crate) struct Inbox {
    posted: Mutex<Vec<u32>>,
    doorbell: mio::Waker,
}

impl Inbox {
    pub(crate) fn new(doorbell: mio::Waker) -> Inbox {
        Inbox { posted: Mutex::new(Vec::new()), doorbell }
    }

    pub(crate) fn post(&self, slot: u32) {
        let was_empty = {
            let mut posted = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
            posted.push(slot);
            posted.len() == 1
        };
        if was_empty {
            // It fails only when the kernel's epoll is gone, and then there is nobody left to wake.
            let _ = self.doorbell.wake();
        }
    }

    /// Takes what has been posted. The mutex is what makes the poster's writes visible to the task.
    pub(crate) fn collect(&self) -> Vec<u32> {
        std::mem::take(&mut *self.posted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
