//! Maintenance: periodic work of the kernel that no task waits for.
//!
//! A connection pool has to close expired idle connections from time to time. A task for that would appear in every list of
//! tasks, count as one that was left behind, and delay the end of a program. A timer would make a virtual clock jump to it,
//! and hide a deadlock. So maintenance jobs are neither. The loop runs those that are due between I/O and tasks, and wakes up
//! for them on the real clock; they count for nothing else.
//!
//! Jobs are kept in the order in which they are due, and one that is stopped leaves at once: a program that makes a session
//! per request adds and stops thousands in a second. Where there are none, looking costs a load.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

/// What is called; it says how long to wait until it is called again.
pub(crate) type Work = Box<dyn FnMut() -> Option<Duration>>;

#[derive(Default)]
pub(crate) struct Maintenance {
    jobs: Rc<Jobs>,
}

/// By the time at which they are due, and the order in which they were put there.
type Key = (Instant, u64);

#[derive(Default)]
struct Jobs {
    /// When the first of them is due.
    next: Cell<Option<Instant>>,
    in_order: RefCell<BTreeMap<Key, Rc<MaintenanceJob>>>,
    puts: Cell<u64>,
}

pub(crate) struct MaintenanceJob {
    jobs: Weak<Jobs>,
    /// Its place in the order; `None` while it is called.
    key: Cell<Option<Key>>,
    /// Out of its place while it is called.
    work: RefCell<Option<Work>>,
    stopped: Cell<bool>,
}

impl Maintenance {
    /// The kernel owns the job until it is finished; the caller can only see whether it is.
    pub(crate) fn add(&self, due: Instant, work: Work) -> Weak<MaintenanceJob> {
        let job = Rc::new(MaintenanceJob {
            jobs: Rc::downgrade(&self.jobs),
            key: Cell::new(None),
            work: RefCell::new(Some(work)),
            stopped: Cell::new(false),
        });
        let known = Rc::downgrade(&job);
        self.put(job, due);
        known
    }

    /// When there is something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.jobs.next.get()
    }

    /// Takes out what is due, to be run with nothing borrowed.
    pub(crate) fn take_due(&self, now: Instant) -> Vec<Rc<MaintenanceJob>> {
        let mut in_order = self.jobs.in_order.borrow_mut();
        let later = in_order.split_off(&(now, u64::MAX));
        let due: Vec<_> = std::mem::replace(&mut *in_order, later).into_values().collect();
        due.iter().for_each(|job| job.key.set(None));
        self.jobs.set_next(&in_order);
        due
    }

    pub(crate) fn put(&self, job: Rc<MaintenanceJob>, due: Instant) {
        let key = (due, self.jobs.puts.get());
        self.jobs.puts.set(key.1 + 1);
        job.key.set(Some(key));
        let mut in_order = self.jobs.in_order.borrow_mut();
        in_order.insert(key, job);
        self.jobs.set_next(&in_order);
    }
}

impl Jobs {
    fn set_next(&self, in_order: &BTreeMap<Key, Rc<MaintenanceJob>>) {
        self.next.set(in_order.first_key_value().map(|((due, _), _)| *due));
    }
}

impl MaintenanceJob {
    /// Runs the job. `None`: it is finished.
    pub(crate) fn run(&self) -> Option<Duration> {
        // Taken out, because the work may stop its own job.
        let mut work = self.work.take()?;
        let again = work().filter(|_| !self.stopped.get())?;
        self.work.replace(Some(work));
        Some(again)
    }

    /// It is not done again, and leaves its place.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
        if let (Some(key), Some(jobs)) = (self.key.take(), self.jobs.upgrade()) {
            let mut in_order = jobs.in_order.borrow_mut();
            let job = in_order.remove(&key);
            jobs.set_next(&in_order);
            drop(in_order);
            drop(job);
        }
        let work = self.work.take();
        drop(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work {
        Box::new(|| None)
    }

    #[test]
    fn a_stopped_job_leaves_nothing_behind() {
        let (maintenance, now) = (Maintenance::default(), Instant::now());
        let kept = maintenance.add(now + Duration::from_secs(2), work());
        for n in 0..1000 {
            let job = maintenance.add(now + Duration::from_millis(n), work());
            job.upgrade().expect("it is kept").stop();
            assert_eq!(job.strong_count(), 0);
        }
        assert_eq!(maintenance.jobs.in_order.borrow().len(), 1);
        assert_eq!(maintenance.next(), Some(now + Duration::from_secs(2)));
        kept.upgrade().expect("it is kept").stop();
        assert_eq!(maintenance.next(), None);
    }

    #[test]
    fn jobs_are_taken_out_when_they_are_due_in_their_order() {
        let (maintenance, now) = (Maintenance::default(), Instant::now());
        let seconds = |n| now + Duration::from_secs(n);
        let jobs: Vec<_> = [3, 1, 2, 1].map(|due| maintenance.add(seconds(due), work())).into();
        let due = maintenance.take_due(seconds(2));
        let taken = due.iter().map(|job| jobs.iter().position(|known| known.as_ptr() == Rc::as_ptr(job)));
        assert_eq!(taken.collect::<Vec<_>>(), [Some(1), Some(3), Some(2)]);
        assert_eq!(maintenance.next(), Some(seconds(3)));
        assert!(maintenance.take_due(seconds(2)).is_empty());
    }
}
