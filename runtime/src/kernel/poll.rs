//! One poll of one task, and what follows from it.
//!
//! ```text
//! run_queue::pop ─▶ table.begin_poll ─▶ body.poll, inside catch_unwind, nothing borrowed
//!     ready                 ─▶ finish: free the slot, wake the tasks that join it
//!     panicked              ─▶ report it, keep the payload for a join, finish
//!     it was parked when it was asked to stop: not polled, but dropped there, if nothing inside is alive
//!     pending, cancelled    ─▶ if nothing inside is alive: drop the future, finish
//!     pending               ─▶ record what it waits for
//! ```

use super::Payload;
use super::run::Main;
use crate::debug::{EventKind, Region};
use crate::error::panic_message;
use crate::kernel::current_poll;
use crate::kernel::run_queue;
use crate::kernel::state::State;
use crate::kernel::task_record::{End, Parked, Record, Resource};
use crate::kernel::waker;
use crate::task::info::{TaskId, TaskState};
use crate::traps::BUDGET;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

impl State {
    // Once for the loop, where it belongs inside of it, and once for all questions about tasks.
    #[inline(always)]
    pub(super) fn run_task(&self, slot: u32, woken_by: Option<TaskId>, main: Option<&mut Main<'_>>) {
        let begun = self.tasks.borrow_mut().begin_poll(slot);
        let Some((record, waker)) = begun else { return };
        if record.nested.get() {
            // The task around it is woken by this one.
            run_queue::set_running(Some(record.id));
            if record.pass_on(woken_by) {
                self.tasks.borrow_mut().end_poll(slot, waker);
                return;
            }
        }
        // It is shown as waiting for what it waited for last.
        let stopped_at = self.stops_where_parked(&record).then(|| record.parked.get());
        let mut body = record.body.take();
        let previous = self.make_current(&record, woken_by);
        debug_assert!(previous.is_none(), "the kernel polls one task at a time");
        let cx = &mut Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| match (main, &mut body) {
            (Some(main), _) if main.id == record.id => (main.poll)(cx),
            _ if stopped_at.is_some() => Poll::Pending,
            (_, Some(body)) => body.as_mut().poll(cx),
            // The main task of a run that has ended.
            (_, None) => Poll::Ready(()),
        }));
        record.body.set(body);
        self.tasks.borrow_mut().end_poll(slot, waker);
        match polled {
            Ok(Poll::Ready(())) => self.finish(&record, End::Returned),
            Err(payload) => self.crash(&record, payload),
            Ok(Poll::Pending) => {
                match stopped_at {
                    None => record.parked.set(current_poll::published()),
                    Some(parked) => record.parked.set(parked),
                }
                if self.must_unwind(&record) {
                    self.discard(&record);
                    self.finish(&record, End::Cancelled);
                } else {
                    self.emit_suspended(&record);
                }
            }
        }
        let last = self.current_task.take();
        current_poll::end();
        drop(last);
    }

    /// Drops a task's body: its future where it is parked, or an outcome that no join will take.
    pub(super) fn discard(&self, record: &Record) {
        self.drop_for(record, || drop(record.body.take()));
    }

    fn crash(&self, record: &Record, payload: Payload) {
        self.report_panic(record, payload.as_ref(), "panicked");
        if let Some(mut body) = record.body.take() {
            self.drop_for(record, || body.as_mut().crash(payload));
            record.body.set(Some(body));
        }
        self.finish(record, End::Panicked);
    }
}

/// All that is known of a poll while it is going on.
pub(super) struct PollInProgress {
    task: Option<Rc<Record>>,
    rest: current_poll::SetAside,
    region: Option<Region>,
    published_region: Option<Region>,
}

/// The parts of a poll. The loop uses them for the tasks it polls, and `traps` for tasks whose futures live inside other
/// tasks.
impl State {
    /// Rule 4 of the [cancel tree](crate::kernel::cancel_tree): whether the kernel has to drop this task now.
    pub(crate) fn must_unwind(&self, record: &Record) -> bool {
        record.cancel_requested.get() && !self.anything_alive_in(record)
    }

    pub(super) fn anything_alive_in(&self, record: &Record) -> bool {
        record.root.get().is_some_and(|root| self.cancel_tree.borrow().anything_alive_below(root))
    }

    /// Whether it waits: it has been polled, and nothing has woken it since.
    pub(crate) fn is_parked(&self, record: &Record) -> bool {
        let state = record.parked.get().state();
        !matches!(state, TaskState::Ready | TaskState::Running) && !run_queue::is_queued(self.id, record.slot)
    }

    pub(crate) fn stops_where_parked(&self, record: &Record) -> bool {
        record.stops_where_parked.get() && !self.anything_alive_in(record)
    }

    /// Makes a task the current one. Returns the one that was.
    // For each poll: as a call it takes 14 more of the 321 instructions of a `yield`.
    #[inline(always)]
    pub(crate) fn make_current(&self, record: &Rc<Record>, woken_by: Option<TaskId>) -> Option<Rc<Record>> {
        record.cycles.set(record.cycles.get() + 1);
        record.woken_by.set(woken_by);
        let at = record.parked.get().at;
        record.parked.set(Parked::new(TaskState::Running, at, Resource::Nothing));
        current_poll::begin(record.host(), record.root.get(), BUDGET);
        run_queue::set_running(Some(record.id));
        self.emit_running(record);
        self.current_task.replace(Some(Rc::clone(record)))
    }

    /// Sets the poll in progress aside, if there is one, so that another task can be polled.
    pub(super) fn set_aside(&self) -> PollInProgress {
        PollInProgress {
            task: self.current_task.take(),
            rest: current_poll::set_aside(),
            region: self.regions.current.take(),
            published_region: self.regions.published.take(),
        }
    }

    pub(super) fn put_back(&self, poll: PollInProgress) {
        self.current_task.replace(poll.task);
        current_poll::put_back(&poll.rest);
        self.regions.current.set(poll.region);
        self.regions.published.set(poll.published_region);
    }

    /// It was polled and waits: records for what.
    pub(crate) fn suspend(&self, record: &Record) {
        record.parked.set(current_poll::published());
        self.emit_suspended(record);
    }

    pub(crate) fn report_panic(&self, record: &Record, payload: &(dyn Any + Send), what: &str) {
        self.reports.say(&format!("{record} {what}: {}", panic_message(payload)));
    }

    /// Drops something that a task owns. Destructors may run any code; one that panics is reported.
    fn drop_for(&self, record: &Record, drop_it: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(drop_it)) {
            self.report_panic(record, payload.as_ref(), "panicked while it was dropped");
        }
    }

    /// Calls wakers from inside the kernel's loop, which goes on whatever they do.
    pub(super) fn wake_all(&self, wakers: impl IntoIterator<Item = Waker>) {
        if let Err(payload) = waker::wake_all(wakers) {
            self.reports.say(&format!("a waker panicked: {}", panic_message(payload.as_ref())));
        }
    }

    /// Runs something that calls wakers. They are foreign code: one that panics is reported.
    pub(super) fn catch_wakers(&self, call: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
            self.reports.say(&format!("a waker panicked: {}", panic_message(payload.as_ref())));
        }
    }

    /// The task has ended and its future is gone: frees its slot and wakes the tasks that wait for it.
    pub(crate) fn finish(&self, record: &Record, end: End) {
        record.end.set(Some(end));
        let state = match end {
            End::Cancelled => TaskState::Cancelled,
            End::Returned | End::Panicked => TaskState::Terminated,
        };
        record.parked.set(Parked::in_state(state));
        self.emit_suspended(record);
        self.emit(Some(record), EventKind::Terminated);
        let root = record.root.take().and_then(|root| self.cancel_tree.borrow_mut().remove(root));
        self.tasks.borrow_mut().remove(record.slot);
        drop(root);
        self.drop_for(record, || drop(record.locals.take()));
        if record.handle_dropped.get() || record.nested.get() {
            self.discard(record);
        }
        if record.is_awaited() {
            self.wake_all(record.take_join_wakers());
        }
        let lost = end == End::Returned || self.shutting_down.get() && end == End::Cancelled;
        if lost && record.handle_dropped.get() && !record.attended.get() {
            self.reports.never_joined(record);
        }
    }
}
