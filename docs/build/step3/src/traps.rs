//! Traps: the only way into the kernel.
//!
//! In Curio a coroutine asks the kernel for something by *trapping* into it, as a program does with a system call. Here a
//! trap is a function that finds the kernel that runs on this thread. Tasks, timers and sockets are built on these
//! functions, and nothing else touches the kernel; the kernel knows nothing that is built on them.

use crate::state::{self, State};
use crate::task_cell::Runnable;
use std::rc::Rc;

/// Adds a task. It is queued; the spawner runs on.
#[track_caller]
pub(crate) fn spawn(task: Rc<dyn Runnable>) {
    let kernel = kernel();
    let slot = kernel.tasks.borrow_mut().add(task, &kernel.run_queue);
    kernel.run_queue.push(slot);
}

#[track_caller]
fn kernel() -> Rc<State> {
    state::running().expect("no kernel is running on this thread; call this from inside `run(...)`")
}
