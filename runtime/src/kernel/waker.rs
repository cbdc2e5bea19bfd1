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
//! A slot keeps its waker for its next tenant, so that spawning a task usually allocates no waker. That is why a slot
//! stays out of use for as long as anything else holds a copy of it: the copy would wake the wrong task. A wake that is
//! still in the inbox when the last copy goes says which tenant it was for.

use crate::kernel::inbox::{Inbox, Posted, Tenant};
use crate::kernel::run_queue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
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
    /// The [`Tenant`]. It changes only while the task table has the only copies of this.
    tenant: AtomicU32,
    inbox: Arc<Inbox>,
}

impl TaskWaker {
    /// The waker of a slot in which there is no task yet.
    pub(crate) fn new(kernel: KernelId, slot: u32, inbox: Arc<Inbox>) -> TaskWaker {
        TaskWaker { kernel, slot, tenant: AtomicU32::new(0), inbox }
    }

    /// From now on it wakes this task.
    pub(crate) fn set_tenant(&self, tenant: Tenant) {
        self.tenant.store(tenant.0, Ordering::Relaxed);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !run_queue::wake(self.kernel, self.slot) {
            let tenant = Tenant(self.tenant.load(Ordering::Relaxed));
            self.inbox.post(Posted { slot: self.slot, tenant });
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
