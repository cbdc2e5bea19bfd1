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
//! | [`open_scope`] and its methods | `cancel` |
//! | [`register`], [`SocketWait`] | `net` |
//! | [`granted`], [`claimed`], [`grantee`] | `sync` |
//! | [`run_job`] | `thread` |
//! | [`spend`] | every trap that may succeed at once |

use crate::grants::{Grant, GrantId, Grantee, Revoke};
use crate::reactor::{Direction, Reactor, Readiness, SHARED_TICKET, SocketKey};
use crate::ready;
use crate::scopes::{ScopeKey, Why};
use crate::state::{State, try_with};
use crate::table::{Parked, Place, Record, Resource, Runnable};
use crate::task_info::{TaskId, TaskInfo, TaskState};
use crate::timers::TimerKey;
use crate::waker::KernelId;
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
        let parent = kernel.current.borrow().as_ref().map(|task| task.record().id);
        let place = kernel.tasks.borrow_mut().reserve();
        let slot = place.slot;
        let task = make(place, parent);
        if kernel.shutting_down.get() {
            task.record().cancel_requested.set(true);
        }
        kernel.tasks.borrow_mut().occupy(task.clone());
        ready::push(slot);
        task
    })
}

#[track_caller]
pub(crate) fn current_task() -> TaskInfo {
    with(|kernel| match kernel.current.borrow().as_ref() {
        Some(task) => task.record().info(),
        None => panic!("no task is running: this is called from a waker or a destructor of the kernel"),
    })
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
            task.request_cancel(&mut kernel.scopes.borrow_mut(), &mut wakers);
            ready::wake(kernel.id, task.slot);
        }
    });
    wakers.into_iter().for_each(Waker::wake);
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
            scopes.cancelled(self.key).filter(|_| !scopes.anything_alive_below(self.key))
        })
        .flatten()
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

/// The running kernel's reactor and number, for a socket to keep.
#[track_caller]
pub(crate) fn register(source: &mut impl mio::event::Source) -> io::Result<Registration> {
    let (kernel, reactor) = with(|kernel| (kernel.id, Rc::clone(&kernel.reactor)));
    let key = reactor.borrow_mut().register(source)?;
    Ok(Registration { kernel, reactor, key })
}

/// A socket's place in the reactor of its kernel.
pub(crate) struct Registration {
    kernel: KernelId,
    reactor: Rc<RefCell<Reactor>>,
    key: SocketKey,
}

impl Registration {
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

/// Watches a grant until it is claimed. Returns its number, or `None` if it can't be watched from here.
pub(crate) fn granted(grantee: Grantee, from: impl FnOnce() -> Arc<dyn Revoke>, id: GrantId) -> Option<u64> {
    try_with(|kernel| {
        if kernel.id != grantee.kernel {
            return None;
        }
        let tasks = kernel.tasks.borrow();
        let task = tasks.get(grantee.slot).filter(|task| task.record().id == grantee.task)?;
        Some(kernel.grants.borrow_mut().add(grantee, task.record().cycles.get(), from(), id))
    })
    .flatten()
}

/// A watched grant was claimed, or given up. What comes back is to be dropped when nothing is locked.
pub(crate) fn claimed(number: u64) -> Option<Grant> {
    try_with(|kernel| kernel.grants.borrow_mut().claimed(number)).flatten()
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
