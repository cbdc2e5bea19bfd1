//! The poll in progress: in which scope it is, what it has published, and what is left of its budget.
//!
//! Traps read and change this many times in each poll. So every fact is in a cell of the thread, whose value needs no
//! destructor: then reading one is a load, and writing one is a store. The task itself is in the
//! [state](crate::kernel::state::State) of its kernel, because it has to be kept alive.
//!
//! One kernel runs on a thread, so there is one poll in progress, the innermost. What polls another task meanwhile (the task
//! around a nested one, a question about a task, a kernel that is dropped inside of another one) sets it aside and puts it
//! back.

use crate::kernel::cancel_tree::ScopeKey;
use crate::kernel::task_record::{Host, Parked};
use crate::task::info::TaskState;
use std::cell::Cell;

thread_local! {
    /// The task that is being polled, or the outermost one around it.
    pub(crate) static HOST: Cell<Option<Host>> = const { Cell::new(None) };
    /// The node of the cancel tree whose region is being polled.
    pub(crate) static SCOPE: Cell<Option<ScopeKey>> = const { Cell::new(None) };
    /// How many time limits that have no node are being polled, inside of [`SCOPE`].
    pub(crate) static LIMITS_WITHOUT_NODE: Cell<u32> = const { Cell::new(0) };
    /// What the task waits for, once a trap has published it.
    pub(crate) static PUBLISHED: Cell<Option<Parked>> = const { Cell::new(None) };
    /// How many more traps may succeed in this poll.
    pub(crate) static BUDGET: Cell<u32> = const { Cell::new(0) };
    /// How often the budget was used up and one more trap was lent.
    pub(crate) static LENT: Cell<u32> = const { Cell::new(0) };
}

/// All of it.
pub(crate) struct SetAside {
    host: Option<Host>,
    scope: Option<ScopeKey>,
    limits_without_node: u32,
    published: Option<Parked>,
    budget: u32,
    lent: u32,
}

/// Sets the poll in progress aside, if there is one: afterwards there is none.
pub(crate) fn set_aside() -> SetAside {
    SetAside {
        host: HOST.take(),
        scope: SCOPE.take(),
        limits_without_node: LIMITS_WITHOUT_NODE.take(),
        published: PUBLISHED.take(),
        budget: BUDGET.take(),
        lent: LENT.take(),
    }
}

/// No poll is in progress.
pub(crate) fn clear() {
    set_aside();
}

/// Goes on with it.
pub(crate) fn put_back(poll: &SetAside) {
    HOST.set(poll.host);
    SCOPE.set(poll.scope);
    LIMITS_WITHOUT_NODE.set(poll.limits_without_node);
    PUBLISHED.set(poll.published);
    BUDGET.set(poll.budget);
    LENT.set(poll.lent);
}

/// What the task waits for. A future that has published nothing is one of another crate.
#[inline]
pub(crate) fn published() -> Parked {
    PUBLISHED.get().unwrap_or(Parked::in_state(TaskState::ForeignWait))
}

/// The poll of a task begins, in the scope of the task.
#[inline]
pub(crate) fn begin(host: Host, scope: Option<ScopeKey>, budget: u32) {
    HOST.set(Some(host));
    SCOPE.set(scope);
    PUBLISHED.set(None);
    BUDGET.set(budget);
    LENT.set(0);
}

/// The poll is over: what is done until the next one is done by no task.
#[inline]
pub(crate) fn end() {
    HOST.set(None);
}
