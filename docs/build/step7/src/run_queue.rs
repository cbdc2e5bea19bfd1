//! The run queue: which tasks are to be polled, in the order in which they became ready.
//!
//! A task is named by the number of its slot in the task table. One that is woken ten times before it runs must run once, so
//! there is a mark for each slot: "queued already". It is cleared when the task is taken off the queue, *before* its poll.
//! A wake during the poll therefore queues it again, and no wake is lost.
//!
//! Wakes come from any thread, so all of this is behind a mutex. The thread of the kernel sleeps in the reactor, which waits
//! for sockets and cannot wait for a condition variable as well. So a push from another thread ends that wait with a
//! `mio::Waker`. The reactor remembers its call: if the kernel has found the queue empty and is about to wait, it does not
//! wait. A push from the kernel's own thread needs no such call, because that thread is not asleep.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

pub(crate) struct RunQueue {
    ready: Mutex<Ready>,
    thread: ThreadId,
    mio_waker: mio::Waker,
}

#[derive(Default)]
struct Ready {
    queue: VecDeque<u32>,
    /// By slot: whether it is in the queue.
    queued: Vec<bool>,
}

impl RunQueue {
    /// The run queue of a kernel that runs on this thread.
    pub(crate) fn new(mio_waker: mio::Waker) -> RunQueue {
        RunQueue { ready: Mutex::default(), thread: thread::current().id(), mio_waker }
    }

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
        if thread::current().id() != self.thread {
            // It fails only if the kernel has just ended, and then nothing is left to wake.
            let _ = self.mio_waker.wake();
        }
    }

    /// The next task to poll. It is no longer queued: a wake during its poll queues it again.
    pub(crate) fn pop(&self) -> Option<u32> {
        let mut ready = self.lock();
        let slot = ready.queue.pop_front()?;
        ready.queued[slot as usize] = false;
        Some(slot)
    }

    /// Whether a task is on the queue.
    pub(crate) fn is_queued(&self, slot: u32) -> bool {
        self.lock().queued.get(slot as usize).is_some_and(|queued| *queued)
    }

    /// How many tasks are ready.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
