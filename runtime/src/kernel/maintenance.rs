//! Chores: work that the kernel does on the side, and that nobody waits for.
//!
//! A pool that looks after its idle connections has something to do from time to time, but no task should exist for
//! it: it would stand in every list of tasks, count as one left behind, and keep a program from ending. Nor should a
//! timer: a virtual clock would jump to it, and a program in which nothing can happen any more would seem to wait for
//! it. So chores are kept apart from both. They are done in the loop, between I/O and tasks, when their time has come;
//! the loop wakes up for them on the real clock, and for nothing else do they count.
//!
//! There are few, so they are a list. Where there are none, looking costs a load.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

/// What is called; it says how long to wait until it is called again.
pub(crate) type Work = Box<dyn FnMut() -> Option<Duration>>;

#[derive(Default)]
pub(crate) struct Chores {
    /// When the first of them is due.
    next: Cell<Option<Instant>>,
    list: RefCell<Vec<Rc<Chore>>>,
}

pub(crate) struct Chore {
    due: Cell<Instant>,
    work: RefCell<Option<Work>>,
}

impl Chores {
    /// The kernel keeps it until it is done for good; the caller only knows whether that is so.
    pub(crate) fn add(&self, due: Instant, work: Work) -> Weak<Chore> {
        let chore = Rc::new(Chore { due: Cell::new(due), work: RefCell::new(Some(work)) });
        let known = Rc::downgrade(&chore);
        self.put(chore, due);
        known
    }

    /// When there is something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next.get()
    }

    /// Takes out what is due, to be run with nothing borrowed.
    pub(crate) fn take_due(&self, now: Instant) -> Vec<Rc<Chore>> {
        let mut list = self.list.borrow_mut();
        let due = list.extract_if(.., |chore| chore.due.get() <= now).collect();
        self.next.set(list.iter().map(|chore| chore.due.get()).min());
        due
    }

    pub(crate) fn put(&self, chore: Rc<Chore>, due: Instant) {
        chore.due.set(due);
        self.next.set(Some(self.next.get().map_or(due, |next| next.min(due))));
        self.list.borrow_mut().push(chore);
    }
}

impl Chore {
    /// Does it. `None`: it is over.
    pub(crate) fn run(&self) -> Option<Duration> {
        // Taken out, because the work may stop its own chore.
        let mut work = self.work.take()?;
        let again = work()?;
        self.work.replace(Some(work));
        Some(again)
    }

    /// It is not done again.
    pub(crate) fn stop(&self) {
        let work = self.work.take();
        drop(work);
    }
}
