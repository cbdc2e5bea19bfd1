//! The task table: every live task, by slot.
//!
//! Each task has a waker of its own, made once when it is spawned. That is the whole difference to `block_on`: what is woken
//! is one task and not the thread, so the kernel knows which future to poll, and polls no other.

use crate::run_queue::RunQueue;
use crate::waker::TaskWaker;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

pub(crate) struct TaskSlot {
    pub(crate) future: Pin<Box<dyn Future<Output = ()>>>,
    pub(crate) waker: Waker,
}

#[derive(Default)]
pub(crate) struct TaskTable {
    slots: Vec<Option<TaskSlot>>,
    free: Vec<u32>,
}

impl TaskTable {
    /// Adds a task and returns its slot.
    pub(crate) fn add(&mut self, future: Pin<Box<dyn Future<Output = ()>>>, queue: &Arc<RunQueue>) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks fit in memory")
        });
        let waker = Waker::from(Arc::new(TaskWaker { slot, run_queue: Arc::clone(queue) }));
        self.slots[slot as usize] = Some(TaskSlot { future, waker });
        slot
    }

    /// The task in a slot. `None` for an empty slot: a late wake.
    pub(crate) fn get(&mut self, slot: u32) -> Option<&mut TaskSlot> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Frees the slot of a task that has ended.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<TaskSlot> {
        self.free.push(slot);
        self.slots[slot as usize].take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }
}
