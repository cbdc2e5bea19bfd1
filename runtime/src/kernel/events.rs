//! Passing what happens on to the activations: in order, each event once, and with times that never go backwards.
//!
//! Most events are emitted where they happen. Wakes are not: a waker may be called while anything is borrowed, and an
//! activation is foreign code. So the [run queue](crate::kernel::run_queue) records them with their time and cause, and they
//! are emitted before the next event of another kind, and at the latest before the next poll.

use crate::debug::{EventKind, KernelCounts, WakeCause};
use crate::kernel::captured::Traces;
use crate::kernel::current_poll;
use crate::kernel::run_queue::{self, RecordedWake};
use crate::kernel::state::{self, State};
use crate::kernel::task_record::{Parked, Record};
use crate::task::info::TaskState;
use std::time::Instant;

impl State {
    /// Passes what happened to a task, or to the loop, to the activations.
    #[inline]
    pub(crate) fn emit(&self, task: Option<&Record>, kind: EventKind) {
        if self.activations.any() {
            self.emit_now(task, kind);
        }
    }

    #[cold]
    #[inline(never)]
    fn emit_now(&self, task: Option<&Record>, kind: EventKind) {
        self.tell_held_back();
        self.emit_recorded_wakes();
        self.emit_at(self.clock.now(), task, kind);
    }

    /// Emits the wakes since the last event.
    #[inline]
    pub(crate) fn emit_wakes(&self) {
        if self.activations.any() {
            self.emit_recorded_wakes();
        }
    }

    /// The wakes from here to the next call have this cause; with `None`, the task that is being polled is it. Recorded only
    /// if there are activations.
    #[inline]
    pub(crate) fn set_wake_cause(&self, cause: Option<WakeCause>) {
        if self.activations.any() {
            run_queue::set_cause(cause);
        }
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> KernelCounts {
        let (timers_set, timers_fired) = self.timers.borrow().counts();
        let (polls_for_events, socket_calls) = self.reactor.borrow().counts();
        KernelCounts { timers_set, timers_fired, polls_for_events, socket_calls }
    }

    /// Begins to note the regions of tasks that are polled, if that is not done already.
    pub(crate) fn watch(&self) {
        if !self.set_watched(true) {
            self.regions.forget_all();
        }
    }

    /// Ends it, unless there are activations. What was noted is kept until the next time.
    pub(crate) fn end_watch(&self) {
        self.set_watched(self.activations.any());
    }

    #[cold]
    fn note_wait(&self, record: &Record) {
        if self.captured.holds_back() {
            self.captured.judge(record, self.traces_of_waits(current_poll::BUDGET.get()));
        }
        if record.end.get().is_some() {
            self.regions.forget(record.id);
        } else if self.captured.waits_as_before(record) {
            self.captured.note_region(record.id, self.regions.published.take());
        } else {
            let is_probe = self.captured.is_on() && !self.captured.holds_back();
            self.regions.set(record.id, record.parked.get().at, self.clock.now(), is_probe);
        }
    }

    /// What tells whether a task that was only asked has come to another wait.
    pub(super) fn traces_of_waits(&self, budget: u32) -> Traces {
        Traces {
            timers_set: self.timers.borrow().counts().0,
            sockets_awaited: self.reactor.borrow().waiting(),
            budget,
        }
    }

    /// A task that was only asked what it waits for has done something: so this was a poll like any other.
    fn tell_held_back(&self) {
        if !self.captured.holds_back() {
            return;
        }
        let running = run_queue::running();
        for record in &self.captured.take_held_back() {
            if record.told_running.get() {
                run_queue::set_running(Some(record.id));
                let parked = record.parked.replace(Parked::in_state(TaskState::Running));
                self.emit_at(self.clock.now(), Some(record), EventKind::Running);
                record.parked.set(parked);
            }
        }
        run_queue::set_running(running);
    }

    #[cold]
    fn tell_suspended(&self, record: &Record) {
        let goes_on = !self.captured.waits_as_before(record);
        if goes_on {
            self.tell_held_back();
        }
        record.told_running.set(false);
        if goes_on {
            let parked = record.parked.get();
            self.emit(Some(record), EventKind::Suspended { state: parked.state(), location: parked.at });
        }
    }

    #[cold]
    fn emit_recorded_wakes(&self) {
        for wake in run_queue::take_recorded_wakes() {
            let task = self.tasks.borrow().get(wake.slot).cloned();
            if let Some(task) = task {
                let time = if self.clock.is_virtual() { self.clock.now() } else { wake.at };
                let cause = cause_of(&wake, &task);
                self.emit_at(time, Some(&task), EventKind::Woken { by: wake.by, cause });
            }
        }
    }

    #[cold]
    fn emit_at(&self, time: Instant, task: Option<&Record>, kind: EventKind) {
        let by = run_queue::running();
        for message in self.activations.emit(time, task.map(state::info_of), by, kind) {
            self.reports.say(&format!("an activation panicked and gets no further events: {message}"));
        }
    }

    /// The task is about to be polled.
    #[inline]
    pub(crate) fn emit_running(&self, record: &Record) {
        if self.activations.any() {
            record.told_running.set(true);
            if !self.captured.holds_back() {
                self.emit(Some(record), EventKind::Running);
            }
        }
    }

    /// Its poll is over, and it is in the state that its record says. Emitted once for each poll, however it ends.
    #[inline]
    pub(crate) fn emit_suspended(&self, record: &Record) {
        if self.watched.get() {
            self.note_wait(record);
            if record.told_running.get() {
                self.tell_suspended(record);
            }
        }
    }
}

/// The cause of a wake. What a task that wakes itself is about to wait for says why it does: the trap that lets the others run
/// publishes the state `READY`, with its line if the program asked for it.
fn cause_of(wake: &RecordedWake, task: &Record) -> WakeCause {
    let parked = task.parked.get();
    match (parked.state(), parked.at) {
        _ if wake.cause != WakeCause::Task || wake.by != Some(task.id) => wake.cause.clone(),
        // A sleep until a time that has come already lets the others run.
        (TaskState::Ready, Some(_)) | (TaskState::TimeSleep, _) => WakeCause::Schedule,
        (TaskState::Ready, None) => WakeCause::Budget,
        _ => WakeCause::Task,
    }
}
