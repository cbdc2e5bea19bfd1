//! The values of one task's task-locals.
//!
//! Spawning copies only a counted pointer to these: a child looks at the very values of its parent, and whichever
//! of the two first sets one gets a list of its own (copy on write). Setting replaces a value; it never changes
//! one in place, so neither task can see what the other has set since.
//!
//! The list is searched from front to back. Programs have a handful of task-locals, and for a handful nothing is
//! faster.

use std::any::Any;
use std::rc::Rc;

/// Names a task-local: the address of its `static`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalKey(pub(crate) usize);

#[derive(Clone, Default)]
pub(crate) struct Locals(Vec<(LocalKey, Rc<dyn Any>)>);

impl Locals {
    pub(crate) fn find(&self, key: LocalKey) -> Option<&Rc<dyn Any>> {
        self.0.iter().find(|(other, _)| *other == key).map(|(_, value)| value)
    }

    /// Sets a value; returns the one it replaces, to be dropped outside of any borrow.
    pub(crate) fn set(&mut self, key: LocalKey, value: Rc<dyn Any>) -> Option<Rc<dyn Any>> {
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some((_, kept)) => Some(std::mem::replace(kept, value)),
            None => {
                self.0.push((key, value));
                None
            }
        }
    }
}
