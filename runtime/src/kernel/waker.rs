//! Wakers: how anything, anywhere, says "poll this task again".
//!
//! A `Waker` may be cloned, kept for years and called from any thread; that is the promise `std::task` makes to
//! everybody. So a waker of ours holds no pointer to its task, only the *number of its slot* and the kernel it
//! belongs to. Waking is then one of two things:
//!
//! ```text
//! TaskWaker::wake ── on the kernel's own thread ──▶ run_queue::wake      a flag and a push, no lock, no atomic
//!                └── anywhere else ──────────────▶ Inbox::post      a mutex, and the doorbell if it was empty
//! ```
//!
//! A slot keeps its waker for its next tenant when nobody else holds a copy any more, so that spawning a task
//! usually allocates no waker. If someone does hold one, the next tenant gets a new slot waker and the old one
//! can at worst cause one spurious poll, which every future must put up with.

use crate::kernel::inbox::Inbox;
use crate::kernel::run_queue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};
use std::thread;

/// Tells kernels apart; a waker of a kernel that is gone must not reach into its successor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KernelId(u64);

impl KernelId {
    pub(crate) fn next() -> KernelId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        KernelId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Wakes the task in one slot of one kernel.
pub(crate) struct TaskWaker {
    kernel: KernelId,
    slot: u32,
    inbox: Arc<Inbox>,
}

impl TaskWaker {
    pub(crate) fn new(kernel: KernelId, slot: u32, inbox: Arc<Inbox>) -> TaskWaker {
        TaskWaker { kernel, slot, inbox }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !run_queue::wake(self.kernel, self.slot) {
            self.inbox.post(self.slot);
        }
    }
}

/// Calls them all, in order. A foreign waker may run any code: if one panics the others are still called, and its
/// panic is returned.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) -> thread::Result<()> {
    let mut wakers = wakers.into_iter();
    let mut result = Ok(());
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| wakers.by_ref().for_each(Waker::wake))) {
        result = Err(panic);
    }
    result
}

/// Keeps `waker` in place of an older one, if they differ. The older one is returned to be dropped by the caller,
/// outside of any lock or borrow: a foreign waker's destructor may run any code.
pub(crate) fn renew(kept: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match kept {
        Some(kept) if kept.will_wake(waker) => None,
        _ => kept.replace(waker.clone()),
    }
}
