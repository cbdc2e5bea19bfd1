//! One of several futures that a task runs at once, with a cancel scope of its own.

use crate::kernel::cancel_tree::CancelReason;
use crate::traps::{self, Scope};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future of a [`join!`](crate::join!) or a [`race`](super::race()). Having its own node it can end by
/// cancellation while a branch beside it is shielded and goes on.
pub(super) struct Branch<F: Future> {
    body: Option<Pin<Box<F>>>,
    scope: Option<Scope>,
    output: Option<F::Output>,
}

/// The outcome of one poll of a branch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Running,
    /// Its output is there.
    Finished,
    /// It was cancelled and has been dropped.
    Dropped,
}

impl<F: Future> Branch<F> {
    pub(super) fn new(future: F) -> Branch<F> {
        Branch { body: Some(Box::pin(future)), scope: None, output: None }
    }

    pub(super) fn take_output(&mut self) -> Option<F::Output> {
        self.output.take()
    }

    pub(super) fn is_running(&self) -> bool {
        self.body.is_some()
    }

    pub(super) fn progress(&self) -> Progress {
        match (&self.body, &self.output) {
            (Some(_), _) => Progress::Running,
            (None, Some(_)) => Progress::Finished,
            (None, None) => Progress::Dropped,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Progress {
        let Some(body) = &mut self.body else { return self.progress() };
        let scope = self.scope.get_or_insert_with(traps::open_scope);
        scope.follow();
        match scope.enter(|| body.as_mut().poll(cx)) {
            Poll::Ready(value) => {
                self.output = Some(value);
                self.end();
            }
            Poll::Pending if scope.poll_unwind(cx).is_some() => self.end(),
            Poll::Pending => {}
        }
        self.progress()
    }

    /// Cancels it. It may end right away, or need more polls for its cleanups.
    pub(super) fn cancel(&mut self) {
        match &self.scope {
            Some(scope) => {
                scope.request(CancelReason::Cancelled);
                self.unwind_if_due();
            }
            None => self.end(),
        }
    }

    fn unwind_if_due(&mut self) {
        if self.scope.as_ref().is_some_and(|scope| scope.must_unwind().is_some()) {
            self.end();
        }
    }

    fn end(&mut self) {
        let body = self.body.take();
        match self.scope.take() {
            Some(scope) => scope.enter(|| drop(body)),
            None => drop(body),
        }
    }
}
