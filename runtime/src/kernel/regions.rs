//! In which regions of their work tasks are, as long as something watches the kernel: an activation, or a question about
//! a task.

use crate::debug::Region;
use crate::task::info::TaskId;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;
use std::time::Instant;

#[derive(Default)]
pub(crate) struct Regions {
    /// The innermost region that is being polled.
    pub(crate) current: Cell<Option<Region>>,
    /// That of the wait which was published last.
    pub(crate) published: Cell<Option<Region>>,
    /// Of the tasks that wait: since when, and in which region.
    of_tasks: RefCell<BTreeMap<TaskId, Noted>>,
    entered: Cell<u64>,
}

/// What is noted of a task that waits.
struct Noted {
    since: Instant,
    at: Option<&'static Location<'static>>,
    region: Option<Region>,
}

impl Regions {
    pub(crate) fn next_id(&self) -> u64 {
        self.entered.set(self.entered.get() + 1);
        self.entered.get()
    }

    /// The innermost region that is being polled.
    pub(crate) fn current(&self) -> Option<Region> {
        let current = self.current.take();
        self.current.set(current.clone());
        current
    }

    /// The task waits from now on, in the region that was published; if `since_before`, it was only polled to see whether it
    /// still waits, and does so since before.
    pub(crate) fn set(
        &self,
        task: TaskId,
        at: Option<&'static Location<'static>>,
        now: Instant,
        since_before: bool,
    ) {
        let before =
            self.of_tasks.borrow().get(&task).filter(|noted| noted.at == at).map(|noted| noted.since);
        let since = before.filter(|_| since_before).unwrap_or(now);
        let noted = Noted { since, at, region: self.published.take() };
        let replaced = self.of_tasks.borrow_mut().insert(task, noted);
        drop(replaced);
    }

    /// The task has ended.
    pub(crate) fn forget(&self, task: TaskId) {
        let published = self.published.take();
        let noted = self.of_tasks.borrow_mut().remove(&task);
        drop((published, noted));
    }

    /// Since when a task waits, if that was noted.
    pub(crate) fn since(&self, task: TaskId) -> Option<Instant> {
        self.of_tasks.borrow().get(&task).map(|noted| noted.since)
    }

    pub(crate) fn forget_all(&self) {
        let forgotten = self.of_tasks.take();
        drop(forgotten);
    }

    pub(crate) fn of(&self, task: TaskId) -> Option<Region> {
        self.of_tasks.borrow().get(&task)?.region.clone()
    }
}
