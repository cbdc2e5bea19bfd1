//! The budget of a poll: how much a task may do before it has to let others run.
//!
//! A future that never has to wait, such as a read of a socket that always has data, would keep every other task and
//! timer waiting. So each poll of a task starts with a budget. Every trap that may succeed at once takes one from it, and
//! what moves bytes takes one more for every [`BYTES`]; when nothing is left the trap queues the task again and returns
//! `Pending`. Within one poll a task so gets through at most 128 traps, or about a mebibyte.
//!
//! # Several futures in one task
//!
//! A task that polls several futures in turn (`race`, `join!`, a copy in both directions) would always spend the budget on
//! the first of them, and those behind it would never get anything. So it is split: [`BudgetShares`] gives each an equal
//! part of what is left, and what it does not use goes to those behind it. Each gets at least one, however many there are
//! and however deep such splits nest, unless nothing was left to begin with. The order in which futures are polled stays as
//! written, so that of two that are ready the first one still wins, and there is no randomness in it.

use crate::kernel::state::try_with;
use crate::kernel::task_record::Parked;
use crate::task::info::TaskState;
use std::task::{Context, Poll};

/// How many traps may succeed within one poll.
pub(crate) const BUDGET: u32 = 128;
/// How many bytes count as much as a trap.
const BYTES: usize = 8 * 1024;

/// Takes one from the budget of this poll. When the budget is used up the task is queued again and has to return
/// `Pending`.
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<()> {
    let left = try_with(|kernel| {
        let left = kernel.current.budget.get();
        kernel.current.budget.set(left.saturating_sub(1));
        left
    });
    if left == Some(0) {
        cx.waker().wake_by_ref();
        try_with(|kernel| kernel.current.published.set(Some(Parked::in_state(TaskState::Ready))));
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// Takes from the budget what so many bytes cost that have just been moved.
pub(crate) fn spend_bytes(count: usize) {
    if count >= BYTES {
        let cost = u32::try_from(count / BYTES).unwrap_or(u32::MAX);
        try_with(|kernel| kernel.current.budget.set(kernel.current.budget.get().saturating_sub(cost)));
    }
}

/// What is left of the budget of this poll, split among futures that are polled one after the other.
pub(crate) struct BudgetShares {
    left: u32,
    futures: u32,
    least: u32,
}

/// The share of the future that is being polled.
#[must_use = "what is not used of it is to be returned"]
pub(crate) struct Share(u32);

impl BudgetShares {
    pub(crate) fn among(futures: usize) -> BudgetShares {
        let left = try_with(|kernel| kernel.current.budget.get()).unwrap_or(0);
        BudgetShares { left, futures: u32::try_from(futures).unwrap_or(u32::MAX), least: left.min(1) }
    }

    /// The next of the futures is about to be polled. Two calls and no closure, because futures nest, and each frame that
    /// stands between two levels takes from the depth that a thread's stack has room for.
    pub(crate) fn next(&mut self) -> Share {
        let share = (self.left / self.futures.max(1)).max(self.least);
        self.futures = self.futures.saturating_sub(1);
        try_with(|kernel| kernel.current.budget.set(share));
        Share(share)
    }

    /// It has been polled.
    pub(crate) fn give_back(&mut self, share: Share) {
        try_with(|kernel| {
            let used = share.0.saturating_sub(kernel.current.budget.get());
            self.left = self.left.saturating_sub(used);
            kernel.current.budget.set(self.left);
        });
    }
}
