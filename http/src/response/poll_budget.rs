//! A budget for cooperative scheduling: how much of a body a task processes before it yields to other tasks.
//!
//! Data that has been received is processed without waiting: a megabyte of gzip can decode to a gigabyte of lines, and a
//! task that reads them would run for seconds without letting a timer fire. So all work on a body costs some bytes of the
//! budget, and after each mebibyte the task yields: after a few milliseconds of work, of which yielding costs about a
//! thousandth.

use std::pin::pin;
use std::task::{Context, Poll};

/// How many bytes are processed between two yields.
const BUDGET: usize = 1024 * 1024;
/// The cost of the smallest step (a line, an event, a chunk of one byte), in bytes.
const STEP: usize = 256;
/// The cost of starting a compressed stream, which allocates tables and a window, in bytes.
pub(crate) const STREAM: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct PollBudget {
    left: usize,
}

impl PollBudget {
    pub(crate) fn new() -> PollBudget {
        PollBudget { left: BUDGET }
    }

    /// Charges one step that processed this many bytes.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes.max(STEP));
    }

    /// Charges this many small steps.
    pub(crate) fn spend_steps(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(steps.saturating_mul(STEP));
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Yields: wakes the task and returns `Pending`. The next poll has a new budget.
    pub(crate) fn poll_yield<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.left = BUDGET;
        if curio::is_running() {
            let yielding = pin!(curio::schedule()).poll(cx);
            debug_assert!(yielding.is_pending(), "it is ready at the second poll");
        } else {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
