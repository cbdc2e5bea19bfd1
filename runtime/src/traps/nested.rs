//! Tasks inside tasks: the children of a [`scope`](crate::scope()), which may borrow from the task around them.

use super::scopes::Scope;
use super::tasks::reserve;
use crate::ready;
use crate::scopes::ScopeKey;
use crate::state::State;
use crate::table::{End, Parked, Place, Record, Runnable};
use crate::task_info::TaskId;
use std::any::Any;
use std::rc::Rc;
use std::task::Context;

/// A task whose future lives inside another task's future, so that it may borrow from it.
///
/// It has a place in the table, a record and a waker like any other. Only, when the kernel comes to poll it, it
/// [passes the wake on](Runnable::pass_on) to the task that holds its future, and that one polls it through this.
pub(crate) struct Nested {
    kernel: Rc<State>,
    task: Rc<dyn Runnable>,
}

impl Nested {
    /// Adds the task; its cancel scope is below `scope`.
    pub(crate) fn spawn<T: Runnable + 'static>(
        scope: &Scope,
        make: impl FnOnce(Place, Option<TaskId>) -> Rc<T>,
    ) -> (Nested, Rc<T>) {
        let kernel = Rc::clone(&scope.kernel);
        let task = reserve(&kernel, make);
        let record = task.record();
        record.nested.set(true);
        let root = kernel.scopes.borrow_mut().add(Some(scope.key));
        record.root.set(Some(root));
        if kernel.shutting_down.get() {
            // It is new: nothing in it could have left a waker to be called.
            record.request_cancel(&mut kernel.scopes.borrow_mut(), &mut Vec::new());
        }
        kernel.tasks.borrow_mut().occupy(task.clone());
        if let Some(waker) = kernel.tasks.borrow().waker(record.slot) {
            waker.wake();
        }
        (Nested { kernel, task: task.clone() }, task)
    }

    /// Runs `act` as this task, with its waker. If it returns an end, the task has ended and its future is gone.
    /// False if the task had ended already.
    pub(crate) fn run(&self, act: impl FnOnce(&mut Context<'_>) -> Option<End>) -> bool {
        let (kernel, record) = (&self.kernel, self.record());
        if record.end.get().is_some() {
            return false;
        }
        let begun = kernel.tasks.borrow_mut().begin_poll(record.slot);
        let Some((_, waker)) = begun else { return false };
        let turn = NestedTurn {
            kernel,
            scope: kernel.scope.get(),
            published: kernel.published.take(),
            budget: kernel.budget.get(),
            current: kernel.make_current(&self.task, record.woken_by.get()),
        };
        let end = act(&mut Context::from_waker(&waker));
        // Before its end: a slot whose waker is in its place keeps it for the next tenant.
        kernel.tasks.borrow_mut().end_poll(record.slot, waker);
        if let Some(end) = end {
            self.end(end);
        }
        drop(turn);
        true
    }

    /// It was polled, and waits.
    pub(crate) fn suspend(&self) {
        self.kernel.suspend(self.record(), self.kernel.published.take());
    }

    /// Whether it is cancelled and nothing inside it is alive: its future is to be dropped now.
    pub(crate) fn must_unwind(&self) -> bool {
        self.record().root.get().is_some_and(|root| {
            let scopes = self.kernel.scopes.borrow();
            scopes.cancelled(root).is_some() && !scopes.anything_alive_below(root)
        })
    }

    /// The task has ended and its future is gone.
    pub(crate) fn end(&self, end: End) {
        if self.record().end.get().is_none() {
            self.kernel.finish(&self.task, end);
        }
    }

    pub(crate) fn report_panic(&self, payload: &(dyn Any + Send), what: &str) {
        self.kernel.report_panic(self.record(), payload, what);
    }

    pub(crate) fn record(&self) -> &Record {
        self.task.record()
    }
}

/// Makes the outer task the current one again, even after a panic.
struct NestedTurn<'a> {
    kernel: &'a State,
    current: Option<Rc<dyn Runnable>>,
    scope: Option<ScopeKey>,
    published: Option<Parked>,
    budget: u32,
}

impl Drop for NestedTurn<'_> {
    fn drop(&mut self) {
        let kernel = self.kernel;
        kernel.published.set(self.published);
        kernel.scope.set(self.scope);
        kernel.budget.set(self.budget);
        let outer = self.current.take();
        ready::set_running(outer.as_ref().map(|task| task.record().id));
        let inner = kernel.current.replace(outer);
        drop(inner);
    }
}
