//! Telling a program that hangs from one that waits.
//!
//! When no task is ready, no timer is set, no socket is awaited, no thread works for us and no foreign future holds
//! a waker, then nothing can ever happen again. Go has said so for years ("all goroutines are asleep"); here the
//! report also says who waits for what, at which line, and who holds it.
//!
//! It is found in two steps. First every task is polled once more, as any task may be at any time: each wait then
//! says anew what it waits for, so that a lock names who holds it *now*. If a task goes on after all, a wake-up was
//! lost, and that is reported if no other thread can have had a hand in it. Then the report is made:
//!
//! * On the virtual clock, or if the process has no other thread that could wake us, it is a panic of `run`.
//! * Otherwise it is written once, after a second of silence, and `run` goes on waiting.

use super::Kernel;
use crate::ready;
use std::mem;
use std::time::Duration;

/// How long other threads of the process have to wake us before a report.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the search for a deadlock has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Suspicion {
    #[default]
    None,
    /// Every task is being polled once more.
    Asked,
    /// Said; there is nothing more to say.
    Reported,
}

impl Kernel {
    /// Called when no task is ready and the loop would wait for ever. True if it waited, or knows better.
    pub(super) fn suspect_deadlock(&mut self) -> bool {
        if !self.nothing_can_happen() {
            self.suspicion = Suspicion::None;
            return false;
        }
        match self.suspicion {
            Suspicion::None => {
                // A thread may just have posted something.
                self.wait_in_epoll(Some(Duration::ZERO));
                if ready::len() == 0 {
                    self.suspicion = Suspicion::Asked;
                    let tasks = self.state.tasks.borrow().by_id();
                    tasks.iter().for_each(|task| ready::push(task.record().slot));
                }
            }
            Suspicion::Asked => {
                let alone = self.other_threads() == Some(0);
                if !alone {
                    self.wait_in_epoll(Some(PATIENCE));
                    if ready::len() > 0 {
                        self.suspicion = Suspicion::None;
                        return true;
                    }
                }
                let report = self.deadlock_report();
                if alone || self.state.clock.is_virtual() {
                    self.deadlock = Some(report);
                } else {
                    self.suspicion = Suspicion::Reported;
                    self.state.reports.say(&report);
                }
            }
            Suspicion::Reported => return false,
        }
        true
    }

    /// Called when a task is ready.
    pub(super) fn no_deadlock(&mut self) {
        // Another thread may have released something a moment before it calls the waker of whoever got it. So
        // this is only certain when there is no other thread.
        if mem::take(&mut self.suspicion) == Suspicion::Asked && self.other_threads() == Some(0) {
            self.state.reports.say(
                "a task could go on although nothing had woken it: some future has lost its wake-up \
                 (it returned Pending without keeping the waker)",
            );
        }
    }

    fn nothing_can_happen(&self) -> bool {
        let state = &*self.state;
        state.thread_jobs.get() == 0
            && state.timers.borrow().is_empty()
            && state.reactor.borrow().waiting() == 0
            && !state.tasks.borrow().any_foreign_waker(&state.scopes.borrow())
    }

    fn deadlock_report(&self) -> String {
        let now = self.state.clock.now();
        let tasks = self.state.tasks.borrow().by_id();
        let mut report = String::from("deadlock: no task can run, and nothing is left that could wake one");
        for task in tasks {
            let record = task.record();
            report += &format!("\n  {record} waits: {}", record.parked.get().describe(now));
        }
        report
    }

    /// The threads of this process that are neither this one nor workers of this kernel, where that can be known.
    fn other_threads(&self) -> Option<usize> {
        #[cfg(target_os = "linux")]
        {
            let all = std::fs::read_dir("/proc/self/task").ok()?.count();
            Some(all.saturating_sub(1 + self.state.workers.threads()))
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}
