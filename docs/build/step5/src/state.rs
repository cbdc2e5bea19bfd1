//! The parts of a kernel, and the thread-local that says which kernel runs on this thread.
//!
//! Each part sits in a cell of its own and is borrowed only for a moment, never while foreign code runs: polling a task,
//! calling a waker and dropping a future all happen when nothing is borrowed. Only `kernel.rs` and `traps.rs` look in here.

use crate::clock::Clock;
use crate::reactor::Reactor;
use crate::run_queue::RunQueue;
use crate::task_table::TaskTable;
use crate::timer_queue::TimerQueue;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) tasks: RefCell<TaskTable>,
    pub(crate) timers: RefCell<TimerQueue>,
    /// Shared with every socket, which deregisters itself wherever and whenever it is dropped.
    pub(crate) reactor: Rc<RefCell<Reactor>>,
    pub(crate) run_queue: Arc<RunQueue>,
}

impl State {
    pub(crate) fn new(clock: Clock) -> State {
        let (reactor, mio_waker) = Reactor::new().expect("a kernel needs an event queue of the system");
        let reactor = Rc::new(RefCell::new(reactor));
        let run_queue = Arc::new(RunQueue::new(mio_waker));
        State { clock, tasks: RefCell::default(), timers: RefCell::default(), reactor, run_queue }
    }
}

thread_local! {
    static RUNNING: RefCell<Option<Rc<State>>> = const { RefCell::new(None) };
}

/// The kernel that runs on this thread, if any.
pub(crate) fn running() -> Option<Rc<State>> {
    RUNNING.with_borrow(Option::clone)
}

/// Makes another kernel the running one of this thread, or none. Returns the one that was.
pub(crate) fn replace(state: Option<Rc<State>>) -> Option<Rc<State>> {
    RUNNING.replace(state)
}
