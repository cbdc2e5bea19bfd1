//! A task's handle: spawning a future and joining it.
//!
//! Joining is a wait like any other. The waker is left in the task's record, and the kernel calls it when the task has
//! ended. A panic of a task is not a panic of the kernel: it is the task's outcome, and the join returns it.

use crate::task_cell::{Joinable, TaskCell};
use crate::traps;
use std::any::Any;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Why a task has no result.
#[derive(Debug)]
pub enum TaskError {
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
}

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
    /// [`TaskError::Panicked`]. Errors of the program are inside `T`.
    pub fn join(self) -> Join<T> {
        Join { task: self }
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
