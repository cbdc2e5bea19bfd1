//! The task table: every live task, by slot.
//!
//! It keeps the records of tasks that have ended, and uses each again for a later task when no handle has it any more. So
//! spawning a task usually allocates no record, as it allocates no [waker](crate::kernel::waker).

use crate::kernel::cancel_tree::CancelTree;
use crate::kernel::inbox::{Generation, Inbox, Posted};
use crate::kernel::task_record::{Place, Record};
use crate::kernel::waker::{KernelId, TaskWaker};
use crate::task::info::TaskId;
use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

/// Fewer retired slots than this are not looked at again.
const SWEEP_AT_LEAST: usize = 64;

/// Every live task.
pub(crate) struct TaskTable {
    kernel: KernelId,
    inbox: Arc<Inbox>,
    slots: Vec<TaskSlot>,
    free: Vec<u32>,
    /// Records of tasks that have ended, for later tasks: at most one for each slot without a task.
    spare: Vec<Rc<Record>>,
    /// Slots of tasks that have ended, whose wakers had copies elsewhere then. See [`sweep`](Self::sweep).
    retired: Vec<u32>,
    /// How many of those there are when it is worth looking which of them are free by now.
    sweep_at: usize,
    /// The wakers of deadlock probes that still have copies, or that are in use now.
    probes: Vec<ProbeWaker>,
    live: usize,
    next_id: NonZeroU64,
}

#[derive(Default)]
struct TaskSlot {
    task: Option<Rc<Record>>,
    /// Out of its place while the task is being polled.
    waker: Option<Waker>,
    /// The same waker, to see whether there are copies of it elsewhere.
    shared: Option<Arc<TaskWaker>>,
}

/// A waker that a task was polled with once, beside its usual one.
struct ProbeWaker {
    slot: u32,
    waker: Arc<TaskWaker>,
}

impl TaskSlot {
    /// Whether anything but the table holds a copy of the waker.
    fn has_copies(&self) -> bool {
        let ours = 1 + usize::from(self.waker.is_some());
        self.shared.as_ref().is_some_and(|shared| Arc::strong_count(shared) > ours)
    }
}

impl TaskTable {
    pub(crate) fn new(kernel: KernelId, inbox: Arc<Inbox>) -> TaskTable {
        TaskTable {
            kernel,
            inbox,
            slots: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
            retired: Vec::new(),
            sweep_at: SWEEP_AT_LEAST,
            probes: Vec::new(),
            live: 0,
            next_id: NonZeroU64::MIN,
        }
    }

    /// Reserves a place; [`occupy`](Self::occupy) must follow.
    pub(crate) fn reserve(&mut self) -> Place {
        let id = TaskId::new(self.next_id);
        self.next_id = self.next_id.checked_add(1).expect("2^64 tasks are never spawned");
        let slot = self.free.pop().unwrap_or_else(|| self.another_slot());
        Place { kernel: self.kernel, id, slot, spare: self.spare.pop() }
    }

    fn another_slot(&mut self) -> u32 {
        if self.retired.len() >= self.sweep_at {
            self.sweep();
        }
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(TaskSlot::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks fit in memory")
        })
    }

    /// Frees the retired slots whose wakers have no copies left. It looks at all of them, so it is done only when there
    /// are twice as many as it left behind last time: O(1) for each task that ends.
    fn sweep(&mut self) {
        self.probes.retain(|probe| Arc::strong_count(&probe.waker) > 1);
        let (slots, probed) = (&self.slots, self.probed());
        self.free.extend(
            self.retired
                .extract_if(.., |number| !slots[*number as usize].has_copies() && !probed.contains(number)),
        );
        self.sweep_at = SWEEP_AT_LEAST.max(2 * self.retired.len());
    }

    pub(crate) fn occupy(&mut self, task: Rc<Record>) {
        let number = task.slot;
        let slot = &mut self.slots[number as usize];
        let new = || Arc::new(TaskWaker::new(self.kernel, number, Arc::clone(&self.inbox)));
        let shared = slot.shared.get_or_insert_with(new);
        shared.set_generation(Generation::of(task.id));
        slot.waker.get_or_insert_with(|| Waker::from(Arc::clone(shared)));
        slot.task = Some(task);
        self.live += 1;
    }

    /// The task in a slot and its waker, for a poll. `None` for an empty slot: a late wake, or a double one.
    pub(crate) fn begin_poll(&mut self, slot: u32) -> Option<(Rc<Record>, Waker)> {
        let slot = self.slots.get_mut(slot as usize)?;
        Some((Rc::clone(slot.task.as_ref()?), slot.waker.take()?))
    }

    /// Whether the task in this slot is being polled: its waker is in use.
    pub(crate) fn is_being_polled(&self, slot: u32) -> bool {
        self.slots.get(slot as usize).is_some_and(|slot| slot.task.is_some() && slot.waker.is_none())
    }

    pub(crate) fn end_poll(&mut self, slot: u32, waker: Waker) {
        self.slots[slot as usize].waker = Some(waker);
    }

    /// Frees the slot of a task that has ended.
    pub(crate) fn remove(&mut self, number: u32) {
        let slot = &mut self.slots[number as usize];
        self.spare.extend(slot.task.take());
        // After a probe it does not matter which: those that have copies of its wakers are found by a sweep.
        let is_free = !slot.has_copies() && self.probes.is_empty();
        let place = if is_free { &mut self.free } else { &mut self.retired };
        place.push(number);
        self.live -= 1;
    }

    /// Whether the task that was woken is still the one in its slot.
    pub(crate) fn is_there(&self, wake: &Posted) -> bool {
        self.get(wake.slot).is_some_and(|task| Generation::of(task.id) == wake.generation)
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Rc<Record>> {
        self.slots.get(slot as usize)?.task.as_ref()
    }

    /// A waker of the task in a slot, also while it is being polled.
    pub(crate) fn waker(&self, slot: u32) -> Option<Waker> {
        self.slots.get(slot as usize)?.shared.clone().map(Waker::from)
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Gives every task another waker for its next poll, so that it can be seen afterwards who has kept it. Returns these
    /// wakers, each with the usual one.
    pub(crate) fn begin_probe(&mut self) -> Vec<(Waker, Waker)> {
        let mut wakers = Vec::new();
        for (slot, number) in self.slots.iter_mut().zip(0..) {
            let (Some(task), Some(usual)) = (&slot.task, &slot.shared) else { continue };
            let waker = Arc::new(TaskWaker::new(self.kernel, number, Arc::clone(&self.inbox)));
            waker.set_generation(Generation::of(task.id));
            slot.waker = Some(Waker::from(Arc::clone(&waker)));
            wakers.push((Waker::from(Arc::clone(&waker)), Waker::from(Arc::clone(usual))));
            self.probes.push(ProbeWaker { slot: number, waker });
        }
        wakers
    }

    /// Gives every task its usual waker again. Returns the slots of those whose other one was kept.
    pub(crate) fn end_probe(&mut self) -> BTreeSet<u32> {
        for slot in &mut self.slots {
            if slot.waker.is_some() {
                slot.waker = slot.shared.clone().map(Waker::from);
            }
        }
        self.probes.retain(|probe| Arc::strong_count(&probe.waker) > 1);
        self.probed().into_iter().filter(|slot| self.get(*slot).is_some()).collect()
    }

    /// The slots that a waker of a probe may still wake.
    fn probed(&self) -> BTreeSet<u32> {
        self.probes.iter().map(|probe| probe.slot).collect()
    }

    /// Whether foreign code may still wake a task: one that waits in a foreign future which has kept
    /// its waker. The regions of the task keep copies too; the cancel tree knows how many.
    pub(crate) fn any_foreign_waker(&self, tree: &CancelTree) -> bool {
        self.slots.iter().any(|slot| {
            let (Some(record), Some(shared)) = (&slot.task, &slot.shared) else { return false };
            let ours = 2 + record.root.get().map_or(0, |root| tree.wakers_in(root));
            record.parked.get().is_foreign() && Arc::strong_count(shared) > ours
        })
    }

    /// The live task with this number. It looks at all of them: for messages.
    pub(crate) fn find(&self, id: TaskId) -> Option<&Rc<Record>> {
        self.slots.iter().filter_map(|slot| slot.task.as_ref()).find(|task| task.id == id)
    }

    /// All tasks, oldest first.
    pub(crate) fn by_id(&self) -> Vec<Rc<Record>> {
        let mut tasks: Vec<_> = self.slots.iter().filter_map(|slot| slot.task.clone()).collect();
        tasks.sort_by_key(|task| task.id);
        tasks
    }
}
