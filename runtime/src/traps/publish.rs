//! What a task is about to wait for, published before it returns `Pending`: the kind of wait, the source line and the
//! resource. The task table, error reports and pictures all read it.

use super::with;
use crate::kernel::state::try_with;
use crate::kernel::task_record::{Parked, Resource};
use crate::task::info::TaskState;
use std::panic::Location;

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
