//! The cell of a task, seen from two sides.
//!
//! ```text
//! kernel ── Rc<dyn Runnable> ─▶ ┌ TaskCell<F> ───────────────────────┐ ◀─ Rc<dyn Joinable<T>> ── Task<T>
//!                               │ record   how it has ended, who waits │
//!                               │ future   dropped as soon as it ends  │
//!                               │ outcome  until a join takes it       │
//!                               └──────────────────────────────────────┘
//! ```
//!
//! The kernel does not know the type of a task's value, the handle does not know the type of its future, and neither side
//! needs the other: a task runs on when its handle is dropped, and a handle keeps the outcome of a task that is long gone.

use crate::task::TaskError;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// What the kernel needs of a task.
pub(crate) trait Runnable {
    fn record(&self) -> &Record;
    /// Polls the future. When it is ready, the future is dropped and its value kept.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Drops the future where it is parked.
    fn discard(&self);
    /// Keeps a panic's payload for a join.
    fn crash(&self, payload: Box<dyn Any + Send>);
}

/// What a handle needs of a task.
pub(crate) trait Joinable<T>: Runnable {
    fn take_outcome(&self) -> Result<T, TaskError>;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Returned,
    Panicked,
    Cancelled,
}

/// What is known of one task, whatever its type.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) slot: Cell<u32>,
    /// It has been polled and is not being polled now.
    pub(crate) parked: Cell<bool>,
    pub(crate) cancel_requested: Cell<bool>,
    /// It was parked when it was asked to stop. So it is dropped there, even if it is woken before it would be polled.
    pub(crate) stops_where_parked: Cell<bool>,
    pub(crate) end: Cell<Option<End>>,
    pub(crate) join_wakers: RefCell<Vec<Waker>>,
}

impl Record {
    /// Ready when the task has ended.
    pub(crate) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.end.get().is_some() {
            return Poll::Ready(());
        }
        let mut wakers = self.join_wakers.borrow_mut();
        if !wakers.iter().any(|kept| kept.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

pub(crate) struct TaskCell<F: Future> {
    record: Record,
    /// Boxed, because a future inside an `Rc` cannot be pinned in safe Rust.
    future: RefCell<Option<Pin<Box<F>>>>,
    outcome: Cell<Option<Result<F::Output, TaskError>>>,
}

impl<F: Future> TaskCell<F> {
    pub(crate) fn new(future: F) -> TaskCell<F> {
        let future = RefCell::new(Some(Box::pin(future)));
        TaskCell { record: Record::default(), future, outcome: Cell::new(None) }
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
        self.outcome.set(Some(Ok(value)));
        Poll::Ready(())
    }

    fn discard(&self) {
        let future = self.future.borrow_mut().take();
        drop(future);
    }

    fn crash(&self, payload: Box<dyn Any + Send>) {
        self.outcome.set(Some(Err(TaskError::Panicked(payload))));
    }
}

impl<F: Future> Joinable<F::Output> for TaskCell<F> {
    fn take_outcome(&self) -> Result<F::Output, TaskError> {
        // A task that was cancelled has left none. The handle is gone after a join, so no outcome is taken twice.
        self.outcome.take().unwrap_or(Err(TaskError::Cancelled))
    }
}
