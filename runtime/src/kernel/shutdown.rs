//! The end of a kernel: every task is asked to stop, newest first, and the loop goes on until they have. Cleanups
//! run concurrently, within one grace period for all. What is left then is dropped, and reported.
//!
//! The grace period is kernel time. A virtual clock stands still while a cleanup waits for a thread or another process,
//! or computes. So that no program can hang at its end, real time is limited as well: to the same period, but at least
//! [`REAL_GRACE`], so that the load of the machine does not decide how a test ends.

use super::Kernel;
use super::cycle::Limit;
use super::run::{Main, Running};
use crate::debug::EventKind;
use crate::kernel::current_poll;
use crate::kernel::run_queue;
use crate::kernel::state::{self, State};
use crate::kernel::task_record::{End, GENERATIONS, Record};
use crate::traps;
use std::mem;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The shortest limit in real time for the cleanups of a shutdown.
const REAL_GRACE: Duration = Duration::from_secs(5);

/// Why a task is dropped that has not ended.
#[derive(Clone, Copy)]
enum Dropped {
    OutOfTime,
    ThreadEnds,
}

impl Kernel {
    /// What is left between two runs, a line for each: the tasks, or, if there are none, timers and sockets.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let now = self.state.clock.now();
        let tasks = self.state.tasks.borrow().by_id();
        let task = |task: &Rc<Record>| format!("{}, in {}", task, task.parked.get().describe(now));
        let mut left: Vec<String> = tasks.iter().map(task).collect();
        // Timers and sockets that belong to tasks go with them.
        if left.is_empty() {
            let timers = self.state.timers.borrow().len();
            let sockets = self.state.reactor.borrow().sockets();
            left.extend((timers > 0).then(|| format!("{timers} timers that no task awaits")));
            left.extend((sockets > 0).then(|| format!("{sockets} open sockets")));
        }
        left
    }

    /// The same for `run` and for `Drop`; the kernel is installed on this thread. `main` if it is still there.
    pub(super) fn stop_everything(&mut self, mut main: Option<&mut Main<'_>>) {
        self.state.shutting_down.set(true);
        self.is_shut_down = true;
        self.abandon_probe();
        let tasks = self.state.tasks.borrow().by_id();
        for record in tasks.iter().rev() {
            // A task that joins it is cancelled as well, and will drop its handle.
            if record.is_awaited() {
                record.attended.set(true);
            }
            traps::request_cancel(record);
        }
        drop(tasks);
        let end = Limit {
            kernel: self.state.clock.now().checked_add(self.grace),
            real: Instant::now().checked_add(self.grace.max(REAL_GRACE)),
        };
        let is_over = |kernel: &Kernel| {
            end.kernel.is_some_and(|end| kernel.state.clock.now() >= end)
                || end.real.is_some_and(|end| Instant::now() >= end)
        };
        while self.state.tasks.borrow().len() > 0 && !is_over(self) {
            self.cycle(main.as_deref_mut(), Some(end));
        }
        self.drop_all(Dropped::OutOfTime);
        self.close();
    }

    /// The end of a kernel that lies in a thread-local and is dropped after what runs a kernel on its thread: nothing can run
    /// here any more, no task is asked to stop, and each is dropped where it is.
    fn drop_unrun(&mut self) {
        self.state.shutting_down.set(true);
        self.is_shut_down = true;
        self.drop_all(Dropped::ThreadEnds);
        self.state.catch_wakers(|| self.state.grants.stop());
        self.close();
    }

    /// After this nothing runs here any more. What outlives the kernel (a waker, a handle) keeps little of it.
    fn close(&self) {
        self.state.inbox.close();
        self.state.reports.say_never_joined();
        self.state.emit(None, EventKind::ShutDown { counts: self.state.counts() });
        for message in self.state.activations.close() {
            self.state.reports.say(&format!("an activation panicked while it was dropped: {message}"));
        }
    }

    /// Newest first. Destructors may spawn; what they spawn is dropped as well, before it ever runs, up to the
    /// [`GENERATIONS`]th generation. Those that spawn what they drop would go on for ever.
    fn drop_all(&mut self, why: Dropped) {
        for _ in 0..GENERATIONS {
            let tasks = self.state.tasks.borrow().by_id();
            if tasks.is_empty() {
                return;
            }
            for task in tasks.iter().rev().filter(|task| task.end.get().is_none()) {
                self.drop_one(task, why);
            }
        }
        let tasks = self.state.tasks.borrow().by_id();
        for task in tasks {
            self.leak_one(&task);
        }
    }

    /// Ends a task without running its destructors.
    fn leak_one(&self, record: &Record) {
        self.state.report_leak(record);
        mem::forget(record.body.take());
        self.state.finish(record, End::Cancelled);
    }

    fn drop_one(&self, record: &Rc<Record>, why: Dropped) {
        let was_in = || record.parked.get().describe(self.state.clock.now());
        match why {
            Dropped::OutOfTime => self.state.reports.say(&format!(
                "{record} did not end within the {:?} that shutdown allows and was dropped; it was in {}",
                self.grace,
                was_in()
            )),
            // A task without a cleanup ends as in any other shutdown.
            Dropped::ThreadEnds if self.state.anything_alive_in(record) => self.state.reports.say(&format!(
                "{record} was dropped without its cleanup, because its kernel was kept in a thread-local of a \
                 thread that has ended; it was in {}",
                was_in()
            )),
            Dropped::ThreadEnds => {}
        }
        let previous = self.state.make_current(record, None);
        debug_assert!(previous.is_none(), "the kernel drops one task at a time");
        self.state.discard(record);
        self.state.finish(record, End::Cancelled);
        let last = self.state.current_task.take();
        current_poll::end();
        drop(last);
    }
}

impl State {
    /// A task is ended without running its destructors.
    pub(crate) fn report_leak(&self, record: &Record) {
        self.reports.say(&format!(
            "{record}, spawned at {}, is leaked: its destructors would run after those of {GENERATIONS} tasks that \
             were each spawned by a destructor of the one before",
            record.spawned_at
        ));
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if self.is_shut_down {
            return;
        }
        if !state::can_run_here() {
            return self.drop_unrun();
        }
        // A kernel may be dropped inside another one's task; its tasks then run under their own kernel's name.
        let outer_poll = current_poll::set_aside();
        let outer = state::replace(None);
        let running_task = run_queue::running();
        let outer_queue = outer.as_ref().map(|_| run_queue::uninstall());
        let running = Running::enter(self);
        running.kernel.stop_everything(None);
        drop(running);
        if let (Some(outer), Some(queue)) = (outer, outer_queue) {
            run_queue::install(queue, outer.id);
            run_queue::set_running(running_task);
            state::replace(Some(outer));
            current_poll::put_back(&outer_poll);
        }
    }
}
