//! The budget of a poll: how much a task may do before it has to let others run.
//!
//! A future that never has to wait, such as a read of a socket that always has data, would keep every other task and
//! timer waiting. So each poll of a task starts with a budget. Every trap that may succeed at once takes one from it, and
//! what moves bytes takes one more for every [`BYTES`]; when nothing is left the trap queues the task again and returns
//! `Pending`. Within one poll a task so gets through at most 128 traps, or about a mebibyte (twice that with combinators of
//! other crates, see below).
//!
//! # Several futures in one task
//!
//! A task that polls several futures in turn (`race`, `join!`, a copy in both directions) would always spend the budget on
//! the first of them, and those behind it would never get anything. So it is split: [`BudgetShares`] gives each an equal
//! part of what is left, and what it does not use goes to those behind it. Each gets at least one, however many there are
//! and however deep such splits nest, unless nothing was left to begin with. The order in which futures are polled stays as
//! written, so that of two that are ready the first one still wins, and there is no randomness in it.
//!
//! A combinator of another crate does not split it. But when a trap has found the budget used up, its future returns
//! `Pending`, and what is polled after that in the same poll is another branch: it is lent one trap.

use super::is_running;
use crate::kernel::current_poll::{self, LENT, PUBLISHED};
use crate::kernel::task_record::Parked;
use crate::task::info::TaskState;
use std::task::{Context, Poll};

/// How many traps may succeed within one poll.
pub(crate) const BUDGET: u32 = 128;
/// How many bytes count as much as a trap.
const BYTES: usize = 8 * 1024;

/// Takes one from the budget of this poll. When the budget is used up the task is queued again and has to return
/// `Pending`.
#[inline]
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<()> {
    match current_poll::BUDGET.get() {
        0 => used_up(cx),
        left => {
            current_poll::BUDGET.set(left - 1);
            Poll::Ready(())
        }
    }
}

/// What is polled from now on is another branch of the task: it is lent one trap. As often as that may happen, it does not
/// keep a task from returning.
#[cold]
#[inline(never)]
fn used_up(cx: &mut Context<'_>) -> Poll<()> {
    if !is_running() {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    if LENT.get() < BUDGET {
        LENT.set(LENT.get() + 1);
        current_poll::BUDGET.set(1);
    }
    PUBLISHED.set(Some(Parked::in_state(TaskState::Ready)));
    Poll::Pending
}

/// Takes from the budget what so many bytes cost that have just been moved.
pub(crate) fn spend_bytes(count: usize) {
    if count >= BYTES {
        let cost = u32::try_from(count / BYTES).unwrap_or(u32::MAX);
        current_poll::BUDGET.set(current_poll::BUDGET.get().saturating_sub(cost));
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
pub(crate) struct Share {
    budget: u32,
    /// What the kernel has lent in this poll until then.
    lent: u32,
}

impl BudgetShares {
    pub(crate) fn among(futures: usize) -> BudgetShares {
        let left = current_poll::BUDGET.get();
        BudgetShares { left, futures: u32::try_from(futures).unwrap_or(u32::MAX), least: left.min(1) }
    }

    /// The next of the futures is about to be polled. Two calls and no closure, because futures nest, and each frame that
    /// stands between two levels takes from the depth that a thread's stack has room for.
    pub(crate) fn next(&mut self) -> Share {
        let share = (self.left / self.futures.max(1)).max(self.least);
        self.futures = self.futures.saturating_sub(1);
        current_poll::BUDGET.set(share);
        Share { budget: share, lent: LENT.get() }
    }

    /// It has been polled.
    pub(crate) fn give_back(&mut self, share: Share) {
        let lent = LENT.get() - share.lent;
        let used = (share.budget + lent).saturating_sub(current_poll::BUDGET.get());
        self.left = self.left.saturating_sub(used);
        current_poll::BUDGET.set(self.left);
    }
}
