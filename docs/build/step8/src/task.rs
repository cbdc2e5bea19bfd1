//! A task's handle: spawning a future, joining it, cancelling it.
//!
//! In Rust a future can only be stopped by *dropping* it. But a task is dropped by the kernel, which may be polling it at this
//! very moment. So cancelling is a request: it marks the task and queues it, and the kernel carries the request out.
//!
//! Joining is a wait like any other. The waker is left in the task's record, and the kernel calls it when the task has
//! ended. A panic of a task is not a panic of the kernel: it is the task's outcome, and the join returns it.

use crate::task_cell::{End, Joinable, Record, TaskCell};
use crate::traps;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Why a task has no result.
#[derive(Debug)]
pub enum TaskError {
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// It was cancelled.
    Cancelled,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskError::Panicked(_) => "the task panicked",
            TaskError::Cancelled => "the task was cancelled",
        })
    }
}

impl Error for TaskError {}

/// Runs a future as a task of its own.
///
/// The new task is put on the run queue; it first runs after the calling task next suspends.
///
/// # Panics
/// Outside of a kernel.
#[track_caller]
pub fn spawn<F: Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    let cell = Rc::new(TaskCell::new(future));
    traps::spawn(cell.clone());
    Task { cell }
}

/// A handle to a task. Dropping it does not stop the task.
pub struct Task<T> {
    cell: Rc<dyn Joinable<T>>,
}

impl<T> Task<T> {
    /// Waits for the task and returns its result.
    ///
    /// # Errors
    /// [`TaskError::Cancelled`] or [`TaskError::Panicked`]. Errors of the program are inside `T`.
    pub fn join(self) -> Join<T> {
        Join { task: self }
    }

    /// Asks the task to stop and waits until it has ended. True if it ended because it was cancelled; false if it had ended
    /// already, or was ready all the same.
    pub fn cancel(&self) -> Cancel<'_> {
        Cancel { record: self.cell.record(), requested: false }
    }

    /// Asks the task to stop and does not wait.
    pub fn request_cancel(&self) {
        traps::request_cancel(self.cell.record());
    }
}

/// The future of [`Task::join`].
#[must_use = "futures do nothing unless awaited"]
pub struct Join<T> {
    task: Task<T>,
}

impl<T> Future for Join<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let cell = &self.task.cell;
        ready!(cell.record().poll_end(cx));
        Poll::Ready(cell.take_outcome())
    }
}

/// The future of [`Task::cancel`].
#[must_use = "futures do nothing unless awaited; `request_cancel` does not wait"]
pub struct Cancel<'a> {
    record: &'a Record,
    requested: bool,
}

impl Future for Cancel<'_> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        if !this.requested {
            if this.record.end.get().is_some() {
                return Poll::Ready(false);
            }
            this.requested = true;
            traps::request_cancel(this.record);
        }
        ready!(this.record.poll_end(cx));
        Poll::Ready(this.record.end.get() == Some(End::Cancelled))
    }
}
