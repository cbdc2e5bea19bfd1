//! Traps: the only doors into the kernel.
//!
//! In Curio a coroutine asks the kernel for something by *trapping* into it, as a program does with a system
//! call. Here a trap is a leaf future: it asks one of the functions below, and if it has to wait it
//!
//! 1. has left its waker where it will be found (a timer, a socket, a line of waiters),
//! 2. has *published* what it waits for: the kind of wait, the source line, the resource ([`park`]),
//! 3. returns `Pending`.
//!
//! Nothing else in this crate touches the kernel, and the kernel knows of nothing that is built on traps: no
//! locks, no sockets, no `Task<T>`. What is published always is, in every build, and it costs a few stores; the
//! task table, error reports and pictures all read it.
//!
//! | trap | asked by |
//! |---|---|
//! | [`now`], [`set_timer`] | `time` |
//! | [`spawn`], [`current_task`], [`request_cancel`] | `task` |
//! | [`request_cancel_of`], [`current_waker`], [`open_task_scope`] | `group` |
//! | [`Nested`] | `scope` |
//! | [`locals`], [`set_locals`] | `task_local` |
//! | [`open_scope`] and its methods | `cancel` |
//! | [`register`], [`SocketWait`] | `net` |
//! | [`granted`], [`claimed`], [`grantee`] | `sync` |
//! | [`run_job`], [`hold_clock`] | threads |
//! | [`park_at`] | what is built of other waits: `io`, `files`, `subprocess`, `signals` |
//! | [`task_must_unwind`] | the kernel itself, for the main task |
//! | [`spend`] | every trap that may succeed at once |

use crate::debug::EventKind;
use crate::grants::{GrantId, Grantee, Revoke, Watched};
use crate::locals::Locals;
use crate::reactor::{Direction, Reactor, Readiness, SHARED_TICKET, SocketKey};
use crate::ready;
use crate::scopes::{ScopeKey, Why};
use crate::state::{State, try_with};
use crate::table::{End, Parked, Place, Record, Resource, Runnable};
use crate::task_info::{TaskId, TaskInfo, TaskState};
use crate::timers::TimerKey;
use crate::waker::KernelId;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How many traps may succeed within one poll before the task has to let others run.
pub(crate) const BUDGET: u32 = 128;

/// Whether a kernel runs on this thread.
pub(crate) fn is_running() -> bool {
    try_with(|_| ()).is_some()
}

#[track_caller]
fn with<R>(use_it: impl FnOnce(&Rc<State>) -> R) -> R {
    match try_with(use_it) {
        Some(value) => value,
        None => panic!(
            "no curio kernel is running on this thread; call this from inside `curio::run(...)` \
             (a thread of your own can reach a kernel through `Queue`, `Event` and the other types of `curio::sync`)"
        ),
    }
}

/// Publishes what the current task is about to wait for. Outside of a kernel there is nobody to tell.
pub(crate) fn park(state: TaskState, at: &'static Location<'static>, resource: Resource) {
    try_with(|kernel| kernel.published.set(Some(Parked { state, at: Some(at), resource })));
}

/// Shows the current wait as part of something larger, as long as nothing inside has more to say about where.
pub(crate) fn park_as(state: TaskState, at: &'static Location<'static>) {
    try_with(|kernel| {
        let inside = kernel.published.get().unwrap_or(Parked::in_state(state));
        kernel.published.set(Some(Parked { state, at: inside.at.or(Some(at)), ..inside }));
    });
}

/// Shows the line of a wait in a foreign future, which says nothing itself.
pub(crate) fn park_unless_said(at: &'static Location<'static>) {
    try_with(|kernel| {
        if kernel.published.get().is_none() {
            kernel.published.set(Some(Parked { at: Some(at), ..Parked::in_state(TaskState::ForeignWait) }));
        }
    });
}

/// Shows the current wait at another line: that of the caller of something that waits by waiting for something else.
pub(crate) fn park_at(at: &'static Location<'static>) {
    try_with(|kernel| {
        let inside = kernel.published.get().unwrap_or(Parked::in_state(TaskState::ForeignWait));
        kernel.published.set(Some(Parked { at: Some(at), ..inside }));
    });
}

/// Takes one of the poll's budget. When it is used up the task is queued again and has to return `Pending`.
///
/// Without this, a task whose socket always has data would keep every other task and timer waiting.
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<()> {
    let left = try_with(|kernel| {
        let left = kernel.budget.get();
        kernel.budget.set(left.saturating_sub(1));
        left
    });
    if left == Some(0) {
        cx.waker().wake_by_ref();
        try_with(|kernel| kernel.published.set(Some(Parked::in_state(TaskState::Ready))));
        return Poll::Pending;
    }
    Poll::Ready(())
}

// ---- time

/// The kernel's time.
#[track_caller]
pub(crate) fn now() -> Instant {
    with(|kernel| kernel.clock.now())
}

/// A timer of a kernel. Dropping it takes it back, wherever that happens.
pub(crate) struct Timer {
    kernel: Rc<State>,
    key: TimerKey,
    deadline: Instant,
}

#[track_caller]
pub(crate) fn set_timer(deadline: Instant, waker: &Waker) -> Timer {
    with(|kernel| {
        let key = kernel.timers.borrow_mut().insert(deadline, waker.clone());
        Timer { kernel: Rc::clone(kernel), key, deadline }
    })
}

impl Timer {
    /// Whether it has fired; if not, it will wake `waker`.
    #[track_caller]
    pub(crate) fn poll_fired(&mut self, waker: &Waker) -> bool {
        if !is_running_here(&self.kernel) {
            // Its future was moved into another kernel, where only a timer of that one can wake it.
            *self = set_timer(self.deadline, waker);
            return false;
        }
        let mut timers = self.kernel.timers.borrow_mut();
        if !timers.is_set(self.key) {
            return true;
        }
        let replaced = timers.set_waker(self.key, waker);
        drop(timers);
        drop(replaced);
        false
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = self.kernel.timers.borrow_mut().cancel(self.key);
        drop(waker);
    }
}

fn is_running_here(kernel: &Rc<State>) -> bool {
    try_with(|running| Rc::ptr_eq(running, kernel)) == Some(true)
}

// ---- tasks

/// Adds a task: `make` builds it around its place. It is queued; the spawner runs on.
#[track_caller]
pub(crate) fn spawn<T: Runnable + 'static>(make: impl FnOnce(Place, Option<TaskId>) -> Rc<T>) -> Rc<T> {
    with(|kernel| {
        let task = reserve(kernel, make);
        if kernel.shutting_down.get() {
            task.record().cancel_requested.set(true);
        }
        kernel.tasks.borrow_mut().occupy(task.clone());
        ready::push(task.record().slot);
        task
    })
}

/// Makes a task around a place in the table, as a child of the current task.
fn reserve<T: Runnable>(kernel: &State, make: impl FnOnce(Place, Option<TaskId>) -> Rc<T>) -> Rc<T> {
    let current = kernel.current.borrow();
    let parent = current.as_ref().map(|task| task.record());
    let place = kernel.tasks.borrow_mut().reserve();
    let task = make(place, parent.map(|parent| parent.id));
    task.record().locals.set(parent.and_then(Record::shared_locals));
    drop(current);
    kernel.tell(Some(task.record()), EventKind::Created);
    task
}

#[track_caller]
pub(crate) fn current_task() -> TaskInfo {
    with_current(Record::info)
}

/// The current task's number, if this is a task at all.
pub(crate) fn current_id() -> Option<TaskId> {
    try_with(|kernel| kernel.current.borrow().as_ref().map(|task| task.record().id)).flatten()
}

#[track_caller]
pub(crate) fn all_tasks() -> Vec<TaskInfo> {
    let tasks = with(|kernel| kernel.tasks.borrow().by_id());
    tasks.iter().map(|task| task.record().info()).collect()
}

/// Asks a task to stop, and makes it run so that it hears of it.
pub(crate) fn request_cancel(task: &Record) {
    if task.end.get().is_some() {
        return;
    }
    // While its kernel does not run the mark is all there is; the kernel sees it when it runs again.
    task.cancel_requested.set(true);
    let mut wakers = Vec::new();
    try_with(|kernel| {
        if kernel.id == task.kernel {
            kernel.tell(Some(task), EventKind::CancelRequested);
            task.request_cancel(&mut kernel.scopes.borrow_mut(), &mut wakers);
            ready::wake(kernel.id, task.slot);
        }
    });
    wakers.into_iter().for_each(Waker::wake);
}

/// Names a task without keeping it.
#[derive(Clone, Copy)]
pub(crate) struct TaskRef {
    kernel: KernelId,
    slot: u32,
    pub(crate) id: TaskId,
}

impl TaskRef {
    pub(crate) fn to(task: &Record) -> TaskRef {
        TaskRef { kernel: task.kernel, slot: task.slot, id: task.id }
    }
}

/// [`request_cancel`] for somebody who has no handle of the task. Nothing happens if it has ended.
pub(crate) fn request_cancel_of(task: TaskRef) {
    let found = try_with(|kernel| {
        let tasks = kernel.tasks.borrow();
        tasks.get(task.slot).filter(|found| kernel.id == task.kernel && found.record().id == task.id).cloned()
    });
    if let Some(found) = found.flatten() {
        request_cancel(found.record());
    }
}

/// The waker of the task that is being polled, if this is a task at all.
pub(crate) fn current_waker() -> Option<Waker> {
    try_with(|kernel| {
        let slot = kernel.current.borrow().as_ref()?.record().slot;
        kernel.tasks.borrow().waker(slot)
    })
    .flatten()
}

/// The task-locals of the current task.
#[track_caller]
pub(crate) fn locals() -> Option<Rc<Locals>> {
    with_current(Record::shared_locals)
}

/// Gives the current task other task-locals. Returns those it had, to be dropped when nothing is borrowed.
#[track_caller]
pub(crate) fn set_locals(locals: Option<Rc<Locals>>) -> Option<Rc<Locals>> {
    with_current(|record| record.locals.replace(locals))
}

#[track_caller]
fn with_current<R>(use_it: impl FnOnce(&Record) -> R) -> R {
    with(|kernel| match kernel.current.borrow().as_ref() {
        Some(task) => use_it(task.record()),
        None => panic!("no task is running: this is called from a waker or a destructor of the kernel"),
    })
}

/// Whether the task that is being polled has been asked to stop and nothing inside it has to finish first: the
/// kernel is about to drop it.
pub(crate) fn task_must_unwind() -> bool {
    try_with(|kernel| {
        let current = kernel.current.borrow();
        let Some(record) = current.as_ref().map(|task| task.record()) else { return false };
        let alive = |root| kernel.scopes.borrow().anything_alive_below(root);
        record.cancel_requested.get() && !record.root.get().is_some_and(alive)
    })
    .unwrap_or(false)
}

/// Writes a line that must not be lost.
pub(crate) fn report(line: &str) {
    if try_with(|kernel| kernel.reports.say(line)).is_none() {
        eprintln!("curio: {line}");
    }
}

/// A task has ended and its handle is gone, and nobody asked how it went.
pub(crate) fn report_never_joined(task: &Record) {
    if try_with(|kernel| kernel.reports.never_joined(task)).is_none() {
        eprintln!("curio: {task} was never joined; join it, cancel it, or detach it if nobody will");
    }
}

// ---- tasks inside tasks

/// A task whose future lives inside another task's future, so that it may borrow from it.
///
/// It has a place in the table, a record and a waker like any other. Only, when the kernel comes to poll it, it
/// [passes the wake on](Runnable::pass_on) to the task that holds its future, and that one polls it through this.
pub(crate) struct Nested {
    kernel: Rc<State>,
    task: Rc<dyn Runnable>,
}

impl Nested {
    /// Adds the task; its cancel scope is below `scope`.
    pub(crate) fn spawn<T: Runnable + 'static>(
        scope: &Scope,
        make: impl FnOnce(Place, Option<TaskId>) -> Rc<T>,
    ) -> (Nested, Rc<T>) {
        let kernel = Rc::clone(&scope.kernel);
        let task = reserve(&kernel, make);
        let record = task.record();
        record.nested.set(true);
        let root = kernel.scopes.borrow_mut().add(Some(scope.key));
        record.root.set(Some(root));
        if kernel.shutting_down.get() {
            // It is new: nothing in it could have left a waker to be called.
            record.request_cancel(&mut kernel.scopes.borrow_mut(), &mut Vec::new());
        }
        kernel.tasks.borrow_mut().occupy(task.clone());
        if let Some(waker) = kernel.tasks.borrow().waker(record.slot) {
            waker.wake();
        }
        (Nested { kernel, task: task.clone() }, task)
    }

    /// Runs `act` as this task, with its waker. If it returns an end, the task has ended and its future is gone.
    /// False if the task had ended already.
    pub(crate) fn run(&self, act: impl FnOnce(&mut Context<'_>) -> Option<End>) -> bool {
        let (kernel, record) = (&self.kernel, self.record());
        if record.end.get().is_some() {
            return false;
        }
        let begun = kernel.tasks.borrow_mut().begin_poll(record.slot);
        let Some((_, waker)) = begun else { return false };
        let turn = NestedTurn {
            kernel,
            scope: kernel.scope.get(),
            published: kernel.published.take(),
            budget: kernel.budget.get(),
            current: kernel.make_current(&self.task, record.woken_by.get()),
        };
        let end = act(&mut Context::from_waker(&waker));
        // Before its end: a slot whose waker is in its place keeps it for the next tenant.
        kernel.tasks.borrow_mut().end_poll(record.slot, waker);
        if let Some(end) = end {
            self.end(end);
        }
        drop(turn);
        true
    }

    /// It was polled, and waits.
    pub(crate) fn suspend(&self) {
        self.kernel.suspend(self.record(), self.kernel.published.take());
    }

    /// Whether it is cancelled and nothing inside it is alive: its future is to be dropped now.
    pub(crate) fn must_unwind(&self) -> bool {
        self.record().root.get().is_some_and(|root| {
            let scopes = self.kernel.scopes.borrow();
            scopes.cancelled(root).is_some() && !scopes.anything_alive_below(root)
        })
    }

    /// The task has ended and its future is gone.
    pub(crate) fn end(&self, end: End) {
        if self.record().end.get().is_none() {
            self.kernel.finish(&self.task, end);
        }
    }

    pub(crate) fn report_panic(&self, payload: &(dyn Any + Send), what: &str) {
        self.kernel.report_panic(self.record(), payload, what);
    }

    pub(crate) fn record(&self) -> &Record {
        self.task.record()
    }
}

/// Makes the outer task the current one again, even after a panic.
struct NestedTurn<'a> {
    kernel: &'a State,
    current: Option<Rc<dyn Runnable>>,
    scope: Option<ScopeKey>,
    published: Option<Parked>,
    budget: u32,
}

impl Drop for NestedTurn<'_> {
    fn drop(&mut self) {
        let kernel = self.kernel;
        kernel.published.set(self.published);
        kernel.scope.set(self.scope);
        kernel.budget.set(self.budget);
        let outer = self.current.take();
        ready::set_running(outer.as_ref().map(|task| task.record().id));
        let inner = kernel.current.replace(outer);
        drop(inner);
    }
}

// ---- cancel scopes

/// A node of the cancel-scope tree, owned by the region whose body it surrounds. Dropping it removes it.
pub(crate) struct Scope {
    kernel: Rc<State>,
    key: ScopeKey,
}

/// Opens a node below the current one.
#[track_caller]
pub(crate) fn open_scope() -> Scope {
    with(|kernel| {
        let parent = current_scope(kernel);
        Scope { key: kernel.scopes.borrow_mut().add(parent), kernel: Rc::clone(kernel) }
    })
}

/// Opens a node below the root of the current task, outside of any region that is being polled.
#[track_caller]
pub(crate) fn open_task_scope() -> Scope {
    with(|kernel| {
        let inner = current_scope(kernel);
        let root = kernel.current.borrow().as_ref().and_then(|task| task.record().root.get()).or(inner);
        Scope { key: kernel.scopes.borrow_mut().add(root), kernel: Rc::clone(kernel) }
    })
}

/// The first poll of a time limit's body. Most bodies are ready then, and need no node of the tree; so the node
/// is made after it, around everything that was polled inside.
pub(crate) struct FirstPoll {
    kernel: Rc<State>,
    mark: u64,
}

#[track_caller]
pub(crate) fn first_poll() -> FirstPoll {
    with(|kernel| {
        kernel.limits_without_node.set(kernel.limits_without_node.get() + 1);
        FirstPoll { mark: kernel.scopes.borrow().links(), kernel: Rc::clone(kernel) }
    })
}

impl FirstPoll {
    pub(crate) fn open_scope(self) -> Scope {
        let parent = current_scope(&self.kernel);
        let key = self.kernel.scopes.borrow_mut().adopt(parent, self.mark);
        Scope { key, kernel: Rc::clone(&self.kernel) }
    }
}

impl Drop for FirstPoll {
    fn drop(&mut self) {
        self.kernel.limits_without_node.set(self.kernel.limits_without_node.get() - 1);
    }
}

/// The scope that is being polled; a task's first region makes its root.
fn current_scope(kernel: &State) -> Option<ScopeKey> {
    if let Some(scope) = kernel.scope.get() {
        return Some(scope);
    }
    let current = kernel.current.borrow();
    let record = current.as_ref()?.record();
    let called = record.cancel_requested.get().then_some(Why::Cancelled);
    let root = kernel.scopes.borrow_mut().add_root(called);
    record.root.set(Some(root));
    kernel.scope.set(Some(root));
    Some(root)
}

impl Scope {
    /// Polls something inside this scope.
    pub(crate) fn enter<R>(&self, poll: impl FnOnce() -> R) -> R {
        let outer = self.with(|kernel| {
            let outer = current_scope(kernel);
            let mut scopes = kernel.scopes.borrow_mut();
            // A future may have been moved into another one, or another task, since it was last polled. The new
            // one may be a limit that has no node yet: then being hung anew is what lets that node find it.
            if scopes.parent(self.key) != outer || kernel.limits_without_node.get() > 0 {
                scopes.move_to(self.key, outer);
            }
            kernel.scope.replace(Some(self.key))
        });
        let _restore = Restore(outer);
        poll()
    }

    /// Whether this region must now drop its body, and why: it is cancelled and nothing below is alive.
    pub(crate) fn must_unwind(&self) -> Option<Why> {
        self.with(|kernel| {
            let scopes = kernel.scopes.borrow();
            // This order: whether anything is alive is one look, who called is a walk up the tree.
            if scopes.anything_alive_below(self.key) { None } else { scopes.cancelled(self.key) }
        })
        .flatten()
    }

    /// [`must_unwind`](Self::must_unwind), for a region that may have to wait for something below that is not
    /// polled from here, such as the tasks of a group: that wakes it when it has ended.
    pub(crate) fn poll_unwind(&self, cx: &mut Context<'_>) -> Option<Why> {
        let why = self.must_unwind();
        if why.is_none() && self.link().is_cancelled() {
            self.set_waker(cx.waker());
        }
        why
    }

    /// The same node, seen from something that does not own it.
    pub(crate) fn link(&self) -> ScopeLink {
        ScopeLink { kernel: self.kernel.id, key: self.key }
    }

    pub(crate) fn cancelled_from_above(&self) -> bool {
        self.with(|kernel| kernel.scopes.borrow().cancelled_from_above(self.key)).unwrap_or(false)
    }

    /// Calls on what is inside to stop.
    pub(crate) fn call(&self, why: Why) {
        let mut wakers = Vec::new();
        self.with(|kernel| kernel.scopes.borrow_mut().call(self.key, why, &mut wakers));
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn set_shield(&self, on: bool) {
        self.with(|kernel| kernel.scopes.borrow_mut().set_shield(self.key, on));
    }

    /// Whether everything outside has to wait for this region.
    pub(crate) fn set_alive(&self, alive: bool) {
        self.with(|kernel| kernel.scopes.borrow_mut().set_alive(self.key, alive));
    }

    /// Where a call from above is to be heard.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let replaced = self.with(|kernel| kernel.scopes.borrow_mut().set_waker(self.key, waker));
        drop(replaced);
    }

    /// A node belongs to the kernel that made it; while another one runs it is nobody's.
    fn with<R>(&self, use_it: impl FnOnce(&State) -> R) -> Option<R> {
        is_running_here(&self.kernel).then(|| use_it(&self.kernel))
    }
}

/// A node of the tree that somebody else owns: for a waker, which has to be `Send`. To be forgotten when the node
/// is removed.
#[derive(Clone, Copy)]
pub(crate) struct ScopeLink {
    kernel: KernelId,
    key: ScopeKey,
}

impl ScopeLink {
    /// Whether what is inside has been asked to stop.
    pub(crate) fn is_cancelled(self) -> bool {
        self.with(|kernel| kernel.scopes.borrow().cancelled(self.key).is_some()).unwrap_or(false)
    }

    pub(crate) fn set_alive(self, alive: bool) {
        self.with(|kernel| kernel.scopes.borrow_mut().set_alive(self.key, alive));
    }

    /// Wakes every region around it that waits for what is alive inside: this has ended, without being polled
    /// from there.
    pub(crate) fn wake_above(self) {
        let mut wakers = Vec::new();
        self.with(|kernel| kernel.scopes.borrow().wakers_above(self.key, &mut wakers));
        wakers.into_iter().for_each(Waker::wake);
    }

    fn with<R>(self, use_it: impl FnOnce(&State) -> R) -> Option<R> {
        try_with(|kernel| (kernel.id == self.kernel).then(|| use_it(kernel))).flatten()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let waker = self.kernel.scopes.borrow_mut().remove(self.key);
        drop(waker);
    }
}

/// Puts the outer scope back even if the poll panics.
struct Restore(Option<Option<ScopeKey>>);

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(outer) = self.0 {
            try_with(|kernel| kernel.scope.set(outer));
        }
    }
}

/// Whether the current task is to be dropped at its next await.
pub(crate) fn is_cancelled() -> bool {
    ask_current(|kernel, scope| kernel.scopes.borrow().cancelled(scope).is_some())
}

/// Whether a request waits above, even behind a shield.
pub(crate) fn cancellation_pending() -> bool {
    ask_current(|kernel, scope| kernel.scopes.borrow().request_pending(scope))
}

#[track_caller]
fn ask_current(ask: impl FnOnce(&State, ScopeKey) -> bool) -> bool {
    with(|kernel| match kernel.scope.get() {
        Some(scope) => ask(kernel, scope),
        None => kernel.current.borrow().as_ref().is_some_and(|task| task.record().cancel_requested.get()),
    })
}

// ---- sockets

/// The running kernel's reactor and number, for a socket to keep. The waits of one that `holds_clock` do not let a
/// virtual clock jump: they are for another process.
#[track_caller]
pub(crate) fn register(source: &mut impl mio::event::Source, holds_clock: bool) -> io::Result<Registration> {
    let (kernel, reactor) = with(|kernel| (kernel.id, Rc::clone(&kernel.reactor)));
    let key = reactor.borrow_mut().register(source, holds_clock)?;
    Ok(Registration { kernel, reactor, key })
}

/// A socket's place in the reactor of its kernel.
pub(crate) struct Registration {
    kernel: KernelId,
    reactor: Rc<RefCell<Reactor>>,
    key: SocketKey,
}

impl Registration {
    /// Whether the kernel that runs here is the one that watches this socket.
    pub(crate) fn is_watched_here(&self) -> bool {
        try_with(|kernel| kernel.id) == Some(self.kernel)
    }

    pub(crate) fn may_try(&self, direction: Direction) -> bool {
        self.reactor.borrow_mut().may_try(self.key, direction)
    }

    pub(crate) fn clear_ready(&self, direction: Direction, would_block: bool) {
        self.reactor.borrow_mut().clear_ready(self.key, direction, would_block);
    }

    /// To be called once, by the owner of `source`, when it is dropped.
    pub(crate) fn deregister(&self, source: &mut impl mio::event::Source) {
        let wakers = self.reactor.borrow_mut().deregister(source, self.key);
        drop(wakers);
    }
}

/// One wait for one direction of a socket; dropping it ends the wait.
pub(crate) struct SocketWait<'a> {
    socket: &'a Registration,
    direction: Direction,
    ticket: Option<u64>,
    at: &'static Location<'static>,
}

impl<'a> SocketWait<'a> {
    pub(crate) fn new(
        socket: &'a Registration,
        direction: Direction,
        at: &'static Location<'static>,
    ) -> Self {
        SocketWait { socket, direction, ticket: None, at }
    }

    /// The wait of a `poll_…` function. All of one direction share a ticket: whoever polls last is woken.
    pub(crate) fn shared(
        socket: &'a Registration,
        direction: Direction,
        at: &'static Location<'static>,
    ) -> Self {
        SocketWait { socket, direction, ticket: Some(SHARED_TICKET), at }
    }

    /// Leaves without taking the waker back.
    pub(crate) fn leave(mut self) {
        self.ticket = None;
    }

    /// Ready when the system call is worth trying.
    ///
    /// # Errors
    /// `ResourceBusy` if another wait for this direction is under way; it names that task and its line.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ticket.is_none() && self.socket.may_try(self.direction) {
            return Poll::Ready(Ok(()));
        }
        if try_with(|kernel| kernel.id) != Some(self.socket.kernel) {
            return Poll::Ready(Err(io::Error::other(
                "this socket belongs to a curio kernel that is not the one running here; \
                 a socket can only be awaited inside the `run` that made it",
            )));
        }
        thread_local!(static NEXT: Cell<u64> = const { Cell::new(SHARED_TICKET + 1) });
        let ticket = *self.ticket.get_or_insert_with(|| NEXT.replace(NEXT.get() + 1));
        let readiness = self.socket.reactor.borrow_mut().wait(
            self.socket.key,
            self.direction,
            ticket,
            cx.waker(),
            current_id(),
            self.at,
        );
        match readiness {
            Readiness::Ready => Poll::Ready(Ok(())),
            Readiness::Waiting { replaced } => {
                drop(replaced);
                let state = match self.direction {
                    Direction::Read => TaskState::ReadWait,
                    Direction::Write => TaskState::WriteWait,
                };
                park(state, self.at, Resource::Nothing);
                Poll::Pending
            }
            Readiness::Busy { task, at } => {
                self.ticket = None;
                Poll::Ready(Err(busy(self.direction, task, at)))
            }
        }
    }
}

impl Drop for SocketWait<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker =
                self.socket.reactor.borrow_mut().stop_waiting(self.socket.key, self.direction, ticket);
            drop(waker);
        }
    }
}

fn busy(direction: Direction, task: Option<TaskId>, at: &'static Location<'static>) -> io::Error {
    let doing = match direction {
        Direction::Read => "reading from",
        Direction::Write => "writing to",
    };
    let who = task.map(|id| format!("task {id}")).unwrap_or_else(|| "somebody".into());
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        format!("{who} is {doing} this socket already, at {at}; one task at a time may"),
    )
}

// ---- grants

/// Who would be granted something, were it granted to the task that is being polled.
pub(crate) fn grantee() -> Option<Grantee> {
    try_with(|kernel| {
        let current = kernel.current.borrow();
        let record = current.as_ref()?.record();
        Some(Grantee { kernel: kernel.id, slot: record.slot, task: record.id })
    })
    .flatten()
}

/// Watches a grant until it is claimed. `None` if it can't be watched from here.
pub(crate) fn granted(
    grantee: Grantee,
    from: impl FnOnce() -> Arc<dyn Revoke>,
    id: GrantId,
) -> Option<Watched> {
    try_with(|kernel| {
        if kernel.id != grantee.kernel {
            return None;
        }
        let tasks = kernel.tasks.borrow();
        // One that has ended may have left its wait behind; nobody polls it, so the grant is overdue at once.
        let task = tasks.get(grantee.slot).filter(|task| task.record().id == grantee.task);
        let cycles = task.map_or(0, |task| task.record().cycles.get());
        Some(kernel.grants.borrow_mut().add(grantee, cycles, from(), id))
    })
    .flatten()
}

/// A grant was claimed, or given up: if it was watched, it need not be any more.
pub(crate) fn claimed(watched: Option<Watched>) {
    let Some(watched) = watched else { return };
    try_with(|kernel| {
        if kernel.id == watched.kernel {
            kernel.grants.borrow_mut().claimed(watched);
        }
    });
}

// ---- threads

/// Gives a job to a thread of the kernel's pool.
#[track_caller]
pub(crate) fn run_job(job: Box<dyn FnOnce() + Send>) -> io::Result<JobHold> {
    with(|kernel| {
        kernel.workers.submit(job)?;
        kernel.thread_jobs.set(kernel.thread_jobs.get() + 1);
        Ok(JobHold(Rc::clone(kernel)))
    })
}

/// Says that a thread works for us that is not in the kernel's pool, or is not ours yet.
#[track_caller]
pub(crate) fn hold_clock() -> JobHold {
    with(|kernel| {
        kernel.thread_jobs.set(kernel.thread_jobs.get() + 1);
        JobHold(Rc::clone(kernel))
    })
}

/// Somebody waits for a thread's result. A virtual clock does not jump meanwhile.
pub(crate) struct JobHold(Rc<State>);

impl Drop for JobHold {
    fn drop(&mut self) {
        self.0.thread_jobs.set(self.0.thread_jobs.get() - 1);
    }
}

/// How long a deadline `after` from now is away; `None` if that is beyond all time.
#[track_caller]
pub(crate) fn deadline_after(after: Duration) -> Option<Instant> {
    now().checked_add(after)
}
