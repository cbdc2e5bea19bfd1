//! The body of a task: its future, and in the same place its outcome when it has ended.

use crate::kernel::task_record::Body;
use pin_project_lite::pin_project;
use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

pin_project! {
    // In a box of its own, because in safe Rust a future inside an `Rc` cannot be pinned.
    #[project = StageMut]
    #[project_replace = StageOwned]
    pub(super) enum Stage<F>
    where
        F: Future,
    {
        Running { #[pin] future: F },
        Returned { value: F::Output },
        Panicked { payload: Box<dyn Any + Send> },
        // The outcome has been taken, or a destructor of the future has panicked.
        Empty,
    }
}

impl<F: Future> Stage<F> {
    pub(super) fn new(future: F) -> Stage<F> {
        Stage::Running { future }
    }
}

impl<F: Future> Body for Stage<F>
where
    F::Output: 'static,
{
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let StageMut::Running { future } = self.as_mut().project() else { return Poll::Ready(()) };
        let value = ready!(future.poll(cx));
        // The future is dropped first: its destructors may panic, and then there is no value.
        self.set(Stage::Empty);
        self.set(Stage::Returned { value });
        Poll::Ready(())
    }

    fn crash(mut self: Pin<&mut Self>, payload: Box<dyn Any + Send>) {
        self.set(Stage::Panicked { payload });
    }

    fn take_outcome(self: Pin<&mut Self>, to: &mut dyn Any) {
        let outcome = match self.project_replace(Stage::Empty) {
            StageOwned::Returned { value } => Ok(value),
            StageOwned::Panicked { payload } => Err(payload),
            _ => return,
        };
        if let Some(to) = to.downcast_mut::<Option<thread::Result<F::Output>>>() {
            *to = Some(outcome);
        }
    }
}
