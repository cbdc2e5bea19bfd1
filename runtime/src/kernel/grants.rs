//! Grants: what the tasks of one kernel have been handed and not claimed yet.
//!
//! Locks and queues here hand over directly: a released permit goes to the first waiter in line, which is woken and
//! from then on *owns* it. That makes them fair, and it has a well-known trap. A task may wait with a future that it
//! then stops polling:
//!
//! ```text
//! let mut first = pin!(lock.acquire());
//! race two things, `first` being one; the other one wins, `first` stays in line
//! lock.acquire().await      // behind `first`, which is granted the lock and is never polled: for ever
//! ```
//!
//! This is correct by the rules of futures, and yet the program is stuck. But the kernel can detect it: a task was granted
//! something, has been polled since, and has not claimed it. So it does not poll that future. The kernel then *revokes*
//! the grant: the queue takes it back and serves the next waiter. A future that lost its grant queues again when it is
//! polled after all.
//!
//! # When a grant is overdue
//!
//! A granted task has been woken, so it is normally polled in the next cycle. The kernel only *counts* open grants;
//! that costs a grant two additions. At the end of a cycle it looks at those made in the cycle before: if any is
//! still open, it asks the queues that have made it grants ([`Revoke`]). A grant that is found open becomes suspect:
//! the kernel notes how often its task has been polled, and queues it once more. When it has been polled again
//! without a claim, the grant is overdue. The extra poll makes the rule independent of how the wake travels: grants
//! are made by tasks of this kernel, by tasks of other kernels and by plain threads, whose wakes arrive through the
//! [inbox](crate::kernel::inbox::Inbox). A task that lives inside another one is polled by way of that one, its host,
//! so it is the host's polls that count, and as many more of them as there are levels for the wake to pass.
//!
//! A queue that has no open grant when it is asked is forgotten until it makes the next one. So what is spent on asking
//! is bounded by the number of grants, however many locks a program has.
//!
//! # When the kernel stops
//!
//! Between two calls of [`Kernel::run`](crate::Kernel::run) no task can claim anything. Open grants are revoked when
//! `run` returns, and until the next `run` the kernel's tasks are passed over. A kernel that is driven by
//! [`Kernel::turn`](crate::Kernel::turn) counts as running between two turns.
//!
//! # Locks
//!
//! A queue's mutex may be locked when the list of queues is, below, and never the other way round.

use crate::debug::WakeCause;
use crate::kernel::run_queue;
use crate::kernel::task_record::Host;
use crate::kernel::task_table::TaskTable;
use crate::kernel::waker::KernelId;
use crate::task::info::TaskId;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What can take a grant back: the queues of a lock, a semaphore, a channel or a condition.
pub(crate) trait Revoke: Send + Sync {
    /// Takes back every grant to a task of `kernel` that is overdue, and serves the next waiters. Returns whether
    /// there are others that are still open; if not, the kernel is forgotten there too.
    fn revoke_overdue(self: Arc<Self>, kernel: &Grants, is_overdue: &dyn Fn(&mut Grantee) -> bool) -> bool;
}

/// Who waits in one place of a queue, and what becomes of a grant to it. Another wait may use it when this one has ended.
#[derive(Default)]
pub(crate) struct Grantee {
    /// The task that has to be polled for a grant to be claimed. `None`: a thread waits.
    host: Option<Host>,
    /// Those of the task's kernel. They stay when the wait ends: the next one most often is of the same kernel.
    grants: Option<Arc<Grants>>,
    /// Which count the grant is in, if it is open.
    counted_in: Option<bool>,
    /// How often the task had been polled when the grant became suspect.
    polls: Option<u64>,
}

/// The open grants of one kernel.
pub(crate) struct Grants {
    kernel: KernelId,
    is_running: AtomicBool,
    /// How many there are. Cycles take turns: those made in this one are in `open[this_cycle]`.
    open: [AtomicUsize; 2],
    this_cycle: AtomicBool,
    /// The queues that have made grants to tasks of this kernel.
    queues: Mutex<Vec<Weak<dyn Revoke>>>,
}

impl Grantee {
    /// `host` waits from now on, a task of `kernel`. `meet` is asked for the grants of a kernel whose tasks have not waited
    /// here before.
    #[inline]
    pub(crate) fn set_task(
        &mut self,
        host: Host,
        kernel: KernelId,
        meet: impl FnOnce() -> Option<Arc<Grants>>,
    ) {
        self.host = Some(host);
        if self.grants.as_ref().is_none_or(|grants| grants.kernel != kernel) {
            self.grants = meet();
        }
    }

    /// A thread waits from now on, or for what is never granted.
    #[inline]
    pub(crate) fn set_thread(&mut self) {
        self.host = None;
    }

    /// The task that waits, or the outermost one around it.
    pub(crate) fn task(&self) -> Option<TaskId> {
        self.host.map(|host| host.id)
    }

    /// Those of the kernel whose task waits.
    #[inline]
    pub(crate) fn grants(&self) -> Option<&Arc<Grants>> {
        self.grants.as_ref().filter(|_| self.host.is_some())
    }

    /// Counts a grant as open from now on.
    #[inline]
    pub(crate) fn count(&mut self) {
        if let Some(grants) = self.grants() {
            let cycle = grants.this_cycle.load(Ordering::Relaxed);
            grants.open[usize::from(cycle)].fetch_add(1, Ordering::Relaxed);
            self.counted_in = Some(cycle);
        }
    }

    /// The wait has ended, or the grant is not to be taken back though it is not claimed: the kernel need not look for it
    /// any more.
    #[inline]
    pub(crate) fn discount(&mut self) {
        if let (Some(cycle), Some(grants)) = (self.counted_in.take(), &self.grants) {
            grants.open[usize::from(cycle)].fetch_sub(1, Ordering::Relaxed);
            self.polls = None;
        }
    }

    pub(crate) fn is_counted(&self) -> bool {
        self.counted_in.is_some()
    }

    pub(crate) fn is_of(&self, kernel: &Grants) -> bool {
        self.grants().is_some_and(|grants| std::ptr::eq(Arc::as_ptr(grants), kernel))
    }
}

impl Drop for Grantee {
    fn drop(&mut self) {
        self.discount();
    }
}

impl Grants {
    /// Those of a kernel that does not run yet.
    pub(crate) fn new(kernel: KernelId) -> Arc<Grants> {
        Arc::new(Grants {
            kernel,
            is_running: AtomicBool::new(false),
            open: [const { AtomicUsize::new(0) }; 2],
            this_cycle: AtomicBool::new(false),
            queues: Mutex::default(),
        })
    }

    /// Adds a queue that is about to make a grant, and does not know the kernel yet.
    pub(crate) fn add_queue(&self, queue: Weak<dyn Revoke>) {
        let mut queues = self.queues();
        // Makes room among those that are gone before it grows.
        if queues.len() == queues.capacity() {
            queues.retain(|queue| queue.strong_count() > 0);
            let live = queues.len();
            queues.reserve(live + 1);
        }
        queues.push(queue);
    }

    /// Whether tasks can claim grants: the kernel runs.
    ///
    /// With a queue's mutex locked the answer holds until it is released: a kernel that stops meanwhile comes to the
    /// queue afterwards and revokes.
    #[inline]
    pub(crate) fn can_be_claimed(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    /// The kernel runs from now on.
    pub(crate) fn start(&self) {
        self.is_running.store(true, Ordering::Relaxed);
    }

    /// The kernel does not run any more: every open grant is revoked. Calls wakers.
    pub(crate) fn stop(&self) {
        self.is_running.store(false, Ordering::Relaxed);
        self.ask_queues(&|_| true);
    }

    /// At the end of a cycle: whether there are grants that should have been claimed. If nothing is ready there may be
    /// no next cycle, so then every open grant counts.
    #[inline]
    pub(crate) fn any_late(&self) -> bool {
        let open = [0, 1].map(|cycle: usize| self.open[cycle].load(Ordering::Relaxed));
        if open == [0, 0] {
            return false;
        }
        let next_cycle = !self.this_cycle.load(Ordering::Relaxed);
        self.this_cycle.store(next_cycle, Ordering::Relaxed);
        open[usize::from(next_cycle)] > 0 || run_queue::len() == 0
    }

    /// Revokes the grants that are overdue, and queues the tasks of those that have become suspect. Calls wakers.
    pub(crate) fn revoke_overdue(&self, tasks: &RefCell<TaskTable>) {
        let any_revoked = Cell::new(false);
        self.ask_queues(&|grantee| {
            let tasks = tasks.borrow();
            // Behind a grant that was revoked, a new one is most likely what became of that.
            let was_revoked = any_revoked.replace(true);
            let is_regranted = was_revoked && grantee.polls.is_none();
            let Some(host) = grantee.host else { return false };
            let record = tasks.get(host.slot).filter(|record| record.id == host.id);
            // A task that has ended may have left its wait elsewhere, where it is never polled again.
            let Some(record) = record else { return true };
            let polls = record.cycles.get();
            // A nested task has as many polls of its host's more as its wake-up has levels to pass.
            let is_overdue = polls > *grantee.polls.get_or_insert(polls) + u64::from(host.depth);
            if !is_overdue {
                any_revoked.set(was_revoked);
                run_queue::set_cause(Some(if is_regranted {
                    WakeCause::Regranted
                } else {
                    WakeCause::Check
                }));
                run_queue::push(record.slot);
                run_queue::set_cause(Some(WakeCause::Regranted));
            }
            is_overdue
        });
    }

    fn ask_queues(&self, is_overdue: &dyn Fn(&mut Grantee) -> bool) {
        let mut known = mem::take(&mut *self.queues());
        let mut panicked = None;
        known.retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            // A foreign waker that panics does not keep the other queues from being asked.
            let asked = catch_unwind(AssertUnwindSafe(|| queue.revoke_overdue(self, is_overdue)));
            asked.unwrap_or_else(|payload| {
                panicked = Some(payload);
                true
            })
        });
        self.queues().append(&mut known);
        if let Some(payload) = panicked {
            resume_unwind(payload);
        }
    }

    fn queues(&self) -> MutexGuard<'_, Vec<Weak<dyn Revoke>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::info::TaskId;
    use std::num::NonZeroU64;

    /// A queue with one open grant, or none, that is asked.
    struct Asked {
        times: AtomicUsize,
        grant: Mutex<Option<Grantee>>,
    }

    impl Revoke for Asked {
        fn revoke_overdue(
            self: Arc<Self>,
            kernel: &Grants,
            is_overdue: &dyn Fn(&mut Grantee) -> bool,
        ) -> bool {
            self.times.fetch_add(1, Ordering::Relaxed);
            let mut grant = self.grant.lock().unwrap();
            grant.take_if(|grantee| grantee.is_of(kernel) && is_overdue(grantee));
            grant.is_some()
        }
    }

    impl Asked {
        fn new(kernel: &Arc<Grants>, grant: Option<Grantee>) -> Arc<Asked> {
            let queue = Arc::new(Asked { times: AtomicUsize::new(0), grant: Mutex::new(grant) });
            kernel.add_queue(Arc::downgrade(&queue) as Weak<dyn Revoke>);
            queue
        }

        fn times(&self) -> usize {
            self.times.load(Ordering::Relaxed)
        }
    }

    fn grant(kernel: &Arc<Grants>) -> Grantee {
        let host = Host { slot: 0, id: TaskId::new(NonZeroU64::MIN), depth: 0 };
        let mut grantee = Grantee::default();
        grantee.set_task(host, kernel.kernel, || Some(Arc::clone(kernel)));
        grantee.count();
        grantee
    }

    fn open(kernel: &Grants) -> usize {
        kernel.open.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    #[test]
    fn a_grant_is_open_until_its_grantee_is_dropped() {
        let kernel = Grants::new(KernelId::next());
        assert!(!kernel.any_late());
        let grants = [grant(&kernel), grant(&kernel)];
        assert_eq!(open(&kernel), 2);
        drop(grants);
        assert_eq!(open(&kernel), 0);
        assert!(!kernel.any_late());
    }

    #[test]
    fn while_tasks_are_ready_a_grant_is_late_at_the_end_of_the_cycle_after_its_own() {
        run_queue::install(run_queue::RunQueue::new(), KernelId::next());
        run_queue::push(0);
        let kernel = Grants::new(KernelId::next());
        let first = grant(&kernel);
        assert!(!kernel.any_late(), "this cycle made it");
        let second = grant(&kernel);
        assert!(kernel.any_late());
        drop(first);
        assert!(kernel.any_late(), "now the second one is late");
        drop(second);
        assert!(!kernel.any_late());
        run_queue::uninstall();
    }

    #[test]
    fn when_nothing_is_ready_every_open_grant_is_late() {
        let kernel = Grants::new(KernelId::next());
        let _grant = grant(&kernel);
        assert!(kernel.any_late() && kernel.any_late());
    }

    #[test]
    fn a_queue_without_an_open_grant_is_asked_once_and_forgotten() {
        let kernel = Grants::new(KernelId::next());
        let (busy, idle) = (Asked::new(&kernel, Some(grant(&kernel))), Asked::new(&kernel, None));
        for _ in 0..3 {
            kernel.ask_queues(&|_| false);
        }
        assert_eq!((busy.times(), idle.times()), (3, 1));
        kernel.stop();
        assert_eq!((busy.times(), idle.times(), open(&kernel)), (4, 1, 0));
        kernel.stop();
        assert_eq!(busy.times(), 4, "its grant was revoked, so it is forgotten as well");
    }

    #[test]
    fn queues_that_are_gone_make_room_for_new_ones() {
        let kernel = Grants::new(KernelId::next());
        let lives = Asked::new(&kernel, None);
        for _ in 0..10_000 {
            drop(Asked::new(&kernel, None));
        }
        assert!(kernel.queues().capacity() < 16);
        kernel.ask_queues(&|_| false);
        assert_eq!(lives.times(), 1);
    }

    #[test]
    fn a_queue_that_panics_does_not_keep_the_others_from_being_asked() {
        struct Panics;
        impl Revoke for Panics {
            fn revoke_overdue(self: Arc<Self>, _: &Grants, _: &dyn Fn(&mut Grantee) -> bool) -> bool {
                panic!("a foreign waker")
            }
        }
        let kernel = Grants::new(KernelId::next());
        let panics = Arc::new(Panics);
        kernel.add_queue(Arc::downgrade(&panics) as Weak<dyn Revoke>);
        let other = Asked::new(&kernel, None);
        assert!(catch_unwind(AssertUnwindSafe(|| kernel.ask_queues(&|_| false))).is_err());
        assert_eq!(other.times(), 1);
    }
}
