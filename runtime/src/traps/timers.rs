//! Traps for time: the clock, timers and maintenance.

use super::{is_running, is_running_here, with};
use crate::kernel::maintenance::{MaintenanceJob, Work};
use crate::kernel::state::{State, clock_is_real};
use crate::kernel::timer_queue::TimerKey;
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

/// The kernel's time.
#[inline]
#[track_caller]
pub(crate) fn now() -> Instant {
    if clock_is_real() { Instant::now() } else { with(|kernel| kernel.clock.now()) }
}

/// Has the kernel call `work` between tasks, first after `first` and then as often as it asks for.
#[track_caller]
pub(crate) fn add_maintenance(first: Duration, work: Work) -> Weak<MaintenanceJob> {
    // A time that an `Instant` cannot express is never due. What `work` captured is dropped when nothing is borrowed.
    let Some(due) = now().checked_add(first) else { return Weak::new() };
    with(|kernel| kernel.maintenance.add(due, work))
}

/// A timer of a kernel. Dropping it cancels the timer, wherever that happens.
pub(crate) struct Timer {
    kernel: Rc<State>,
    key: TimerKey,
}

/// None if the deadline is so far away that it never comes: more than five centuries.
#[track_caller]
pub(crate) fn set_timer(deadline: Instant, waker: &Waker) -> Option<Timer> {
    let waker = waker.clone();
    with(|kernel| {
        let key = kernel.timers.borrow_mut().insert(deadline, waker)?;
        Some(Timer { kernel: Rc::clone(kernel), key })
    })
}

impl Timer {
    /// While a question about a task is answered: how many of its waits were noted so far.
    #[inline]
    pub(crate) fn count_noted(&self) -> Option<usize> {
        self.kernel.watched.get().then(|| self.kernel.captured.count())
    }

    /// What was noted after the first `before` waits is under the time limit that this timer ends.
    #[cold]
    pub(crate) fn limits_noted_after(&self, before: usize) {
        if let Some(deadline) = self.deadline() {
            self.kernel.captured.limit_after(before, deadline);
        }
    }

    /// None if it has fired.
    fn deadline(&self) -> Option<Instant> {
        self.kernel.timers.borrow().deadline(self.key)
    }

    /// Whether it has fired; if not, it will wake `waker`.
    #[track_caller]
    pub(crate) fn poll_fired(&mut self, waker: &Waker) -> bool {
        if !is_running_here(&self.kernel) {
            return self.follow(waker);
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

    /// Its future was moved into another kernel, where only a timer of that one can wake it.
    #[cold]
    #[track_caller]
    fn follow(&mut self, waker: &Waker) -> bool {
        let Some(deadline) = self.deadline() else { return true };
        if let Some(timer) = set_timer(deadline, waker) {
            *self = timer;
        }
        false
    }
}

/// A sleep that no timer ends. It is not an error: it waits for Ctrl-C, if the kernel listens to that.
pub(crate) struct EndlessSleep(Rc<State>);

#[track_caller]
pub(crate) fn sleep_without_end() -> EndlessSleep {
    with(|kernel| {
        kernel.endless_sleeps.set(kernel.endless_sleeps.get() + 1);
        EndlessSleep(Rc::clone(kernel))
    })
}

impl EndlessSleep {
    /// To be called at each poll: its future may have been moved into another kernel.
    pub(crate) fn follow(&mut self) {
        if is_running() && !is_running_here(&self.0) {
            *self = sleep_without_end();
        }
    }
}

impl Drop for EndlessSleep {
    fn drop(&mut self) {
        self.0.endless_sleeps.set(self.0.endless_sleeps.get() - 1);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = self.kernel.timers.borrow_mut().cancel(self.key);
        drop(waker);
    }
}
