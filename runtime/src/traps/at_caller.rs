//! Shows a wait at the source line of its caller.
//!
//! `#[track_caller]` does not reach into an `async` block or through a trait object, so a wait that is built of other
//! waits would be shown at a line of this crate. The public function takes its caller's line and wraps its future in an
//! [`AtCaller`].

use crate::task::info::TaskState;
use crate::traps::{self, Line};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future whose waits are all shown at one line.
pub(crate) struct AtCaller<F> {
    body: F,
    at: &'static Location<'static>,
    state: Option<TaskState>,
}

/// Shows all waits of `body` at the line `at`.
pub(crate) fn at_caller<F: Future + Unpin>(at: &'static Location<'static>, body: F) -> AtCaller<F> {
    AtCaller { body, at, state: None }
}

/// [`at_caller`] that also shows another kind of wait than the one inside: what the caller asked for.
#[cfg(all(unix, feature = "signals"))]
pub(crate) fn at_caller_as<F: Future + Unpin>(
    state: TaskState,
    at: &'static Location<'static>,
    body: F,
) -> AtCaller<F> {
    AtCaller { body, at, state: Some(state) }
}

impl<F: Future + Unpin> Future for AtCaller<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll(cx);
        if polled.is_pending() {
            traps::park_around(this.state, this.at, Line::Outer);
        }
        polled
    }
}
