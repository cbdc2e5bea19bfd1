//! Traps of the wait queues: the identity of the waiting task, to which something can be [granted](crate::kernel::grants).

use crate::kernel::grants::Grantee;
use crate::kernel::state::try_with;
use crate::kernel::task_record::TaskRef;

/// The task that is being polled, as one that can be granted something. `None` on a thread without a kernel.
pub(crate) fn grantee() -> Option<Grantee> {
    try_with(|kernel| {
        let current = kernel.current_task.borrow();
        let record = current.as_ref()?;
        Some(Grantee::new(&kernel.grants, record.host_or_self()))
    })
    .flatten()
}

/// The task that is being polled, if this is a task at all.
pub(crate) fn current_ref() -> Option<TaskRef> {
    try_with(|kernel| kernel.current_task.borrow().as_ref().map(|task| TaskRef::to(task))).flatten()
}
