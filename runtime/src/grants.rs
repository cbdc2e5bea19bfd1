//! Revocable grants: no task may hold up a queue by not looking at what it was given.
//!
//! Locks and queues here hand over directly: a released permit goes to the waiter at the head of the line, which
//! is woken and from then on *owns* it. That makes them fair, and it has a famous trap. A task may wait with a
//! future that it then stops polling:
//!
//! ```text
//! let mut first = pin!(lock.acquire());
//! race two things, `first` being one; the other one wins, `first` stays in line
//! lock.acquire().await      // behind `first`, which is granted the lock and is never polled: for ever
//! ```
//!
//! Nothing here is wrong by the rules of futures, and the program is stuck. But on one thread the kernel can see
//! it exactly: the task that was granted something has been polled once more, to the end, and has not claimed it.
//! So nobody polls that future. The kernel then *revokes* the grant, and it goes to the next in line. If the
//! sleeping future is polled after all, it queues again.
//!
//! Grants that come from another thread are not watched.

use crate::table::TaskTable;
use crate::task_info::TaskId;
use crate::waker::KernelId;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

/// What can take a grant back: the inside of a lock, a semaphore or a queue.
pub(crate) trait Revoke {
    /// Takes the grant back and passes it on, unless it was claimed or given up.
    fn revoke(self: Arc<Self>, grant: GrantId);
}

/// Names one wait in one of a primitive's lines, for good: numbers are not reused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GrantId {
    pub(crate) line: u8,
    pub(crate) index: u32,
    pub(crate) sequence: u64,
}

/// The task that was granted something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Grantee {
    pub(crate) kernel: KernelId,
    pub(crate) slot: u32,
    pub(crate) task: TaskId,
}

/// The grants of one kernel that have not been claimed, oldest first.
#[derive(Default)]
pub(crate) struct Grants {
    open: VecDeque<Grant>,
    next_number: u64,
}

pub(crate) struct Grant {
    number: u64,
    grantee: Grantee,
    /// How often the task had been polled when it was granted.
    cycles: u64,
    from: Arc<dyn Revoke>,
    id: GrantId,
}

impl Grants {
    /// Watches a grant. Returns its number.
    pub(crate) fn add(&mut self, grantee: Grantee, cycles: u64, from: Arc<dyn Revoke>, id: GrantId) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.open.push_back(Grant { number, grantee, cycles, from, id });
        number
    }

    /// Stops watching a grant that was claimed or given up. Tasks run in the order in which they were woken, so
    /// it is nearly always the oldest; another one is found claimed when its time comes.
    pub(crate) fn claimed(&mut self, number: u64) -> Option<Grant> {
        let oldest = self.open.front()?;
        if oldest.number == number { self.open.pop_front() } else { None }
    }

    /// At the end of a cycle: moves out every grant whose task has been polled since, or has ended.
    pub(crate) fn collect(&mut self, tasks: &TaskTable, overdue: &mut Vec<Grant>) {
        let polled_since = |grant: &Grant| {
            let task = tasks.get(grant.grantee.slot).filter(|task| task.record().id == grant.grantee.task);
            task.is_none_or(|task| task.record().cycles.get() > grant.cycles)
        };
        if self.open.iter().any(polled_since) {
            let (old, open): (VecDeque<_>, VecDeque<_>) =
                mem::take(&mut self.open).into_iter().partition(polled_since);
            self.open = open;
            overdue.extend(old);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Grant {
    /// Takes it back from whoever did not claim it. Does nothing if it was claimed.
    pub(crate) fn revoke(self) {
        self.from.revoke(self.id);
    }
}
