//! Tasks inside tasks: the children of a [`scope`](crate::scope()), which may borrow from the task around them.

use super::cancel::Scope;
use super::is_running_here;
use super::tasks::add;
use crate::debug::{EventKind, Region};
use crate::kernel::current_poll::{self, HOST, LIMITS_WITHOUT_NODE};
use crate::kernel::run_queue;
use crate::kernel::state::State;
use crate::kernel::task_record::{End, Place, Record};
use crate::task::info::TaskId;
use std::any::Any;
use std::rc::Rc;
use std::task::Waker;

/// A task whose future lives inside another task's future, so that it may borrow from it.
///
/// It has a slot in the task table, a record and a waker like any other task. But when the kernel is about to poll it, it
/// [passes the wake on](Record::pass_on) to the task that owns its future, which polls it through this.
pub(crate) struct Nested {
    kernel: Rc<State>,
    task: Rc<Record>,
}

impl Nested {
    /// Adds the task; its cancel scope is below `scope`.
    pub(crate) fn spawn(
        scope: &Scope,
        make: impl FnOnce(Place, Option<TaskId>) -> Rc<Record>,
    ) -> (Nested, Rc<Record>) {
        let kernel = Rc::clone(&scope.kernel);
        let task = add(&kernel, make);
        let record = &*task;
        record.nested.set(true);
        if let Some(host) = HOST.get().filter(|_| is_running_here(&kernel)) {
            record.nest_in(host);
        }
        let root = kernel.cancel_tree.borrow_mut().add_task(record.slot, Some(scope.key), None);
        record.root.set(Some(root));
        if kernel.shutting_down.get() {
            // It is new: nothing in it could have left a waker to be called.
            record.request_cancel(&mut kernel.cancel_tree.borrow_mut(), &mut Vec::new());
        }
        kernel.emit(Some(record), EventKind::Created);
        if !run_queue::wake_new(kernel.id, record.slot)
            && let Some(waker) = kernel.tasks.borrow().waker(record.slot)
        {
            waker.wake();
        }
        (Nested { kernel, task: Rc::clone(&task) }, task)
    }

    /// Makes this the current task until the turn is dropped. None if the task has ended already.
    ///
    /// This is a guard and does not take a closure, because scopes nest: every level is polled from here, and each stack
    /// frame between two levels reduces how deep they may nest.
    pub(crate) fn begin(&self) -> Option<NestedTurn> {
        let (kernel, record) = (&*self.kernel, self.record());
        if record.end.get().is_some() {
            return None;
        }
        debug_assert!(LIMITS_WITHOUT_NODE.get() == 0, "its scope was entered");
        let (task, waker) = kernel.tasks.borrow_mut().begin_poll(record.slot)?;
        Some(NestedTurn {
            kernel: Rc::clone(&self.kernel),
            waker: Some(waker),
            end: None,
            outer: current_poll::set_aside(),
            region: kernel.regions.current.take(),
            published_region: kernel.regions.published.take(),
            outer_task: kernel.make_current(&task, record.woken_by.get()),
            task,
        })
    }

    /// The task was polled, and waits.
    pub(crate) fn suspend(&self) {
        self.kernel.suspend(self.record());
    }

    /// Whether it is cancelled and nothing inside it is alive: its future is to be dropped now.
    pub(crate) fn must_unwind(&self) -> bool {
        let root = self.record().root.get();
        root.is_some_and(|root| self.kernel.cancel_tree.borrow().must_unwind(root).is_some())
    }

    pub(crate) fn report_leak(&self) {
        self.kernel.report_leak(self.record());
    }

    pub(crate) fn report_panic(&self, payload: &(dyn Any + Send), what: &str) {
        self.kernel.report_panic(self.record(), payload, what);
    }

    pub(crate) fn record(&self) -> &Record {
        &self.task
    }
}

/// The turn of a nested task. At its end, even by a panic, the outer task is the current one again.
pub(crate) struct NestedTurn {
    kernel: Rc<State>,
    task: Rc<Record>,
    waker: Option<Waker>,
    end: Option<End>,
    outer_task: Option<Rc<Record>>,
    /// The rest of the poll around this turn.
    outer: current_poll::SetAside,
    region: Option<Region>,
    published_region: Option<Region>,
}

impl NestedTurn {
    /// The task's waker.
    pub(crate) fn waker(&self) -> &Waker {
        self.waker.as_ref().unwrap_or(Waker::noop())
    }

    /// Says that the task's future is gone: the task ends with this turn.
    pub(crate) fn ends(&mut self, end: End) {
        self.end = Some(end);
    }
}

impl Drop for NestedTurn {
    fn drop(&mut self) {
        let kernel = &*self.kernel;
        let record = &*self.task;
        // Before the task ends: a slot that has its waker keeps it for the next task.
        if let Some(waker) = self.waker.take() {
            kernel.tasks.borrow_mut().end_poll(record.slot, waker);
        }
        if let Some(end) = self.end.filter(|_| record.end.get().is_none()) {
            kernel.finish(record, end);
        }
        current_poll::put_back(&self.outer);
        kernel.regions.current.set(self.region.take());
        kernel.regions.published.set(self.published_region.take());
        let outer = self.outer_task.take();
        run_queue::set_running(outer.as_ref().map(|task| task.id));
        let inner = kernel.current_task.replace(outer);
        drop(inner);
    }
}
