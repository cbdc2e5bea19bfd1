//! The run queue: which tasks are to be polled, in the order in which they became ready.
//!
//! A task is named by the number of its slot in the task table. One that is woken ten times before it runs must run once, so
//! there is a mark for each slot: "queued already". It is cleared when the task is taken off the queue, *before* its poll.
//! A wake during the poll therefore queues it again, and no wake is lost.
//!
//! Wakes come from any thread, so all of this is behind one mutex. The thread of the kernel sleeps at the condition variable
//! while the queue is empty; a push ends that.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(crate) struct RunQueue {
    ready: Mutex<Ready>,
    pushed: Condvar,
}

#[derive(Default)]
struct Ready {
    queue: VecDeque<u32>,
    /// By slot: whether it is in the queue.
    queued: Vec<bool>,
}

impl RunQueue {
    /// Queues a task, unless it is queued already.
    pub(crate) fn push(&self, slot: u32) {
        let mut ready = self.lock();
        let index = slot as usize;
        if index >= ready.queued.len() {
            ready.queued.resize(index + 1, false);
        }
        if mem::replace(&mut ready.queued[index], true) {
            return;
        }
        ready.queue.push_back(slot);
        drop(ready);
        self.pushed.notify_one();
    }

    /// The next task to poll. It is no longer queued: a wake during its poll queues it again.
    pub(crate) fn pop(&self) -> Option<u32> {
        let mut ready = self.lock();
        let slot = ready.queue.pop_front()?;
        ready.queued[slot as usize] = false;
        Some(slot)
    }

    /// How many tasks are ready.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Waits until a task is ready.
    pub(crate) fn wait(&self) {
        let is_empty = |ready: &mut Ready| ready.queue.is_empty();
        drop(self.pushed.wait_while(self.lock(), is_empty).unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
