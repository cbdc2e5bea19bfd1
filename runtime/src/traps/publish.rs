//! Publishing a wait: what the current task waits for, where in the source, and for which resource.
//!
//! A trap publishes itself with [`park`]. A future that is built of other waits publishes what it waits for with
//! [`park_around`], after the futures inside it have been polled. The last publication of a poll is what the task table,
//! error reports and activations show. What is published outside of a kernel is not looked at.

use crate::kernel::current_poll::{self, PUBLISHED};
use crate::kernel::state::{State, is_watched, try_with};
use crate::kernel::task_record::{Parked, Resource};
use crate::task::info::{TaskId, TaskState};
use std::panic::Location;

/// Publishes what the current task is about to wait for.
#[inline]
pub(crate) fn park(state: TaskState, at: &'static Location<'static>, resource: Resource) {
    publish(Parked::new(state, Some(at), resource), None);
}

/// [`park`] for something that can be said in words, which is done only when the task is asked what it waits for. No words:
/// there is nothing to say.
pub(crate) fn park_for(
    state: TaskState,
    at: &'static Location<'static>,
    resource: Resource,
    about: &dyn Fn() -> String,
) {
    publish(Parked::new(state, Some(at), resource), Some(about));
}

#[inline]
fn publish(parked: Parked, about: Option<&dyn Fn() -> String>) {
    PUBLISHED.set(Some(parked));
    if is_watched() {
        note(about);
    }
}

/// Remembers in which region the task waits; while it is asked what it waits for, also this wait.
#[cold]
#[inline(never)]
fn note(about: Option<&dyn Fn() -> String>) {
    try_with(|kernel| {
        kernel.regions.published.set(kernel.regions.current());
        if let Some(task) = asked_task(kernel)
            && let Some(parked) = PUBLISHED.get()
        {
            kernel.captured.note(task, parked, kernel.regions.current(), about);
        }
    });
}

/// The task that is being polled, if notes are taken.
fn asked_task(kernel: &State) -> Option<TaskId> {
    let task = kernel.current_task.borrow();
    task.as_ref().map(|task| task.id).filter(|_| kernel.captured.is_on())
}

/// Which source line a wait is shown at that is built of other waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// That of the wait inside, if it has published one.
    Inner,
    /// That of the outer one.
    Outer,
}

/// Publishes that the current wait is part of another one at `at`, and with `state` also what kind of wait that is.
/// A future of another crate has published nothing by then; its wait is shown as a foreign one.
#[inline]
pub(crate) fn park_around(state: Option<TaskState>, at: &'static Location<'static>, line: Line) {
    let inner = current_poll::published();
    let inner_line = inner.at.filter(|_| line == Line::Inner);
    let shown = state.unwrap_or(inner.state());
    PUBLISHED.set(Some(Parked::new(shown, inner_line.or(Some(at)), inner.resource())));
    if is_watched() && line == Line::Outer {
        note_around(state, at);
    }
}

#[cold]
#[inline(never)]
fn note_around(state: Option<TaskState>, at: &'static Location<'static>) {
    try_with(|kernel| {
        if let Some(task) = asked_task(kernel) {
            kernel.captured.show_at(task, state, at);
        }
    });
}
