//! The kernel: the loop, and what it does with one task.
//!
//! ```text
//! loop {
//!     wait           until a task is ready or a timer is due; not at all if a task is ready
//!     fire timers    wake the tasks whose deadlines have passed
//!     run            exactly the tasks that were ready when the cycle began
//! }
//! ```
//!
//! "Exactly the tasks that were ready" is the fairness guarantee: a task that wakes itself over and over gets one poll per
//! cycle like all others.
//!
//! While it runs, the kernel is *installed* on its thread: its state sits in a thread-local, where traps find it. That is how
//! a task can spawn another one without a reference to the kernel.
//!
//! # Where a virtual clock jumps
//!
//! In the first step, when no task is ready: the clock moves to the next deadline instead of waiting for it.

use crate::clock::Clock;
use crate::state::{self, State};
use crate::task::TaskError;
use crate::task_cell::{Joinable, Runnable, TaskCell};
use crate::task_table::TaskSlot;
use crate::traps;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Runs `main` and everything it spawns on this thread; returns what `main` returns. Tasks that are left are dropped.
///
/// # Panics
/// With the panic of `main`. If a kernel runs on this thread already.
pub fn run<F: Future<Output: 'static> + 'static>(main: F) -> F::Output {
    Kernel::new(Clock::Real).run(main)
}

pub(crate) struct Kernel {
    state: Rc<State>,
}

impl Kernel {
    pub(crate) fn new(clock: Clock) -> Kernel {
        Kernel { state: Rc::new(State { clock, ..State::default() }) }
    }

    pub(crate) fn run<F: Future<Output: 'static> + 'static>(&self, main: F) -> F::Output {
        assert!(state::running().is_none(), "a kernel runs on this thread already; await the future instead");
        let _installed = Installed::new(&self.state);
        let main = Rc::new(TaskCell::new(main));
        traps::spawn(main.clone());
        while !main.record().ended.get() {
            self.cycle();
        }
        // While the kernel is still there for their destructors.
        self.state.tasks.take().discard_all();
        match main.take_outcome() {
            Ok(value) => value,
            Err(TaskError::Panicked(payload)) => resume_unwind(payload),
        }
    }

    /// One turn of the loop.
    fn cycle(&self) {
        self.wait_or_jump();
        self.fire_timers();
        self.run_ready();
    }

    fn wait_or_jump(&self) {
        let State { clock, run_queue, timers, .. } = &*self.state;
        let deadline = timers.borrow().next_deadline();
        match deadline {
            // Virtual time passes only when nothing else can happen.
            Some(deadline) if clock.is_virtual() && run_queue.len() == 0 => clock.jump_to(deadline),
            _ => run_queue.wait(deadline.map(|deadline| deadline.saturating_duration_since(clock.now()))),
        }
    }

    fn fire_timers(&self) {
        let due = self.state.timers.borrow_mut().expire(self.state.clock.now());
        due.into_iter().for_each(Waker::wake);
    }

    fn run_ready(&self) {
        for _ in 0..self.state.run_queue.len() {
            let Some(slot) = self.state.run_queue.pop() else { break };
            self.run_task(slot);
        }
    }

    /// One poll of one task, with nothing borrowed.
    fn run_task(&self, slot: u32) {
        let Some(TaskSlot { task, waker }) = self.state.tasks.borrow().get(slot) else { return };
        let mut cx = Context::from_waker(&waker);
        match catch_unwind(AssertUnwindSafe(|| task.poll(&mut cx))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => self.finish(slot, &*task),
            Err(payload) => {
                task.discard();
                task.crash(payload);
                self.finish(slot, &*task);
            }
        }
    }

    /// The task has ended and its future is gone: frees its slot and wakes the tasks that wait for it.
    fn finish(&self, slot: u32, task: &dyn Runnable) {
        task.record().ended.set(true);
        let removed = self.state.tasks.borrow_mut().remove(slot);
        drop(removed);
        let waiters = task.record().join_wakers.take();
        waiters.into_iter().for_each(Waker::wake);
    }
}

/// The kernel is the one of this thread until this is dropped, also when a panic drops it.
struct Installed;

impl Installed {
    fn new(state: &Rc<State>) -> Installed {
        state::replace(Some(Rc::clone(state)));
        Installed
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        state::replace(None);
    }
}
