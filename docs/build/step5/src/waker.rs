//! The wakers of tasks.
//!
//! A `Waker` may be cloned, kept for any time and called from any thread: so `std::task` defines it. Therefore a waker of
//! this kernel holds no pointer to its task, only the *number of its slot* and the run queue.
//!
//! A slot is used again when its task has ended. A copy of the old waker that is called after that wakes the new task: it is
//! polled once for nothing. That is allowed, because a future must bear to be polled at any time.

use crate::run_queue::RunQueue;
use std::sync::Arc;
use std::task::Wake;

/// Wakes the task in one slot.
pub(crate) struct TaskWaker {
    pub(crate) slot: u32,
    pub(crate) run_queue: Arc<RunQueue>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.run_queue.push(self.slot);
    }
}
