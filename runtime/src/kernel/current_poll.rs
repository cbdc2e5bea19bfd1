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
    /// How many time limits that have no node are being polled, inside of `scope`.
    pub(crate) limits_without_node: Cell<u32>,
    /// The nodes of those around them that were given one since they began to be polled, outermost first.
    pub(crate) limit_nodes: RefCell<Vec<ScopeKey>>,
    /// What the task waits for, once a trap has published it.
    pub(crate) published: Cell<Option<Parked>>,
    /// How many more traps may succeed in this poll.
    pub(crate) budget: Cell<u32>,
    /// How often the budget was used up and one more trap was lent.
    pub(crate) lent: Cell<u32>,
}
