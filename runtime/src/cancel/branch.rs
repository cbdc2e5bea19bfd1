//! One of several futures that a task runs at once, with a cancel scope of its own.

use crate::kernel::cancel_tree::CancelReason;
use crate::traps::{self, Scope};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A future of a [`join!`](crate::join!) or a [`race`](super::race()). Having its own node it can end by
    /// cancellation while a branch beside it is shielded and goes on.
    pub(super) struct Branch<F: Future> {
        #[pin]
        body: Option<F>,
        scope: Option<Scope>,
        output: Option<F::Output>,
    }
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
        Branch { body: Some(future), scope: None, output: None }
    }

    pub(super) fn take_output(self: Pin<&mut Self>) -> Option<F::Output> {
        self.project().output.take()
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

    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Progress {
        let this = self.as_mut().project();
        let Some(body) = this.body.as_pin_mut() else { return self.progress() };
        let scope = this.scope.get_or_insert_with(traps::open_scope);
        scope.follow();
        match scope.enter(|| body.poll(cx)) {
            Poll::Ready(value) => {
                *this.output = Some(value);
                self.as_mut().end();
            }
            Poll::Pending if scope.poll_unwind(cx).is_some() => self.as_mut().end(),
            Poll::Pending => {}
        }
        self.progress()
    }

    /// Cancels it. It may end right away, or need more polls for its cleanups.
    pub(super) fn cancel(self: Pin<&mut Self>) {
        let is_due = |scope: &Scope| {
            scope.request(CancelReason::Cancelled);
            scope.must_unwind().is_some()
        };
        // Without a scope it has not been polled yet.
        if self.scope.as_ref().is_none_or(is_due) {
            self.end();
        }
    }

    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        match this.scope.take() {
            Some(scope) => scope.enter(|| this.body.set(None)),
            None => this.body.set(None),
        }
    }
}
