//! What the kernel knows of one task.
//!
//! The kernel knows a task by its [`Record`], which holds public facts and the task's [`Body`]: something to poll and to
//! drop. What a task returns is known to [`task`](crate::task) alone. That keeps the kernel free of generics.

use crate::kernel::cancel_tree::{CancelReason, CancelTree, ScopeKey};
use crate::kernel::join_wakers::JoinWakers;
use crate::kernel::locals::Locals;
use crate::kernel::run_queue;
use crate::kernel::waker::{KernelId, is_as_good};
use crate::task::info::{TaskId, TaskInfo, TaskName, TaskState};
use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// How often destructors may spawn tasks whose destructors spawn tasks, before these are no longer dropped.
pub(crate) const GENERATIONS: usize = 16;

/// What the kernel polls of a task: its future, in whose place the outcome is kept when it has ended.
pub(crate) trait Body {
    /// Polls the future. When it is ready, the future is dropped and then its value kept.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
    /// Drops the future and keeps the payload of its panic for a join, also if a destructor panics.
    fn crash(self: Pin<&mut Self>, payload: Box<dyn Any + Send>);
    /// Moves the outcome into `to`, an `Option<thread::Result<T>>` of the type that the future returns.
    fn take_outcome(self: Pin<&mut Self>, to: &mut dyn Any);
    /// For a task whose future lives inside another task: passes the wake on to that one, which will poll it.
    /// False for all others, and when that task has ended.
    fn pass_on(&self, _task: &Record, _woken_by: Option<TaskId>) -> bool {
        false
    }
}

/// What is publicly known of one task, and its body. It lives as long as the task or a handle to it.
///
/// When neither is left it is kept by the [task table](crate::kernel::task_table) for a later task.
pub(crate) struct Record {
    pub(crate) kernel: KernelId,
    pub(crate) id: TaskId,
    pub(crate) slot: u32,
    /// The type of its future, unless it was given a name.
    type_name: Option<fn() -> &'static str>,
    pub(crate) parent: Option<TaskId>,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) cycles: Cell<u64>,
    pub(crate) parked: Cell<Parked>,
    pub(crate) woken_by: Cell<Option<TaskId>>,
    /// The root of its cancel scopes, once it has any.
    pub(crate) root: Cell<Option<ScopeKey>>,
    pub(crate) cancel_requested: Cell<bool>,
    /// It was parked when it was asked to stop. So it is dropped there, even if it is woken before it would be polled.
    pub(crate) stops_where_parked: Cell<bool>,
    /// Joined, cancelled or detached: it is not to be reported as never joined.
    pub(crate) attended: Cell<bool>,
    /// The activations have been told that it is being polled, and not yet that the poll is over.
    pub(crate) told_running: Cell<bool>,
    /// It is the main task, whose future is in the hands of `run`.
    pub(crate) is_main: bool,
    /// Its handle is gone.
    pub(crate) handle_dropped: Cell<bool>,
    pub(crate) end: Cell<Option<End>>,
    /// The waker of the task that waits for its end. Further ones are in [`Rare`].
    join_waker: Cell<Option<Waker>>,
    /// Its future lives inside another task's.
    pub(crate) nested: Cell<bool>,
    /// The values of its task-locals, once it has any. It shares them with its parent until either sets one.
    pub(crate) locals: Cell<Option<Rc<Locals>>>,
    /// Out of its place while it is polled. None for the main task, and when the outcome has been taken or dropped.
    pub(crate) body: Cell<Option<Pin<Box<dyn Body>>>>,
    rare: OnceCell<Box<Rare>>,
}

/// What few tasks have, apart from the record, so that the others need no room for it.
#[derive(Default)]
struct Rare {
    given_name: Option<Rc<Cow<'static, str>>>,
    /// Of a nested task. See [`Record::host`].
    host: Cell<Option<Host>>,
    /// Of those that wait for its end, all after the first.
    join_wakers: RefCell<JoinWakers>,
}

/// One wait for the end of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JoinTicket {
    First,
    Other(u32),
}

/// The task that the kernel polls when another one inside of it, or it itself, is to be polled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) slot: u32,
    pub(crate) id: TaskId,
    /// How many levels further inside the nested task is. A wake takes a cycle for each.
    pub(crate) depth: u32,
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
    pub(crate) at: Option<&'static Location<'static>>,
    wait: Wait,
}

/// The state of a task and the [`Resource`] that it waits for. As two values they would take a word more, in every task and
/// whenever a wait is published.
#[derive(Clone, Copy)]
enum Wait {
    Nothing(TaskState),
    Deadline(TaskState, Instant),
    EndOfTime(TaskState),
    Task(TaskState, TaskId),
    HeldBy(TaskState, Option<TaskId>, &'static Location<'static>),
}

/// What a parked task waits for.
#[derive(Clone, Copy)]
pub(crate) enum Resource {
    Nothing,
    /// A point in time.
    Deadline(Instant),
    /// The end of a sleep without end.
    EndOfTime,
    /// Another task's end.
    Task(TaskId),
    /// A lock, and the task that holds it.
    HeldBy(Option<TaskId>, &'static Location<'static>),
}

impl Resource {
    /// Whether it is the end of this task.
    pub(crate) fn is_end_of(self, task: TaskId) -> bool {
        matches!(self, Resource::Task(awaited) if awaited == task)
    }
}

impl Parked {
    pub(crate) const fn in_state(state: TaskState) -> Parked {
        Parked { at: None, wait: Wait::Nothing(state) }
    }

    #[inline]
    pub(crate) fn new(
        state: TaskState,
        at: Option<&'static Location<'static>>,
        resource: Resource,
    ) -> Parked {
        let wait = match resource {
            Resource::Nothing => Wait::Nothing(state),
            Resource::Deadline(at) => Wait::Deadline(state, at),
            Resource::EndOfTime => Wait::EndOfTime(state),
            Resource::Task(id) => Wait::Task(state, id),
            Resource::HeldBy(holder, since) => Wait::HeldBy(state, holder, since),
        };
        Parked { at, wait }
    }

    #[inline]
    pub(crate) fn state(&self) -> TaskState {
        match self.wait {
            Wait::Nothing(state)
            | Wait::Deadline(state, _)
            | Wait::EndOfTime(state)
            | Wait::Task(state, _)
            | Wait::HeldBy(state, ..) => state,
        }
    }

    pub(crate) fn resource(&self) -> Resource {
        match self.wait {
            Wait::Nothing(_) => Resource::Nothing,
            Wait::Deadline(_, at) => Resource::Deadline(at),
            Wait::EndOfTime(_) => Resource::EndOfTime,
            Wait::Task(_, id) => Resource::Task(id),
            Wait::HeldBy(_, holder, since) => Resource::HeldBy(holder, since),
        }
    }

    /// The line of its wait. While it is polled, `at` is the line of the wait that is over.
    pub(crate) fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.at.filter(|_| self.state() != TaskState::Running)
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.state() == TaskState::ForeignWait
    }

    /// `LOCK_ACQUIRE at src/main.rs:7:20, held by task 2 since src/main.rs:5:30`
    pub(crate) fn describe(&self, now: Instant) -> String {
        let place = self.waits_at().map(|at| format!(" at {at}")).unwrap_or_default();
        let resource = match self.resource() {
            Resource::Nothing => String::new(),
            Resource::EndOfTime => String::from(", for a time that never comes"),
            Resource::Deadline(at) => {
                let left = at.saturating_duration_since(now);
                // More digits would not be read.
                let whole = Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
                format!(", for {:?} more", if whole.is_zero() { left } else { whole })
            }
            Resource::Task(id) => format!(", for task {id}"),
            Resource::HeldBy(Some(id), since) => format!(", held by task {id} since {since}"),
            Resource::HeldBy(None, since) => format!(", held since {since}"),
        };
        format!("{}{place}{resource}", self.state())
    }
}

impl Record {
    pub(crate) fn new(
        place: Place,
        name: TaskName,
        parent: Option<TaskId>,
        spawned_at: &'static Location<'static>,
        body: Option<Pin<Box<dyn Body>>>,
    ) -> Rc<Record> {
        let (type_name, rare) = match name {
            TaskName::OfType(type_name) => (Some(type_name), OnceCell::new()),
            TaskName::Given(name) => {
                (None, OnceCell::from(Box::new(Rare { given_name: Some(name), ..Rare::default() })))
            }
        };
        let record = Record {
            kernel: place.kernel,
            id: place.id,
            slot: place.slot,
            type_name,
            parent,
            spawned_at,
            cycles: Cell::new(0),
            parked: Cell::new(Parked::in_state(TaskState::Ready)),
            woken_by: Cell::new(None),
            root: Cell::new(None),
            cancel_requested: Cell::new(false),
            stops_where_parked: Cell::new(false),
            attended: Cell::new(false),
            told_running: Cell::new(false),
            is_main: body.is_none(),
            handle_dropped: Cell::new(false),
            end: Cell::new(None),
            join_waker: Cell::new(None),
            nested: Cell::new(false),
            locals: Cell::new(None),
            body: Cell::new(body),
            rare,
        };
        if let Some(mut spare) = place.spare
            && let Some(kept) = Rc::get_mut(&mut spare)
        {
            *kept = record;
            return spare;
        }
        Rc::new(record)
    }

    /// The outcome of the future, which returns a `T`: its value, or the payload of its panic. None if it has been taken
    /// already, or if the task was cancelled.
    pub(crate) fn take_outcome<T: 'static>(&self) -> Option<thread::Result<T>> {
        let mut outcome = None;
        let mut body = self.body.take()?;
        body.as_mut().take_outcome(&mut outcome);
        outcome
    }

    /// For a [nested](Self::nested) task: see [`Body::pass_on`].
    pub(crate) fn pass_on(&self, woken_by: Option<TaskId>) -> bool {
        let Some(body) = self.body.take() else { return false };
        let passed_on = body.pass_on(self, woken_by);
        self.body.set(Some(body));
        passed_on
    }

    /// Without the region, which its kernel knows.
    pub(crate) fn info(&self) -> TaskInfo {
        let parked = self.parked.get();
        let woken = self.end.get().is_none() && run_queue::is_queued(self.kernel, self.slot);
        TaskInfo {
            id: self.id,
            name: self.name(),
            state: if woken { TaskState::Ready } else { parked.state() },
            cycles: self.cycles.get(),
            parent: self.parent,
            spawned_at: self.spawned_at,
            waiting_at: parked.waits_at(),
            woken_by: self.woken_by.get(),
            resumes_at: parked.at.unwrap_or(self.spawned_at),
            region: None,
            kernel: self.kernel.as_u64(),
            panicked: self.end.get() == Some(End::Panicked),
        }
    }

    pub(crate) fn name(&self) -> TaskName {
        let given = self.rare.get().and_then(|rare| rare.given_name.clone());
        match (given, self.type_name) {
            (Some(name), _) => TaskName::Given(name),
            (None, type_name) => TaskName::OfType(type_name.unwrap_or(|| "")),
        }
    }

    /// Adds a wait for its end, or renews the waker of the one that has `ticket`.
    pub(crate) fn wait_for_end(&self, ticket: Option<JoinTicket>, waker: &Waker) -> JoinTicket {
        let first = self.join_waker.take();
        let keeps = first.as_ref().is_some_and(|first| is_as_good(first, waker));
        let is_free = first.is_none() && !self.has_more_join_wakers();
        self.join_waker.set(first);
        let (ticket, replaced) = match ticket {
            Some(JoinTicket::First) if keeps => (JoinTicket::First, None),
            None if !is_free => self.wait_behind_the_first(None, waker),
            Some(JoinTicket::Other(other)) => self.wait_behind_the_first(Some(other), waker),
            Some(JoinTicket::First) | None => {
                let waker = waker.clone();
                (JoinTicket::First, self.join_waker.replace(Some(waker)))
            }
        };
        drop(replaced);
        ticket
    }

    fn wait_behind_the_first(&self, ticket: Option<u32>, waker: &Waker) -> (JoinTicket, Option<Waker>) {
        let (ticket, replaced) =
            self.rare.get_or_init(Box::default).join_wakers.borrow_mut().wait(ticket, waker);
        (JoinTicket::Other(ticket), replaced)
    }

    /// Takes a wait for its end back; its waker is to be dropped outside of any borrow.
    pub(crate) fn give_up_waiting(&self, ticket: JoinTicket) -> Option<Waker> {
        match ticket {
            JoinTicket::First => self.join_waker.take(),
            JoinTicket::Other(ticket) => self.rare.get()?.join_wakers.borrow_mut().give_up(ticket),
        }
    }

    /// The wakers of those that wait for its end, in the order in which they came, to be called now that it has ended.
    pub(crate) fn take_join_wakers(&self) -> impl Iterator<Item = Waker> + use<> {
        let more = self.rare.get().map(|rare| rare.join_wakers.take().into_wakers());
        self.join_waker.take().into_iter().chain(more.into_iter().flatten())
    }

    /// Whether a task waits for its end.
    pub(crate) fn is_awaited(&self) -> bool {
        let first = self.join_waker.take();
        let any = first.is_some();
        self.join_waker.set(first);
        any || self.has_more_join_wakers()
    }

    fn has_more_join_wakers(&self) -> bool {
        self.rare.get().is_some_and(|rare| !rare.join_wakers.borrow().is_empty())
    }

    /// Its future lives inside that of a task with this host.
    pub(crate) fn nest_in(&self, host: Host) {
        self.rare.get_or_init(Box::default).host.set(Some(Host { depth: host.depth + 1, ..host }));
    }

    /// The task that the kernel polls when this one is to be polled: itself, or the outermost task around a nested one.
    #[inline]
    pub(crate) fn host(&self) -> Host {
        let host = self.rare.get().and_then(|rare| rare.host.get());
        host.unwrap_or(Host { slot: self.slot, id: self.id, depth: 0 })
    }

    /// A second handle to its task-locals.
    pub(crate) fn shared_locals(&self) -> Option<Rc<Locals>> {
        let locals = self.locals.take();
        self.locals.set(locals.clone());
        locals
    }

    /// Marks the request. `wakers` receives the wakers of the regions that have to unwind; the task itself is to be woken
    /// by the caller.
    pub(crate) fn request_cancel(&self, tree: &mut CancelTree, wakers: &mut Vec<Waker>) {
        self.cancel_requested.set(true);
        if let Some(root) = self.root.get() {
            tree.request(root, CancelReason::Cancelled, wakers);
        }
    }
}

/// How a report names a task: `task 3 `worker` (spawned at src/main.rs:12:5)`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} `{}` (spawned at {})", self.id, self.name().as_str(), self.spawned_at)
    }
}

/// Names a task without keeping it.
#[derive(Clone, Copy, PartialEq, Eq)]
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

/// A slot and a number for a task that is about to be made, and a record to be used again, unless a handle still has it.
pub(crate) struct Place {
    pub(crate) kernel: KernelId,
    pub(crate) id: TaskId,
    pub(crate) slot: u32,
    pub(crate) spare: Option<Rc<Record>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::waker::logging;
    use std::num::NonZeroU64;
    use std::sync::{Arc, Mutex};

    fn record(spare: Option<Rc<Record>>) -> Rc<Record> {
        let place = Place { kernel: KernelId::next(), id: TaskId::new(NonZeroU64::MIN), slot: 0, spare };
        Record::new(place, TaskName::OfType(|| "test"), None, Location::caller(), None)
    }

    #[test]
    fn a_record_is_used_again_only_when_nothing_else_has_it() {
        let first = record(None);
        let address = Rc::as_ptr(&first);
        let second = record(Some(Rc::clone(&first)));
        assert_ne!(Rc::as_ptr(&second), address);
        first.cycles.set(7);
        let third = record(Some(first));
        assert_eq!((Rc::as_ptr(&third), third.cycles.get()), (address, 0));
    }

    #[test]
    fn waits_for_an_end_keep_their_order_when_some_are_given_up() {
        let (record, log) = (record(None), Arc::<Mutex<Vec<u64>>>::default());
        let wait = |number| record.wait_for_end(None, &logging(number, &log));
        let tickets = [wait(0), wait(1), wait(2)];
        assert!(record.give_up_waiting(tickets[0]).is_some() && record.give_up_waiting(tickets[0]).is_none());
        wait(3);
        assert_eq!(record.wait_for_end(Some(tickets[1]), &logging(4, &log)), tickets[1]);
        assert!(record.is_awaited());
        record.take_join_wakers().for_each(Waker::wake);
        assert_eq!(*log.lock().unwrap(), [4, 2, 3]);
        assert!(!record.is_awaited());
    }

    #[test]
    fn a_parked_task_is_small() {
        assert_eq!(size_of::<Parked>(), size_of::<Option<Parked>>());
        if cfg!(target_pointer_width = "64") {
            assert_eq!(size_of::<Parked>(), 32);
            assert!(size_of::<Record>() <= 152, "a record takes {} bytes", size_of::<Record>());
        }
    }
}
