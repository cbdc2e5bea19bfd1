//! The end of a kernel: every task is asked to stop, newest first, and the loop goes on until they have. Cleanups
//! run side by side, within one grace period for all. What is left then is dropped, and said so.

use super::Kernel;
use super::run::{Limit, Running};
use crate::ready;
use crate::state;
use crate::table::{End, Runnable};
use crate::traps;
use std::rc::Rc;

impl Kernel {
    /// What is still there between two runs, a line for each: the ledger of leaks.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let now = self.state.clock.now();
        let tasks = self.state.tasks.borrow().by_id();
        let task = |task: &Rc<dyn Runnable>| {
            format!("{}, in {}", task.record(), task.record().parked.get().describe(now))
        };
        let mut left: Vec<String> = tasks.iter().map(task).collect();
        // What tasks hold goes with them.
        if left.is_empty() {
            let timers = self.state.timers.borrow().len();
            let sockets = self.state.reactor.borrow().sockets();
            left.extend((timers > 0).then(|| format!("{timers} timers that nobody awaits")));
            left.extend((sockets > 0).then(|| format!("{sockets} open sockets")));
        }
        left
    }

    /// The same for `run` and for `Drop`; the kernel is installed on this thread.
    pub(super) fn stop_everything(&mut self) {
        self.state.shutting_down.set(true);
        self.is_shut_down = true;
        let tasks = self.state.tasks.borrow().by_id();
        for task in tasks.iter().rev() {
            traps::request_cancel(task.record());
        }
        drop(tasks);
        let deadline = self.state.clock.now().checked_add(self.grace);
        while self.state.tasks.borrow().len() > 0 && deadline.is_none_or(|end| self.state.clock.now() < end) {
            self.cycle(None, deadline.map(Limit::Kernel));
        }
        self.drop_the_rest();
        self.state.reports.say_never_joined();
    }

    /// Destructors may spawn; what they spawn is dropped as well, before it ever runs.
    fn drop_the_rest(&mut self) {
        loop {
            let Some(task) = self.state.tasks.borrow().by_id().pop() else { return };
            let record = task.record();
            self.state.reports.say(&format!(
                "{record} did not end within the {:?} that shutdown allows and was dropped; it was in {}",
                self.grace,
                record.parked.get().describe(self.state.clock.now())
            ));
            let previous = self.state.make_current(&task, None);
            debug_assert!(previous.is_none(), "the kernel drops one task at a time");
            self.discard(&task);
            self.state.finish(&task, End::Cancelled);
            let last = self.state.current.take();
            drop(last);
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if self.is_shut_down {
            return;
        }
        // A kernel may be dropped inside another one's task; its tasks then run under their own kernel's name.
        let outer = state::replace(None);
        let outer_queue = outer.as_ref().map(|_| ready::uninstall());
        let running = Running::enter(self);
        running.kernel.stop_everything();
        drop(running);
        if let (Some(outer), Some(queue)) = (outer, outer_queue) {
            ready::install(queue, outer.id);
            state::replace(Some(outer));
        }
    }
}
