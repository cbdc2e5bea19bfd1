//! Traps: the only doors into the kernel.
//!
//! In Curio a coroutine asks the kernel for something by *trapping* into it, as a program does with a system
//! call. Here a trap is a leaf future: it asks one of the functions below, and if it has to wait it
//!
//! 1. has left its waker where it will be found (a timer, a socket, a line of waiters),
//! 2. has *published* what it waits for: the kind of wait, the source line, the resource ([`park`]),
//! 3. returns `Pending`.
//!
//! Nothing else in this crate touches the kernel, and the kernel knows of nothing that is built on traps: no
//! locks, no sockets, no `Task<T>`. What is published always is, in every build, and it costs a few stores; the
//! task table, error reports and pictures all read it.
//!
//! | trap | asked by |
//! |---|---|
//! | [`now`], [`set_timer`] | `time` |
//! | [`add_chore`] | `upkeep` |
//! | [`spawn`], [`current_task`], [`request_cancel`] | `task` |
//! | [`request_cancel_of`], [`current_waker`], [`open_task_scope`] | `group` |
//! | [`Nested`] | `scope` |
//! | [`locals`], [`set_locals`] | `task_local` |
//! | [`open_scope`] and its methods | `cancel` |
//! | [`register`], [`SocketWait`] | `net` |
//! | [`granted`], [`claimed`], [`grantee`] | `sync` |
//! | [`run_job`], [`hold_clock`] | threads |
//! | [`park_at`] | what is built of other waits: `io`, `files`, `subprocess`, `signals` |
//! | [`task_must_unwind`], [`task_stops_where_parked`] | the kernel itself, for the main task |
//! | [`spend`] | every trap that may succeed at once |

mod grants;
mod jobs;
mod nested;
mod scopes;
mod sockets;
mod tasks;
mod time;

pub(crate) use crate::chores::Chore;
use crate::state::{State, try_with};
use crate::table::{Parked, Resource};
use crate::task_info::TaskState;
pub(crate) use grants::{claimed, granted, grantee};
pub(crate) use jobs::{JobHold, hold_clock, run_job};
pub(crate) use nested::{Nested, NestedTurn};
pub(crate) use scopes::{
    Entered, Scope, ScopeLink, cancellation_pending, first_poll, is_cancelled, open_scope, open_task_scope,
};
pub(crate) use sockets::{Registration, SocketWait, register};
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};
pub(crate) use tasks::{
    all_tasks, current_id, current_task, current_waker, locals, report, report_never_joined, request_cancel,
    request_cancel_of, set_locals, spawn, task_must_unwind, task_stops_where_parked,
};
pub(crate) use time::{Timer, add_chore, now, set_timer};

/// How many traps may succeed within one poll before the task has to let others run.
pub(crate) const BUDGET: u32 = 128;

/// Whether a kernel runs on this thread.
pub(crate) fn is_running() -> bool {
    try_with(|_| ()).is_some()
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

fn is_running_here(kernel: &Rc<State>) -> bool {
    try_with(|running| Rc::ptr_eq(running, kernel)) == Some(true)
}

/// Publishes what the current task is about to wait for. Outside of a kernel there is nobody to tell.
pub(crate) fn park(state: TaskState, at: &'static Location<'static>, resource: Resource) {
    try_with(|kernel| kernel.published.set(Some(Parked { state, at: Some(at), resource })));
}

/// Publishes that the current task only lets others go first. Unlike a wait it means nothing outside of a kernel.
#[track_caller]
pub(crate) fn park_ready(at: &'static Location<'static>) {
    with(|kernel| kernel.published.set(Some(Parked { at: Some(at), ..Parked::in_state(TaskState::Ready) })));
}

/// Shows the current wait as part of something larger, as long as nothing inside has more to say about where.
pub(crate) fn park_as(state: TaskState, at: &'static Location<'static>) {
    try_with(|kernel| {
        let inside = kernel.published.get().unwrap_or(Parked::in_state(state));
        kernel.published.set(Some(Parked { state, at: inside.at.or(Some(at)), ..inside }));
    });
}

/// Shows the line of a wait in a foreign future, which says nothing itself.
pub(crate) fn park_unless_said(at: &'static Location<'static>) {
    try_with(|kernel| {
        if kernel.published.get().is_none() {
            kernel.published.set(Some(Parked { at: Some(at), ..Parked::in_state(TaskState::ForeignWait) }));
        }
    });
}

/// Shows the current wait at another line: that of the caller of something that waits by waiting for something else.
pub(crate) fn park_at(at: &'static Location<'static>) {
    try_with(|kernel| {
        let inside = kernel.published.get().unwrap_or(Parked::in_state(TaskState::ForeignWait));
        kernel.published.set(Some(Parked { at: Some(at), ..inside }));
    });
}

/// Takes one of the poll's budget. When it is used up the task is queued again and has to return `Pending`.
///
/// Without this, a task whose socket always has data would keep every other task and timer waiting.
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<()> {
    let left = try_with(|kernel| {
        let left = kernel.budget.get();
        kernel.budget.set(left.saturating_sub(1));
        left
    });
    if left == Some(0) {
        cx.waker().wake_by_ref();
        try_with(|kernel| kernel.published.set(Some(Parked::in_state(TaskState::Ready))));
        return Poll::Pending;
    }
    Poll::Ready(())
}
