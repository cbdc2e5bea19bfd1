//! In which regions of their work tasks are, as long as something watches the kernel: an activation, or a question about
//! a task.

use crate::debug::Region;
use crate::task::info::TaskId;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Regions {
    /// The innermost region that is being polled.
    pub(crate) current: Cell<Option<Region>>,
    /// That of the wait which was published last.
    pub(crate) published: Cell<Option<Region>>,
    /// Those of the tasks that wait.
    of_tasks: RefCell<BTreeMap<TaskId, Region>>,
    entered: Cell<u64>,
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

    /// The task waits, in the region that was published, or has ended. What was kept is returned to be dropped.
    pub(crate) fn set(&self, task: TaskId, region: Option<Region>) -> Option<Region> {
        let mut of_tasks = self.of_tasks.borrow_mut();
        match region {
            Some(region) => of_tasks.insert(task, region),
            None => of_tasks.remove(&task),
        }
    }

    pub(crate) fn forget_all(&self) {
        let forgotten = self.of_tasks.take();
        drop(forgotten);
    }

    pub(crate) fn of(&self, task: TaskId) -> Option<Region> {
        self.of_tasks.borrow().get(&task).cloned()
    }
}
