//! The parts of a kernel, and the thread-local that says which kernel runs on this thread.
//!
//! Each part sits in a cell of its own and is borrowed only for a moment, never while foreign code runs: polling
//! a task, calling a waker and dropping a future all happen when nothing is borrowed. Only
//! [`kernel`](crate::kernel) and [`traps`](crate::traps) look in here.

use crate::debug::Activations;
use crate::kernel::cancel_tree::CancelTree;
use crate::kernel::captured::Captured;
use crate::kernel::clock::Clock;
use crate::kernel::current_poll;
use crate::kernel::grants::Grants;
use crate::kernel::inbox::Inbox;
use crate::kernel::maintenance::Maintenance;
use crate::kernel::random::Random;
use crate::kernel::reactor::Reactor;
use crate::kernel::regions::Regions;
use crate::kernel::reports::Reports;
use crate::kernel::task_record::{Record, TaskRef};
use crate::kernel::task_table::TaskTable;
use crate::kernel::timer_queue::TimerQueue;
use crate::kernel::waker::KernelId;
use crate::kernel::worker_pool::WorkerPool;
use crate::task::info::{TaskInfo, TaskState};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

pub(crate) struct State {
    pub(crate) id: KernelId,
    pub(crate) clock: Clock,
    pub(crate) seed: Option<RefCell<Random>>,
    pub(crate) tasks: RefCell<TaskTable>,
    pub(crate) timers: RefCell<TimerQueue>,
    pub(crate) maintenance: Maintenance,
    /// Shared with every socket, which deregisters itself wherever and whenever it is dropped.
    pub(crate) reactor: Rc<RefCell<Reactor>>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) cancel_tree: RefCell<CancelTree>,
    /// Shared with every wait of its tasks in a queue.
    pub(crate) grants: Arc<Grants>,
    pub(crate) workers: WorkerPool,
    pub(crate) reports: Reports,
    pub(crate) activations: Activations,
    /// Whether there are activations, or a question about a task is being answered.
    pub(crate) watched: Cell<bool>,
    pub(crate) regions: Regions,
    pub(crate) captured: Captured,
    /// Jobs on threads whose results tasks wait for. They hold a virtual clock back.
    pub(crate) thread_jobs: Cell<usize>,
    /// Sleeps without end.
    pub(crate) endless_sleeps: Cell<usize>,
    pub(crate) shutting_down: Cell<bool>,
    /// The task that is being polled; of nested ones the innermost. The rest of its poll is in [`current_poll`].
    pub(crate) current_task: RefCell<Option<Rc<Record>>>,
}

thread_local! {
    /// Whether the kernel that runs here notes waits and regions: a copy of its own flag, because it is read at every poll of a
    /// region.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Whether a kernel with the real clock runs here: a copy too, because every time limit reads the clock.
    static CLOCK_IS_REAL: Cell<bool> = const { Cell::new(false) };
    /// The number of the kernel that runs here: a copy too.
    static RUNNING_ID: Cell<Option<KernelId>> = const { Cell::new(None) };
    static RUNNING: RefCell<Option<Rc<State>>> = const { RefCell::new(None) };
    /// The tasks of kernels that do not run now which have been asked to stop.
    static REQUESTS: RefCell<Vec<TaskRef>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a request to stop until the task's kernel runs again.
pub(crate) fn keep_request(task: TaskRef) {
    // While the thread's locals are being destroyed, no kernel of it will run again.
    let _ = REQUESTS.try_with(|requests| requests.borrow_mut().push(task));
}

/// The requests for tasks of `kernel`, which runs from now on.
pub(crate) fn take_requests(kernel: KernelId) -> Vec<TaskRef> {
    let take = |requests: &RefCell<Vec<TaskRef>>| {
        requests.borrow_mut().extract_if(.., |task| task.kernel == kernel).collect()
    };
    REQUESTS.try_with(take).unwrap_or_default()
}

/// The kernel that runs on this thread, if any. `use_it` must not run foreign code, which would find the thread-local
/// borrowed: code that writes reports, emits activations or drops foreign values uses [`running`].
pub(crate) fn try_with<R>(use_it: impl FnOnce(&Rc<State>) -> R) -> Option<R> {
    // `try_with`: a destructor may run while the thread's locals are being torn down.
    RUNNING.try_with(|running| running.borrow().as_ref().map(use_it)).ok().flatten()
}

/// The kernel that runs on this thread, if any, with nothing borrowed.
pub(crate) fn running() -> Option<Rc<State>> {
    try_with(Rc::clone)
}

/// What is known of a task, with the region of its work if its kernel runs and notes regions.
pub(crate) fn info_of(task: &Record) -> TaskInfo {
    let region = |kernel: &Rc<State>| match task.parked.get().state() {
        _ if !kernel.watched.get() || kernel.id != task.kernel => None,
        TaskState::Running => kernel.regions.current(),
        _ => kernel.regions.of(task.id),
    };
    TaskInfo { region: try_with(region).flatten(), ..task.info() }
}

/// The number of the kernel that runs here, if any.
#[inline]
pub(crate) fn running_id() -> Option<KernelId> {
    RUNNING_ID.get()
}

/// Whether a kernel runs here that has the real clock.
#[inline]
pub(crate) fn clock_is_real() -> bool {
    CLOCK_IS_REAL.get()
}

/// Whether the kernel that runs here, if any, notes waits and regions.
#[inline]
pub(crate) fn is_watched() -> bool {
    WATCHED.get()
}

impl State {
    /// From now on this kernel, which is running, notes waits and regions, or does so no more. Returns what it did before.
    pub(crate) fn set_watched(&self, on: bool) -> bool {
        WATCHED.set(on);
        self.watched.replace(on)
    }
}

/// Whether a kernel can run on this thread: not while the thread's locals are being torn down.
pub(crate) fn can_run_here() -> bool {
    RUNNING.try_with(|_| ()).is_ok()
}

/// Makes `state` the running kernel of this thread. False if there is one already.
pub(crate) fn enter(state: &Rc<State>) -> bool {
    RUNNING.with(|running| {
        let free = running.borrow().is_none();
        if free {
            running.replace(Some(Rc::clone(state)));
            note_running(Some(state));
        }
        free
    })
}

/// Sets one kernel aside for another one that has to end first.
pub(crate) fn replace(state: Option<Rc<State>>) -> Option<Rc<State>> {
    note_running(state.as_ref());
    RUNNING.try_with(|running| running.replace(state)).unwrap_or_default()
}

/// Another kernel runs from now on, or none; no poll is in progress in it.
fn note_running(state: Option<&Rc<State>>) {
    WATCHED.set(state.is_some_and(|state| state.watched.get()));
    CLOCK_IS_REAL.set(state.is_some_and(|state| !state.clock.is_virtual()));
    RUNNING_ID.set(state.map(|state| state.id));
    current_poll::clear();
}
