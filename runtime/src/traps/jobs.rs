//! Traps for work on threads: giving a job to the pool, and holding a virtual clock while a thread works for a task.

use super::{is_running, is_running_here, with};
use crate::kernel::state::State;
use std::io;
use std::rc::Rc;

/// Gives a job to a thread of the kernel's pool.
#[track_caller]
pub(crate) fn run_job(job: Box<dyn FnOnce() + Send>) -> io::Result<JobHold> {
    with(|kernel| {
        kernel.workers.submit(job)?;
        kernel.thread_jobs.set(kernel.thread_jobs.get() + 1);
        Ok(JobHold(Rc::clone(kernel)))
    })
}

/// Holds a virtual clock for a thread that works for a task and is not in the kernel's pool.
#[track_caller]
pub(crate) fn hold_clock() -> JobHold {
    with(|kernel| {
        kernel.thread_jobs.set(kernel.thread_jobs.get() + 1);
        JobHold(Rc::clone(kernel))
    })
}

/// While it lives, a task waits for the result of a thread, and a virtual clock does not jump.
pub(crate) struct JobHold(Rc<State>);

impl JobHold {
    /// To be called at each poll: a future that was moved into another kernel holds the clock of that one.
    pub(crate) fn follow(&mut self) {
        if is_running() && !is_running_here(&self.0) {
            *self = hold_clock();
        }
    }
}

impl Drop for JobHold {
    fn drop(&mut self) {
        self.0.thread_jobs.set(self.0.thread_jobs.get() - 1);
    }
}
