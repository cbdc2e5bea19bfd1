//! Maintenance: work that the kernel does on the side, and that nobody waits for.
//!
//! A pool that looks after its idle connections has something to do from time to time, but no task should exist for
//! it: it would stand in every list of tasks, count as one left behind, and keep a program from ending. Nor should a
//! timer: a virtual clock would jump to it, and a program in which nothing can happen any more would seem to wait for
//! it. So maintenance is kept apart from both. It is done in the loop, between I/O and tasks, when its time has come;
//! the loop wakes up for it on the real clock, and it counts for nothing else.
//!
//! There are few, so they are a list. Where there are none, looking costs a load.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

/// What is called; it says how long to wait until it is called again.
pub(crate) type Work = Box<dyn FnMut() -> Option<Duration>>;

#[derive(Default)]
pub(crate) struct Maintenance {
    /// When the first of them is due.
    next: Cell<Option<Instant>>,
    list: RefCell<Vec<Rc<MaintenanceJob>>>,
}

pub(crate) struct MaintenanceJob {
    due: Cell<Instant>,
    /// Out of its place while it is called.
    work: RefCell<Option<Work>>,
    stopped: Cell<bool>,
}

impl Maintenance {
    /// The kernel keeps it until it is done for good; the caller only knows whether that is so.
    pub(crate) fn add(&self, due: Instant, work: Work) -> Weak<MaintenanceJob> {
        let job = Rc::new(MaintenanceJob {
            due: Cell::new(due),
            work: RefCell::new(Some(work)),
            stopped: Cell::new(false),
        });
        let known = Rc::downgrade(&job);
        self.put(job, due);
        known
    }

    /// When there is something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next.get()
    }

    /// Takes out what is due, to be run with nothing borrowed.
    pub(crate) fn take_due(&self, now: Instant) -> Vec<Rc<MaintenanceJob>> {
        let mut list = self.list.borrow_mut();
        let due = list.extract_if(.., |job| job.due.get() <= now).collect();
        self.next.set(list.iter().map(|job| job.due.get()).min());
        due
    }

    pub(crate) fn put(&self, job: Rc<MaintenanceJob>, due: Instant) {
        job.due.set(due);
        self.next.set(Some(self.next.get().map_or(due, |next| next.min(due))));
        self.list.borrow_mut().push(job);
    }
}

impl MaintenanceJob {
    /// Does it. `None`: it is over.
    pub(crate) fn run(&self) -> Option<Duration> {
        // Taken out, because the work may stop its own job.
        let mut work = self.work.take()?;
        let again = work().filter(|_| !self.stopped.get())?;
        self.work.replace(Some(work));
        Some(again)
    }

    /// It is not done again.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
        let work = self.work.take();
        drop(work);
    }
}
