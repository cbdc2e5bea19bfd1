//! The task table: every live task, by slot.
//!
//! Each task has a waker of its own, made once when it is spawned. That is the whole difference to `block_on` of step 1: what
//! is woken is one task and not the thread, so the kernel knows which future to poll, and polls no other.

use crate::run_queue::RunQueue;
use crate::task_cell::Runnable;
use crate::waker::TaskWaker;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

#[derive(Clone)]
pub(crate) struct TaskSlot {
    pub(crate) task: Rc<dyn Runnable>,
    pub(crate) waker: Waker,
}

#[derive(Default)]
pub(crate) struct TaskTable {
    slots: Vec<Option<TaskSlot>>,
    free: Vec<u32>,
}

impl TaskTable {
    /// Adds a task and returns its slot.
    pub(crate) fn add(&mut self, task: Rc<dyn Runnable>, queue: &Arc<RunQueue>) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks fit in memory")
        });
        let waker = Waker::from(Arc::new(TaskWaker { slot, run_queue: Arc::clone(queue) }));
        self.slots[slot as usize] = Some(TaskSlot { task, waker });
        slot
    }

    /// The task in a slot, for a poll. `None` for an empty slot: a late wake.
    pub(crate) fn get(&self, slot: u32) -> Option<TaskSlot> {
        self.slots.get(slot as usize)?.clone()
    }

    /// Frees the slot of a task that has ended. What was in it is returned to be dropped outside of any borrow.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<TaskSlot> {
        self.free.push(slot);
        self.slots[slot as usize].take()
    }

    /// Drops the futures of all tasks where they are parked.
    pub(crate) fn discard_all(self) {
        self.slots.into_iter().flatten().for_each(|slot| slot.task.discard());
    }
}
