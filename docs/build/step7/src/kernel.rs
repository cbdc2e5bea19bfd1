//! The kernel: the loop, and what it does with one task.
//!
//! ```text
//! loop {
//!     poll I/O       wait for events until the next deadline, but not at all if a task is ready
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
//! In the first step, when no task is ready: the clock moves to the next deadline instead of waiting for it. A socket that a
//! task waits for does not hold it back.

use crate::clock::Clock;
use crate::state::{self, State};
use crate::task::TaskError;
use crate::task_cell::{End, Joinable, Runnable, TaskCell};
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
        Kernel { state: Rc::new(State::new(clock)) }
    }

    pub(crate) fn run<F: Future<Output: 'static> + 'static>(&self, main: F) -> F::Output {
        assert!(state::running().is_none(), "a kernel runs on this thread already; await the future instead");
        let _installed = Installed::new(&self.state);
        let main = Rc::new(TaskCell::new(main));
        traps::spawn(main.clone());
        while main.record().end.get().is_none() {
            self.cycle();
        }
        // While the kernel is still there for their destructors.
        self.state.tasks.take().discard_all();
        match main.take_outcome() {
            Ok(value) => value,
            Err(TaskError::Panicked(payload)) => resume_unwind(payload),
            Err(TaskError::Cancelled) => unreachable!("there is no handle of main, so nothing cancels it"),
        }
    }

    /// One turn of the loop.
    fn cycle(&self) {
        self.poll_io();
        self.fire_timers();
        self.run_ready();
    }

    fn poll_io(&self) {
        let State { clock, run_queue, timers, reactor, .. } = &*self.state;
        let deadline = timers.borrow().next_deadline();
        let at_once = run_queue.len() > 0 || clock.is_virtual() && deadline.is_some();
        let until = if at_once { Some(clock.now()) } else { deadline };
        let woken = reactor.borrow_mut().poll(until.map(|at| at.saturating_duration_since(clock.now())));
        woken.into_iter().for_each(Waker::wake);
        // Virtual time passes only when nothing else can happen.
        if let Some(deadline) = deadline.filter(|_| run_queue.len() == 0) {
            clock.jump_to(deadline);
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

    /// One poll of one task, with nothing borrowed. A task that was asked to stop ends here: its future is dropped where it
    /// waits. One that is ready in the same poll wins.
    fn run_task(&self, slot: u32) {
        let Some(TaskSlot { task, waker }) = self.state.tasks.borrow().get(slot) else { return };
        let (record, mut cx) = (task.record(), Context::from_waker(&waker));
        record.parked.set(false);
        let polled = match record.stops_where_parked.get() {
            true => Ok(Poll::Pending),
            false => catch_unwind(AssertUnwindSafe(|| task.poll(&mut cx))),
        };
        match polled {
            Ok(Poll::Ready(())) => self.finish(slot, &*task, End::Returned),
            Ok(Poll::Pending) if record.cancel_requested.get() => {
                task.discard();
                self.finish(slot, &*task, End::Cancelled);
            }
            Ok(Poll::Pending) => record.parked.set(true),
            Err(payload) => {
                task.discard();
                task.crash(payload);
                self.finish(slot, &*task, End::Panicked);
            }
        }
    }

    /// The task has ended and its future is gone: frees its slot and wakes the tasks that wait for it.
    fn finish(&self, slot: u32, task: &dyn Runnable, end: End) {
        task.record().end.set(Some(end));
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
