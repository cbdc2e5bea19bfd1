//! The cell of a task: its record, its future and its outcome, seen from two sides.

use crate::error::{Panicked, TaskError};
use crate::kernel::task_record::{Record, Runnable};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a handle needs of a task.
pub(super) trait Joinable<T> {
    fn record(&self) -> &Record;
    /// Drops what no join has taken.
    fn drop_outcome(&self);
    fn take_outcome(&self) -> Result<T, TaskError>;
}

pub(super) struct TaskCell<F: Future> {
    record: Record,
    /// Boxed, because a future inside an `Rc` cannot be pinned in safe Rust.
    future: RefCell<Option<Pin<Box<F>>>>,
    outcome: Cell<Outcome<F::Output>>,
}

enum Outcome<T> {
    /// Not there: the task still runs, or it was cancelled.
    None,
    Value(T),
    Panic(Box<dyn Any + Send>),
    Taken,
}

impl<F: Future> TaskCell<F> {
    pub(super) fn new(record: Record, future: Pin<Box<F>>) -> TaskCell<F> {
        TaskCell { record, future: RefCell::new(Some(future)), outcome: Cell::new(Outcome::None) }
    }
}

impl<F: Future> Runnable for TaskCell<F> {
    fn record(&self) -> &Record {
        &self.record
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.future.borrow_mut();
        let Some(future) = slot.as_mut() else { return Poll::Ready(()) };
        let value = ready!(future.as_mut().poll(cx));
        *slot = None;
        self.outcome.set(Outcome::Value(value));
        Poll::Ready(())
    }

    fn discard(&self) {
        let future = self.future.borrow_mut().take();
        drop(future);
    }

    fn crash(&self, payload: Box<dyn Any + Send>) {
        self.outcome.set(Outcome::Panic(payload));
    }

    fn drop_outcome(&self) {
        let outcome = self.outcome.replace(Outcome::Taken);
        drop(outcome);
    }
}

impl<F: Future> Joinable<F::Output> for TaskCell<F> {
    fn record(&self) -> &Record {
        &self.record
    }

    fn drop_outcome(&self) {
        Runnable::drop_outcome(self);
    }

    #[track_caller]
    fn take_outcome(&self) -> Result<F::Output, TaskError> {
        self.record.attended.set(true);
        match self.outcome.replace(Outcome::Taken) {
            Outcome::Value(value) => Ok(value),
            Outcome::Panic(payload) => Err(TaskError::Panicked(Panicked::new(payload))),
            Outcome::None => Err(TaskError::Cancelled),
            Outcome::Taken => {
                panic!("the result of {} was taken by an earlier join of its handle", self.record)
            }
        }
    }
}
