//! Detecting deadlocks.
//!
//! When no task is ready, no timer is set, no task waits for a socket or a thread, and no foreign future holds a waker,
//! then nothing can happen any more. Go reports that as "all goroutines are asleep"; here the report also says what each
//! task waits for, at which line, and which task holds it. A sleep without end is no deadlock while the kernel listens to
//! Ctrl-C: that is what it waits for.
//!
//! # How it is found
//!
//! If the process has other threads, one of them may be about to wake a task: they are given a second. Then comes the
//! *probe*: every task is polled once more, as any task may be at any time. Each wait publishes anew what it waits for,
//! so that a lock names the task that holds it *now*. And if a task goes on although nothing had woken it, the program
//! hung because of a lost wake-up: a future returned `Pending` without keeping the waker. The probe would cure that, and
//! so hide it until a timer elsewhere in the program keeps the probe from being made. Therefore a lost wake-up is
//! reported like any deadlock, with the tasks that went on.
//!
//! Which wakers are in foreign hands is found by the probe, too, because a task shows only one of the things that it waits
//! for. Each task is polled with a waker made for this poll. Waits of ours keep the one that they had, foreign futures take
//! the new one; so if it has copies afterwards, foreign code may wake the task, and there is no deadlock. Unless the process
//! has no other thread: then no code can run that would. Such a copy does not say what a foreign future waits for. A
//! `FuturesUnordered` of waits of ours keeps one as well, so with other threads it hides a deadlock.
//!
//! A task that waits for a socket may be woken, so there is no deadlock. But a wait that was begun by one of the `poll_…`
//! functions of `futures_io` outlives the future that called it. When a kernel has been idle for a second and has only such
//! waits, it wakes their tasks: each that still waits registers its wait again, which costs no system call, and the others
//! are no longer counted as waiting.
//!
//! What then happens with the report:
//!
//! * On the virtual clock, or if the process has no other thread that could wake us, it is a panic of `run`.
//! * Otherwise it is written, once in the life of a kernel, and `run` goes on waiting: a program whose tasks are
//!   fed by other threads looks just like this while it has nothing to do.
//!
//! # Why there is no false alarm
//!
//! Another thread first releases something and then calls the waker of the task that got it; a task that is polled in
//! between rightly goes on without having been woken. Without other threads that cannot happen, provided that they are
//! counted *before* the inbox is emptied: what a thread posted before it ended is then in the inbox. With other threads,
//! a task that went on in the probe is given another second for its wake to arrive.

use super::Kernel;
use crate::debug::{EventKind, Frame, WakeCause, monitor};
use crate::kernel::captured::CapturedWait;
use crate::kernel::run_queue;
use crate::kernel::task_record::{Parked, Record};
use crate::kernel::waker;
use crate::task::info::TaskId;
use std::fmt::Write;
use std::mem;
use std::time::{Duration, Instant};

/// How long other threads of the process have to wake a task.
const OTHER_THREADS_DELAY: Duration = Duration::from_secs(1);

/// How long only sockets are waited for before the waits of `poll_…` functions are doubted.
const DOUBT_DELAY: Duration = Duration::from_secs(1);

/// What is known of the search for a deadlock.
#[derive(Default)]
pub(super) struct Watch {
    /// Every task has been queued for one more poll: how it was parked before that.
    probe: Option<Vec<Probed>>,
    /// Since when only sockets could have woken a task, and none has.
    idle_since: Option<Instant>,
    /// Whether the process had other threads when they were last counted.
    other_threads: bool,
    /// The builder was told that no thread of the program wakes a task.
    alone: bool,
    /// It is reported once.
    reported: bool,
    /// The last probe found that foreign code may wake a task. So until one has run, no other one is made.
    foreign_wait: bool,
}

impl Watch {
    pub(super) fn set_other_threads(&mut self, may_wake: bool) {
        self.alone = !may_wake;
    }
}

struct Probed {
    slot: u32,
    id: TaskId,
    name: String,
    parked: Parked,
}

impl Kernel {
    /// Called when no task is ready and the loop would wait for ever. True if it waited, or has something to do.
    pub(super) fn suspect_deadlock(&mut self) -> bool {
        let stands_still = self.state.clock.is_virtual() && self.state.reactor.borrow().holding_clock() > 0;
        if stands_still && self.state.thread_jobs.get() == 0 {
            return self.doubt_waits();
        }
        if self.io_watch.polls() > 0 {
            self.watch.foreign_wait = false;
        }
        if self.watch.reported || self.watch.foreign_wait || self.may_be_woken_by_time_or_thread() {
            return false;
        }
        if self.state.reactor.borrow().waiting() > 0 {
            return self.doubt_waits();
        }
        // With other threads, most idle times end soon by a wake of theirs; counting the threads can wait till then.
        if self.watch.other_threads || self.has_other_threads() {
            if self.is_woken_within(OTHER_THREADS_DELAY) {
                self.watch.other_threads = true;
                return true;
            }
            self.watch.other_threads = self.has_other_threads();
        }
        self.wait_for_events(Some(Duration::ZERO));
        if run_queue::len() > 0 {
            return true;
        }
        let foreign_waker = || self.state.tasks.borrow().any_foreign_waker(&self.state.cancel_tree.borrow());
        if self.watch.other_threads && foreign_waker() {
            return false;
        }
        let tasks = self.state.tasks.borrow().by_id();
        let probed = |record: &Record| Probed {
            slot: record.slot,
            id: record.id,
            name: record.to_string(),
            parked: record.parked.get(),
        };
        self.watch.probe = Some(tasks.iter().map(|task| probed(task)).collect());
        self.state.set_wake_cause(Some(WakeCause::Check));
        tasks.iter().for_each(|task| run_queue::push(task.slot));
        self.state.set_wake_cause(None);
        waker::set_probe(self.state.tasks.borrow_mut().begin_probe());
        // The probe also notes in which regions tasks are.
        self.state.watch();
        self.state.captured.begin(true);
        true
    }

    /// Whether a task becomes ready in this time. The wait for events may end before it, and without one: by a signal, or by
    /// a thread that calls the `mio::Waker` late, when its wake has been collected with another one.
    fn is_woken_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = time.saturating_sub(start.elapsed());
            self.wait_for_events(Some(left));
            if run_queue::len() > 0 || left.is_zero() {
                return run_queue::len() > 0;
            }
        }
    }

    /// Called when only sockets can wake a task, or let a virtual clock go on. True if it waited, or has something to do.
    fn doubt_waits(&mut self) -> bool {
        if self.io_watch.polls() > 0 {
            self.watch.idle_since = None;
        }
        let idle_since = self.watch.idle_since.get_or_insert_with(|| {
            self.state.emit(None, EventKind::Idle);
            Instant::now()
        });
        let left = DOUBT_DELAY.saturating_sub(idle_since.elapsed());
        if left > Duration::ZERO {
            let timeout = self.time_to_wait(None).map_or(left, |timeout| timeout.min(left));
            self.wait_for_events(Some(timeout));
            self.fire_timers();
            self.run_maintenance();
            return true;
        }
        self.state.reactor.borrow_mut().ask_again(&mut self.scratch.wakers);
        self.wake_all();
        run_queue::len() > 0
    }

    /// Called at the head of every cycle: if the last one was a probe, judges what came of it.
    #[inline]
    pub(super) fn judge_probe(&mut self) {
        if let Some(probe) = &mut self.watch.probe {
            let probe = mem::take(probe);
            self.watch.probe = None;
            self.judge(&probe);
        }
    }

    /// Nothing is concluded from a probe that was made by `turn`: what comes next is no cycle like any other.
    pub(super) fn abandon_probe(&mut self) {
        if self.watch.probe.take().is_some() {
            self.state.end_watch();
            self.state.captured.end();
            waker::set_probe([]);
            self.state.tasks.borrow_mut().end_probe();
        }
    }

    fn judge(&mut self, probe: &[Probed]) {
        waker::set_probe([]);
        self.state.end_watch();
        let waits = self.state.captured.end();
        let mut kept = self.state.tasks.borrow_mut().end_probe();
        let went_on = self.went_on(probe);
        // One that went on may wait elsewhere now, with the waker that it was polled with.
        kept.retain(|slot| went_on.iter().all(|task| task.slot != *slot));
        let delay = if self.watch.other_threads && !went_on.is_empty() {
            OTHER_THREADS_DELAY
        } else {
            Duration::ZERO
        };
        if self.wait_for_events(Some(delay)) {
            // Another thread woke a task: it was no deadlock.
            return;
        }
        if went_on.is_empty() && run_queue::len() > 0 {
            // A task was made ready from outside, between two calls of `turn`.
            return;
        }
        if !kept.is_empty() && (self.watch.other_threads || self.has_other_threads()) {
            // A foreign future has kept a task's waker, whatever else that task shows as its wait.
            self.watch.foreign_wait = true;
            return;
        }
        let report = self.deadlock_report(&went_on, &waits);
        if self.state.clock.is_virtual() || !self.watch.other_threads {
            self.deadlock = Some(report);
        } else {
            self.watch.reported = true;
            self.state.reports.say(&report);
        }
    }

    /// The tasks that went on when they were polled: they have ended, or wait for something else.
    fn went_on<'p>(&self, probe: &'p [Probed]) -> Vec<&'p Probed> {
        if run_queue::len() == 0 && self.nothing_of_ours_can_happen() && self.state.tasks.borrow().len() > 0 {
            return Vec::new();
        }
        let tasks = self.state.tasks.borrow();
        let woke = run_queue::wakers();
        let moved = |task: &&Probed| {
            let found = tasks.get(task.slot).filter(|found| found.id == task.id);
            let Some(found) = found else { return true };
            let now = found.parked.get();
            (now.state(), now.at) != (task.parked.state(), task.parked.at) || woke.contains(&Some(task.id))
        };
        probe.iter().filter(moved).collect()
    }

    fn nothing_of_ours_can_happen(&self) -> bool {
        !self.may_be_woken_by_time_or_thread() && self.state.reactor.borrow().waiting() == 0
    }

    fn may_be_woken_by_time_or_thread(&self) -> bool {
        self.state.thread_jobs.get() > 0
            || !self.state.timers.borrow().is_empty()
            || self.hears_ctrl_c && self.state.endless_sleeps.get() > 0
    }

    fn deadlock_report(&self, went_on: &[&Probed], waits: &[CapturedWait]) -> String {
        let now = self.state.clock.now();
        let mut report = String::from("deadlock: no task can run, and nothing is left that could wake one");
        for Probed { name, parked, .. } in went_on {
            if went_on.iter().any(|other| parked.resource().is_end_of(other.id)) {
                // Its wake-up would have come with the end of that one.
                let _ = write!(report, "\n  {name} waits: {}", parked.describe(now));
                continue;
            }
            let _ = write!(
                report,
                "\n  {name} could go on as soon as it was polled once more: what it waited for, {}, has lost its \
                 wake-up (a future returned Pending without keeping the waker)",
                parked.describe(now)
            );
        }
        for record in &self.state.tasks.borrow().by_id() {
            if went_on.iter().all(|gone| gone.id != record.id) {
                let _ = write!(report, "\n  {record} waits: {}", record.parked.get().describe(now));
                let shown = shown_wait(record, waits);
                if let Some(about) = shown.and_then(|wait| wait.about.as_ref()) {
                    let _ = write!(report, ", {about}");
                }
                if let Some(region) = self.state.regions.of(record.id) {
                    let _ = write!(report, ", in {region}");
                }
                let unpolled = |root| self.state.cancel_tree.borrow().unpolled(root);
                for at in record.root.get().map(unpolled).unwrap_or_default() {
                    let _ = write!(
                        report,
                        "\n    it is cancelled, but what `finally` or `disable_cancellation` protects at {at} has \
                         to end first, and it is not polled: the future that holds it awaits something else"
                    );
                }
                if let Some(missing) = shown.and_then(CapturedWait::what_is_missing) {
                    let _ = write!(report, "\n    {missing}");
                }
                for frame in frames_of(record, shown) {
                    let _ = write!(report, "\n    in {} at {}", frame.function(), frame.line());
                }
            }
        }
        if self.state.endless_sleeps.get() > 0 {
            report.push_str(
                "\n  a sleep without end waits for Ctrl-C, but this kernel does not listen to it: it is switched off by \
                 default on a virtual clock, by `KernelBuilder::ctrl_c(false)`, and without the feature `signals`",
            );
        }
        report
    }

    /// Whether the process has threads other than this one, the idle workers of this kernel, and monitors. Yes, where that
    /// can't be known. No, if the builder was told that none wakes a task.
    fn has_other_threads(&self) -> bool {
        if self.watch.alone {
            return false;
        }
        let ours = 1 + self.state.workers.idle_threads() + monitor::threads();
        count_threads().is_none_or(|threads| threads > ours)
    }
}

/// How many threads the process has, where the operating system says it.
fn count_threads() -> Option<usize> {
    #[cfg(target_os = "linux")]
    if let Ok(threads) = std::fs::read_dir("/proc/self/task") {
        return Some(threads.count());
    }
    None
}

/// The wait that a task is shown with.
fn shown_wait<'w>(record: &Record, waits: &'w [CapturedWait]) -> Option<&'w CapturedWait> {
    let shown = record.parked.get().at;
    waits.iter().rev().find(|wait| wait.task == record.id && wait.parked.at == shown)
}

/// The functions that await what a task is shown to wait for, if that says more than the line of the wait.
fn frames_of(record: &Record, wait: Option<&CapturedWait>) -> Vec<Frame> {
    let shown = record.parked.get().at;
    let backtrace = wait.and_then(|wait| wait.backtrace.as_ref());
    let frames = backtrace.map(|backtrace| Frame::of(&backtrace.to_string())).unwrap_or_default();
    let is_known = |frame: &Frame| shown.is_some_and(|shown| frame.is_at(shown));
    if frames.iter().all(is_known) { Vec::new() } else { frames }
}
