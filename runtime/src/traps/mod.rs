//! Traps: the only way into the kernel.
//!
//! In Curio a coroutine asks the kernel for something by *trapping* into it, as a program does with a system call. Here a
//! trap is a leaf future: it calls one of the functions below, and if it has to wait it
//!
//! 1. leaves its waker where it will be found (a timer, a socket, a queue of waiters),
//! 2. *publishes* what it waits for: the kind of wait, the source line, the resource ([`park`]),
//! 3. returns `Pending`.
//!
//! Nothing else in this crate touches the kernel, and the kernel knows nothing that is built on traps: no locks, no
//! sockets, no `Task<T>`. Waits are published in every build, which costs a few stores; the task table, error reports
//! and activations read them.
//!
//! | file | traps | used by |
//! |---|---|---|
//! | `publish.rs` | [`park`], [`park_for`], [`park_around`] | every trap; `cancel` |
//! | `at_caller.rs` | [`at_caller`](at_caller::at_caller) | waits built of other waits: `io`, `subprocess`, `signals` |
//! | `tasks.rs` | [`spawn`], [`current_task`], [`info_of`], [`async_stack`], [`why`], [`request_cancel`], [`locals`] | `task`, `group` |
//! | | [`task_must_unwind`], [`task_stops_where_parked`] | the kernel itself, for the main task |
//! | `nested.rs` | [`Nested`] | `scope` |
//! | `cancel.rs` | [`open_scope`] and its methods, [`open_task_scope`] | `cancel`, `scope`, `group` |
//! | `timers.rs` | [`now`], [`set_timer`], [`add_maintenance`] | `time`, `cancel` |
//! | `sockets.rs` | [`register`], [`SocketWait`] | `net` |
//! | `grants.rs` | [`identify`], [`current_ref`] | `sync` |
//! | `jobs.rs` | [`run_job`], [`hold_clock`] | `threads` |
//! | `regions.rs` | [`enter_region`], [`InsideRegion`] | `task` |
//! | `budget.rs` | [`spend`], [`spend_bytes`] | every trap that may succeed at once |
//! | | [`BudgetShares`] | what polls several futures in turn: `cancel`, `io` |

pub(crate) mod at_caller;
mod budget;
mod cancel;
mod grants;
mod jobs;
mod nested;
mod publish;
mod regions;
mod sockets;
mod tasks;
mod timers;

pub(crate) use crate::kernel::maintenance::MaintenanceJob;
use crate::kernel::state::{State, running_id, try_with};
pub(crate) use budget::{BUDGET, BudgetShares, spend, spend_bytes};
pub(crate) use cancel::{
    Entered, Scope, ScopeLink, begin_limit, cancellation_pending, is_cancelled, open_scope, open_task_scope,
};
pub(crate) use grants::{current_ref, identify};
pub(crate) use jobs::{JobHold, hold_clock, run_job};
pub(crate) use nested::{Nested, NestedTurn};
pub(crate) use publish::{Line, park, park_around, park_for};
pub(crate) use regions::{InsideRegion, current_region, enter_region, is_watched, leave_region};
pub(crate) use sockets::{Registration, SocketWait, register};
use std::rc::Rc;
pub(crate) use tasks::{
    all_tasks, async_stack, current_id, current_task, info_of, locals, report, report_never_joined,
    report_panic, request_cancel, request_cancel_of, set_locals, spawn, task_must_unwind,
    task_stops_where_parked, why,
};
pub(crate) use timers::{EndlessSleep, Timer, add_maintenance, now, set_timer, sleep_without_end};

/// Whether a kernel runs on this thread.
#[inline]
pub(crate) fn is_running() -> bool {
    running_id().is_some()
}

/// Panics outside of a kernel: for a wait that no waker would ever end there.
#[inline]
#[track_caller]
pub(crate) fn require_kernel() {
    if !is_running() {
        with(|_| ());
    }
}

#[track_caller]
fn with<R>(use_it: impl FnOnce(&Rc<State>) -> R) -> R {
    match try_with(use_it) {
        Some(value) => value,
        None => panic!(
            "no curio kernel is running on this thread; call this from inside `curio::run(...)` \
             (a thread of your own can reach a kernel through `Queue`, `Event` and the other types of `curio::sync`)"
        ),
    }
}

#[inline]
fn is_running_here(kernel: &State) -> bool {
    running_id() == Some(kernel.id)
}
