//! How much of a body is worked on before other tasks get their turn.
//!
//! What is at hand never has to be waited for: a megabyte of gzip can stand for a gigabyte of lines, and whoever reads them
//! would be busy for seconds without a pause in which a timer could fire. So all work on a body has a price in bytes, and
//! after each mebibyte the task yields. That is some milliseconds of work, and a thousandth of that for the pause.

use std::pin::pin;
use std::task::{Context, Poll};

/// What is worked on between two pauses, in bytes.
const BUDGET: usize = 1024 * 1024;
/// What the smallest step costs: a line, an event, a chunk of a byte.
const STEP: usize = 256;
/// What the beginning of a compressed stream costs, by the tables and the window that are laid out for it.
pub(crate) const STREAM: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct PollBudget {
    left: usize,
}

impl PollBudget {
    pub(crate) fn new() -> PollBudget {
        PollBudget { left: BUDGET }
    }

    /// A step has been made that handled so many bytes.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes.max(STEP));
    }

    /// As many steps, none of which handled many bytes.
    pub(crate) fn spend_steps(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(steps.saturating_mul(STEP));
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Yields: wakes the task and is `Pending`. The next poll has a new budget.
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
