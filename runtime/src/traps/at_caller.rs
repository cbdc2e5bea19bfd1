//! Shows a wait at the line that asked for it.
//!
//! `#[track_caller]` does not reach into an `async` block or through a trait object, so a wait that is built of
//! other waits would be shown at a line of this crate. The public function notes its caller's line and puts its
//! future in here.

use crate::task::info::TaskState;
use crate::traps;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future whose waits are shown at one line.
pub(crate) struct AtCaller<F> {
    body: F,
    at: &'static Location<'static>,
    state: Option<TaskState>,
}

/// Shows whatever `body` waits for as waited for at `at`.
pub(crate) fn at_caller<F: Future + Unpin>(at: &'static Location<'static>, body: F) -> AtCaller<F> {
    AtCaller { body, at, state: None }
}

/// The same for a wait that is something else to whoever asked than what it is built of.
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
            if let Some(state) = this.state {
                traps::park_as(state, this.at);
            }
            traps::park_at(this.at);
        }
        polled
    }
}
