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

use crate::kernel::task_table::TaskTable;
use crate::kernel::waker::KernelId;
use crate::task::info::TaskId;
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

/// A grant that a kernel watches.
#[derive(Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) kernel: KernelId,
    number: u64,
}

/// The grants of one kernel that have not been claimed, oldest first.
#[derive(Default)]
pub(crate) struct Grants {
    open: VecDeque<Grant>,
    next_number: u64,
    /// The number of the first one that has not seen the end of a cycle.
    first_of_this_cycle: u64,
}

pub(crate) struct Grant {
    number: u64,
    slot: u32,
    task: TaskId,
    /// How often the task had been polled when it was granted.
    cycles: u64,
    from: Arc<dyn Revoke>,
    id: GrantId,
}

impl Grants {
    /// Watches a grant.
    pub(crate) fn add(
        &mut self,
        grantee: Grantee,
        cycles: u64,
        from: Arc<dyn Revoke>,
        id: GrantId,
    ) -> Watched {
        let number = self.next_number;
        self.next_number += 1;
        self.open.push_back(Grant { number, slot: grantee.slot, task: grantee.task, cycles, from, id });
        Watched { kernel: grantee.kernel, number }
    }

    /// Stops watching a grant that was claimed or given up. Tasks run in the order in which they were woken, so
    /// it is nearly always the oldest; another one is found claimed when its time comes.
    ///
    /// Its share of the primitive is never the last: whoever claims a grant does it through the primitive.
    pub(crate) fn claimed(&mut self, watched: Watched) {
        if self.open.front().is_some_and(|oldest| oldest.number == watched.number) {
            self.open.pop_front();
        }
    }

    /// Whether all of them were made in the cycle that ends now. Their tasks have just been woken, and as a rule have
    /// their turn in the next one.
    pub(crate) fn all_from_this_cycle(&mut self) -> bool {
        let first_of_this_cycle = mem::replace(&mut self.first_of_this_cycle, self.next_number);
        self.open.front().is_none_or(|oldest| oldest.number >= first_of_this_cycle)
    }

    /// Moves out every grant whose task has been polled since, or has ended.
    pub(crate) fn collect(&mut self, tasks: &TaskTable, overdue: &mut Vec<Grant>) {
        let polled_since = |grant: &Grant| {
            tasks.get(grant.slot).is_none_or(|task| {
                let record = task.record();
                record.id != grant.task || record.cycles.get() > grant.cycles
            })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::reactor::Reactor;
    use std::num::NonZeroU64;
    use std::sync::Mutex;

    /// Writes down what is taken back.
    #[derive(Default)]
    struct Revoked(Mutex<Vec<GrantId>>);

    impl Revoke for Revoked {
        fn revoke(self: Arc<Self>, grant: GrantId) {
            self.0.lock().unwrap().push(grant);
        }
    }

    fn id(sequence: u64) -> GrantId {
        GrantId { line: 0, index: 0, sequence }
    }

    /// Three grants to a task that is not in the table, and so counts as one that has ended.
    fn three_grants() -> (Grants, [Watched; 3], Arc<Revoked>, TaskTable) {
        let (_, inbox) = Reactor::new().unwrap();
        let kernel = KernelId::next();
        let (mut grants, from) = (Grants::default(), Arc::new(Revoked::default()));
        let grantee = Grantee { kernel, slot: 0, task: TaskId::new(NonZeroU64::MIN) };
        let watched = [0, 1, 2].map(|n| grants.add(grantee, 1, Arc::clone(&from) as Arc<dyn Revoke>, id(n)));
        (grants, watched, from, TaskTable::new(kernel, inbox))
    }

    fn revoke_overdue(grants: &mut Grants, tasks: &TaskTable) {
        let mut overdue = Vec::new();
        grants.collect(tasks, &mut overdue);
        overdue.into_iter().for_each(Grant::revoke);
    }

    #[test]
    fn grants_that_are_claimed_in_order_are_watched_no_more() {
        let (mut grants, watched, from, tasks) = three_grants();
        for watched in watched {
            assert!(!grants.is_empty());
            grants.claimed(watched);
        }
        assert!(grants.is_empty());
        revoke_overdue(&mut grants, &tasks);
        assert!(from.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_not_claimed_is_taken_back_oldest_first_and_once() {
        let (mut grants, watched, from, tasks) = three_grants();
        grants.claimed(watched[0]);
        revoke_overdue(&mut grants, &tasks);
        assert_eq!(*from.0.lock().unwrap(), [id(1), id(2)]);
        assert!(grants.is_empty());
        revoke_overdue(&mut grants, &tasks);
        assert_eq!(from.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_claim_out_of_order_is_left_for_the_primitive_to_find() {
        let (mut grants, watched, from, tasks) = three_grants();
        grants.claimed(watched[2]);
        grants.claimed(watched[0]);
        grants.claimed(watched[0]);
        revoke_overdue(&mut grants, &tasks);
        // The primitive knows that number 2 was claimed, and does nothing then.
        assert_eq!(*from.0.lock().unwrap(), [id(1), id(2)]);
    }
}
