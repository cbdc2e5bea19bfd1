//! The poll in progress: which task is being polled, in which scope, what it has published, and what is left of its budget.

use crate::kernel::cancel_tree::ScopeKey;
use crate::kernel::task_record::{Parked, Runnable};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Default)]
pub(crate) struct CurrentPoll {
    /// The task that is being polled; of nested ones the innermost.
    pub(crate) task: RefCell<Option<Rc<dyn Runnable>>>,
    /// The node of the cancel tree whose region is being polled.
    pub(crate) scope: Cell<Option<ScopeKey>>,
    /// The time limits that are being polled without having entered a node, outermost first, and the nodes that
    /// they were given meanwhile.
    pub(crate) limits: RefCell<Vec<Option<ScopeKey>>>,
    /// What the task waits for, once a trap has said so.
    pub(crate) published: Cell<Option<Parked>>,
    /// How many more traps may succeed in this poll.
    pub(crate) budget: Cell<u32>,
}
