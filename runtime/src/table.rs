//! The task table: every live task, by slot.
//!
//! The kernel knows tasks only as [`Runnable`]: something to poll, to discard, and with a [`Record`] of public
//! facts. What a task returns, and to whom, is the business of [`task`](crate::task). That keeps the kernel free
//! of generics, and makes it possible to print it.

use crate::locals::Locals;
use crate::ready;
use crate::scopes::{ScopeKey, Scopes, Why};
use crate::task_info::{TaskId, TaskInfo, TaskName, TaskState};
use crate::waiters::Waiters;
use crate::waker::{Inbox, KernelId, TaskWaker};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// What the kernel needs of a task.
pub(crate) trait Runnable {
    fn record(&self) -> &Record;
    /// Polls the future. When it is ready, the future is dropped and then its value kept.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Drops the future where it is parked.
    fn discard(&self);
    /// Leaves a panic's payload for whoever joins.
    fn crash(&self, payload: Box<dyn Any + Send>);
    /// Drops what nobody will take any more: its handle is gone.
    fn drop_outcome(&self) {}
    /// For a task whose future lives inside another task: passes the wake on to that one, which will poll it.
    /// False for all others, and when there is nobody left to pass it on to.
    fn pass_on(&self, _woken_by: Option<TaskId>) -> bool {
        false
    }
}

/// What is publicly known of one task. It lives as long as the task or anybody's handle to it.
pub(crate) struct Record {
    pub(crate) kernel: KernelId,
    pub(crate) id: TaskId,
    pub(crate) slot: u32,
    pub(crate) name: TaskName,
    pub(crate) parent: Option<TaskId>,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) cycles: Cell<u64>,
    pub(crate) parked: Cell<Parked>,
    pub(crate) woken_by: Cell<Option<TaskId>>,
    /// The root of its cancel scopes, once it has any.
    pub(crate) root: Cell<Option<ScopeKey>>,
    pub(crate) cancel_requested: Cell<bool>,
    /// It was parked when it was asked to stop. So that is where it stops, whatever happens before its turn comes.
    pub(crate) stops_where_parked: Cell<bool>,
    /// Joined, cancelled or detached: its end is somebody's business.
    pub(crate) attended: Cell<bool>,
    /// Its handle is gone.
    pub(crate) handle_dropped: Cell<bool>,
    pub(crate) end: Cell<Option<End>>,
    pub(crate) waiters: RefCell<Waiters>,
    /// Its future lives inside another task's.
    pub(crate) nested: Cell<bool>,
    /// The values of its task-locals, once it has any. It shares them with its parent until either sets one.
    pub(crate) locals: Cell<Option<Rc<Locals>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Returned,
    Panicked,
    Cancelled,
}

/// What a trap publishes before it returns `Pending`.
#[derive(Clone, Copy)]
pub(crate) struct Parked {
    pub(crate) state: TaskState,
    pub(crate) at: Option<&'static Location<'static>>,
    pub(crate) resource: Resource,
}

/// What a parked task waits for.
#[derive(Clone, Copy)]
pub(crate) enum Resource {
    Nothing,
    /// A point in time.
    Deadline(Instant),
    /// Another task's end.
    Task(TaskId),
    /// A lock, and who has it.
    HeldBy(Option<TaskId>, &'static Location<'static>),
}

impl Parked {
    pub(crate) const fn in_state(state: TaskState) -> Parked {
        Parked { state, at: None, resource: Resource::Nothing }
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.state == TaskState::ForeignWait
    }

    /// `LOCK_ACQUIRE at src/main.rs:7:20, held by task 2 since src/main.rs:5:30`
    pub(crate) fn describe(&self, now: Instant) -> String {
        let place = self.at.map(|at| format!(" at {at}")).unwrap_or_default();
        let resource = match self.resource {
            Resource::Nothing => String::new(),
            Resource::Deadline(at) => format!(", for {:?} more", at.saturating_duration_since(now)),
            Resource::Task(id) => format!(", for task {id}"),
            Resource::HeldBy(Some(id), since) => format!(", held by task {id} since {since}"),
            Resource::HeldBy(None, since) => format!(", held since {since}"),
        };
        format!("{}{place}{resource}", self.state)
    }
}

impl Record {
    pub(crate) fn new(
        place: Place,
        name: TaskName,
        parent: Option<TaskId>,
        spawned_at: &'static Location<'static>,
    ) -> Record {
        Record {
            kernel: place.kernel,
            id: place.id,
            slot: place.slot,
            name,
            parent,
            spawned_at,
            cycles: Cell::new(0),
            parked: Cell::new(Parked::in_state(TaskState::Ready)),
            woken_by: Cell::new(None),
            root: Cell::new(None),
            cancel_requested: Cell::new(false),
            stops_where_parked: Cell::new(false),
            attended: Cell::new(false),
            handle_dropped: Cell::new(false),
            end: Cell::new(None),
            waiters: RefCell::default(),
            nested: Cell::new(false),
            locals: Cell::new(None),
        }
    }

    pub(crate) fn info(&self) -> TaskInfo {
        let parked = self.parked.get();
        let woken = self.end.get().is_none() && ready::is_queued(self.kernel, self.slot);
        TaskInfo {
            id: self.id,
            name: self.name.clone(),
            state: if woken { TaskState::Ready } else { parked.state },
            cycles: self.cycles.get(),
            parent: self.parent,
            spawned_at: self.spawned_at,
            waiting_at: parked.at,
            woken_by: self.woken_by.get(),
            panicked: self.end.get() == Some(End::Panicked),
        }
    }

    /// Whether anybody waits for its end.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.waiters.borrow().is_empty()
    }

    /// A second handle to its task-locals.
    pub(crate) fn shared_locals(&self) -> Option<Rc<Locals>> {
        let locals = self.locals.take();
        self.locals.set(locals.clone());
        locals
    }

    /// Marks the request. `wakers` are those of the task's regions that have to hear of it; the task itself is
    /// to be woken by the caller.
    pub(crate) fn request_cancel(&self, scopes: &mut Scopes, wakers: &mut Vec<Waker>) {
        self.cancel_requested.set(true);
        if let Some(root) = self.root.get() {
            scopes.call(root, Why::Cancelled, wakers);
        }
    }
}

/// How a report names a task: `task 3 `worker` (spawned at src/main.rs:12:5)`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} `{}` (spawned at {})", self.id, self.name.as_str(), self.spawned_at)
    }
}

/// Names a task without keeping it.
#[derive(Clone, Copy)]
pub(crate) struct TaskRef {
    pub(crate) kernel: KernelId,
    pub(crate) slot: u32,
    pub(crate) id: TaskId,
}

impl TaskRef {
    pub(crate) fn to(task: &Record) -> TaskRef {
        TaskRef { kernel: task.kernel, slot: task.slot, id: task.id }
    }
}

/// Every live task.
pub(crate) struct TaskTable {
    kernel: KernelId,
    inbox: Arc<Inbox>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    live: usize,
    next_id: NonZeroU64,
}

#[derive(Default)]
struct Slot {
    task: Option<Rc<dyn Runnable>>,
    /// Out of its place while the task is being polled.
    waker: Option<Waker>,
    /// The same waker, to see whether anybody else holds a copy.
    shared: Option<Arc<TaskWaker>>,
}

/// A slot and a number for a task that is about to be made.
pub(crate) struct Place {
    pub(crate) kernel: KernelId,
    pub(crate) id: TaskId,
    pub(crate) slot: u32,
}

impl TaskTable {
    pub(crate) fn new(kernel: KernelId, inbox: Arc<Inbox>) -> TaskTable {
        TaskTable { kernel, inbox, slots: Vec::new(), free: Vec::new(), live: 0, next_id: NonZeroU64::MIN }
    }

    /// Reserves a place; [`occupy`](Self::occupy) must follow.
    pub(crate) fn reserve(&mut self) -> Place {
        let id = TaskId::new(self.next_id);
        self.next_id = self.next_id.checked_add(1).expect("2^64 tasks are never spawned");
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks fit in memory")
        });
        Place { kernel: self.kernel, id, slot }
    }

    pub(crate) fn occupy(&mut self, task: Rc<dyn Runnable>) {
        let number = task.record().slot;
        let slot = &mut self.slots[number as usize];
        if slot.waker.is_none() {
            let shared = Arc::new(TaskWaker::new(self.kernel, number, Arc::clone(&self.inbox)));
            slot.waker = Some(Waker::from(Arc::clone(&shared)));
            slot.shared = Some(shared);
        }
        slot.task = Some(task);
        self.live += 1;
    }

    /// The task in a slot and its waker, for a poll. `None` for an empty slot: a late wake, or a double one.
    pub(crate) fn begin_poll(&mut self, slot: u32) -> Option<(Rc<dyn Runnable>, Waker)> {
        let slot = self.slots.get_mut(slot as usize)?;
        Some((Rc::clone(slot.task.as_ref()?), slot.waker.take()?))
    }

    pub(crate) fn end_poll(&mut self, slot: u32, waker: Waker) {
        self.slots[slot as usize].waker = Some(waker);
    }

    /// Frees the slot of a task that has ended. What was in it is returned to be dropped outside of any borrow.
    pub(crate) fn remove(&mut self, number: u32) -> Option<Rc<dyn Runnable>> {
        let slot = &mut self.slots[number as usize];
        // The table itself holds two: `shared` and `waker`.
        let copied = slot.shared.as_ref().is_none_or(|shared| Arc::strong_count(shared) > 2);
        if copied || slot.waker.is_none() {
            (slot.shared, slot.waker) = (None, None);
        }
        let task = slot.task.take();
        self.free.push(number);
        self.live -= 1;
        task
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Rc<dyn Runnable>> {
        self.slots.get(slot as usize)?.task.as_ref()
    }

    /// A waker of the task in a slot, also while it is being polled.
    pub(crate) fn waker(&self, slot: u32) -> Option<Waker> {
        self.slots.get(slot as usize)?.shared.clone().map(Waker::from)
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Whether somebody we know nothing of may still wake a task: one that waits in a foreign future which has kept
    /// its waker. The regions of the task keep copies too; `scopes` knows how many.
    pub(crate) fn any_foreign_waker(&self, scopes: &Scopes) -> bool {
        self.slots.iter().any(|slot| {
            let (Some(task), Some(shared)) = (&slot.task, &slot.shared) else { return false };
            let record = task.record();
            let ours = 2 + record.root.get().map_or(0, |root| scopes.wakers_in(root));
            record.parked.get().is_foreign() && Arc::strong_count(shared) > ours
        })
    }

    /// The live task with this number. It looks at all of them: for messages.
    pub(crate) fn find(&self, id: TaskId) -> Option<&Rc<dyn Runnable>> {
        self.slots.iter().filter_map(|slot| slot.task.as_ref()).find(|task| task.record().id == id)
    }

    /// All tasks, oldest first.
    pub(crate) fn by_id(&self) -> Vec<Rc<dyn Runnable>> {
        let mut tasks: Vec<_> = self.slots.iter().filter_map(|slot| slot.task.clone()).collect();
        tasks.sort_by_key(|task| task.record().id);
        tasks
    }
}
