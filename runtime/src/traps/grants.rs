//! Traps of the wait queues: the identity of the waiting task, to which something can be [granted](crate::kernel::grants).

use crate::kernel::current_poll::HOST;
use crate::kernel::grants::Grantee;
use crate::kernel::state::{running_id, try_with};
use crate::kernel::task_record::TaskRef;
use std::sync::Arc;

/// Who waits from now on: the task that is being polled, or, outside of a kernel, this thread.
#[inline]
pub(crate) fn identify(grantee: &mut Grantee) {
    match (HOST.get(), running_id()) {
        (Some(host), Some(kernel)) => {
            grantee.set_task(host, kernel, || try_with(|kernel| Arc::clone(&kernel.grants)));
        }
        _ => grantee.set_thread(),
    }
}

/// The task that is being polled, if this is a task at all.
pub(crate) fn current_ref() -> Option<TaskRef> {
    try_with(|kernel| kernel.current_task.borrow().as_ref().map(|task| TaskRef::to(task))).flatten()
}
