//! The notes that traps take while a parked task is asked what it waits for.

use crate::debug::Region;
use crate::kernel::task_record::Parked;
use crate::task::info::TaskId;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::time::Instant;

/// One wait of a task.
pub(crate) struct CapturedWait {
    pub(crate) task: TaskId,
    pub(crate) parked: Parked,
    pub(crate) region: Option<Region>,
    /// When the innermost time limit around it passes.
    pub(crate) limit: Option<Instant>,
    /// The socket, in words.
    pub(crate) about: Option<String>,
    pub(crate) backtrace: Option<Backtrace>,
}

#[derive(Default)]
pub(crate) struct Captured {
    on: Cell<Option<On>>,
    waits: RefCell<Vec<CapturedWait>>,
    /// While anything is watched: for each time limit that is being polled, when it or one around it passes first.
    limits: RefCell<Vec<Instant>>,
}

#[derive(Clone, Copy)]
struct On {
    /// `None`: every task that is polled.
    task: Option<TaskId>,
    backtraces: bool,
}

impl Captured {
    pub(crate) fn begin(&self, task: Option<TaskId>, backtraces: bool) {
        self.on.set(Some(On { task, backtraces }));
    }

    pub(crate) fn end(&self) -> Vec<CapturedWait> {
        self.on.set(None);
        self.waits.take()
    }

    /// Whether one task is being asked, whose wait goes on as it was.
    pub(crate) fn asks_one(&self) -> bool {
        self.on.get().is_some_and(|on| on.task.is_some())
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.get().is_some()
    }

    /// What is polled from here on is under a time limit.
    pub(crate) fn enter_limit(&self, deadline: Instant) {
        let mut limits = self.limits.borrow_mut();
        let first = limits.last().map_or(deadline, |outer| deadline.min(*outer));
        limits.push(first);
    }

    pub(crate) fn leave_limit(&self) {
        self.limits.borrow_mut().pop();
    }

    /// `task` is about to wait.
    pub(crate) fn note(&self, task: Option<TaskId>, parked: Parked, region: Option<Region>) {
        let (Some(on), Some(task)) = (self.on.get(), task) else { return };
        if on.task.is_none_or(|wanted| wanted == task) {
            let backtrace = on.backtraces.then(Backtrace::force_capture);
            let limit = self.limits.borrow().last().copied();
            let wait = CapturedWait { task, parked, region, limit, about: None, backtrace };
            self.waits.borrow_mut().push(wait);
        }
    }

    /// Says what the last wait is for.
    pub(crate) fn describe(&self, about: impl FnOnce() -> String) {
        if let Some(wait) = self.waits.borrow_mut().last_mut() {
            wait.about = Some(about());
        }
    }
}
