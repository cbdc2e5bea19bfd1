//! Traps for the wait queues: which task waits, and that it has been [granted](crate::kernel::grants) what it waited for.

use crate::kernel::grants::{GrantId, Grantee, Revoke, Watched};
use crate::kernel::state::try_with;
use std::sync::Arc;

/// The task that is being polled, as the receiver of a grant.
pub(crate) fn grantee() -> Option<Grantee> {
    try_with(|kernel| {
        let current = kernel.current.borrow();
        let record = current.as_ref()?.record();
        Some(Grantee { kernel: kernel.id, slot: record.slot, task: record.id })
    })
    .flatten()
}

/// Watches a grant until it is claimed. `None` if it can't be watched from here.
pub(crate) fn granted(
    grantee: Grantee,
    from: impl FnOnce() -> Arc<dyn Revoke>,
    id: GrantId,
) -> Option<Watched> {
    try_with(|kernel| {
        if kernel.id != grantee.kernel {
            return None;
        }
        let tasks = kernel.tasks.borrow();
        // A task that has ended may have left a wait behind. It is not polled any more, so the grant is overdue at once.
        let record = tasks.get(grantee.slot).map(|task| task.record());
        let cycles =
            record.filter(|record| record.id == grantee.task).map_or(0, |record| record.cycles.get());
        Some(kernel.grants.borrow_mut().add(grantee, cycles, from(), id))
    })
    .flatten()
}

/// A grant was claimed, or given up: if it was watched, it need not be any more.
pub(crate) fn claimed(watched: Option<Watched>) {
    let Some(watched) = watched else { return };
    try_with(|kernel| {
        if kernel.id == watched.kernel {
            kernel.grants.borrow_mut().claimed(watched);
        }
    });
}
