//! Traps: the only way into the kernel.
//!
//! In Curio a coroutine asks the kernel for something by *trapping* into it, as a program does with a system call. Here a
//! trap is a function that finds the kernel that runs on this thread. Tasks, timers and sockets are built on these
//! functions, and nothing else touches the kernel; the kernel knows nothing that is built on them.

use crate::reactor::Reactor;
use crate::state::{self, State};
use crate::task_cell::Runnable;
use crate::timer_queue::TimerKey;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

/// Adds a task. It is queued; the spawner runs on.
#[track_caller]
pub(crate) fn spawn(task: Rc<dyn Runnable>) {
    let kernel = kernel();
    let slot = kernel.tasks.borrow_mut().add(task, &kernel.run_queue);
    kernel.run_queue.push(slot);
}

/// The kernel's time.
#[track_caller]
pub(crate) fn now() -> Instant {
    kernel().clock.now()
}

/// A timer of a kernel. Dropping it cancels the timer, wherever that happens.
pub(crate) struct Timer {
    kernel: Rc<State>,
    key: TimerKey,
}

#[track_caller]
pub(crate) fn set_timer(deadline: Instant, waker: &Waker) -> Timer {
    let kernel = kernel();
    let key = kernel.timers.borrow_mut().insert(deadline, waker.clone());
    Timer { kernel, key }
}

impl Timer {
    /// Whether it has fired; if not, it will wake `waker`.
    pub(crate) fn poll_fired(&self, waker: &Waker) -> bool {
        let replaced = self.kernel.timers.borrow_mut().set_waker(self.key, waker);
        replaced.is_none()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = self.kernel.timers.borrow_mut().cancel(self.key);
        drop(waker);
    }
}

/// The running kernel's reactor, for a socket to keep.
#[track_caller]
pub(crate) fn reactor() -> Rc<RefCell<Reactor>> {
    Rc::clone(&kernel().reactor)
}

#[track_caller]
fn kernel() -> Rc<State> {
    state::running().expect("no kernel is running on this thread; call this from inside `run(...)`")
}
