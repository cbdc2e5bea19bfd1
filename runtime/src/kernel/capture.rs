//! Asking a parked task what it waits for: it is polled once more, and each of its traps takes a note.
//!
//! A future may be polled at any time. One that waits in traps of ours returns `Pending` again and changes nothing: it keeps
//! its place in every queue, its timers and its wakers. What a poll changes in the kernel's own books (how often the task was
//! polled, what woke it, its place on the run queue) is put back, and activations are not told.
//!
//! A future of another crate that can go on does so, as in any other poll. Then that is what it was: from the first event on
//! that comes of it, all is told, the beginning of the poll included, and nothing is put back.
//!
//! The future of a scope's child lives inside of the task around it; so that one is polled, with the child marked as ready.

use super::run::Main;
use crate::debug::{AsyncStack, AsyncWait, Frame};
use crate::kernel::captured::{Answer, CapturedWait};
use crate::kernel::run_queue;
use crate::kernel::state::State;
use crate::kernel::task_record::Record;
use crate::task::info::TaskId;
use crate::traps::BUDGET;
use std::rc::Rc;

impl State {
    /// The async stack of a live task. `main` if the loop has it at hand.
    pub(crate) fn async_stack(&self, id: TaskId, main: Option<&mut Main<'_>>) -> Option<AsyncStack> {
        let wait = |wait: CapturedWait| AsyncWait {
            frames: wait.backtrace.map(|trace| Frame::of(&trace.to_string())).unwrap_or_default(),
            state: wait.parked.state(),
            location: wait.parked.at,
            region: wait.region,
        };
        Some(AsyncStack { task: id, waits: self.waits_of(id, main, true)?.into_iter().map(wait).collect() })
    }

    /// What a live task waits for: at least one wait. One that is ready, or is being polled, is not asked: its state is the
    /// answer. `None` if it has ended, which it may do when it is asked.
    pub(crate) fn waits_of(
        &self,
        id: TaskId,
        main: Option<&mut Main<'_>>,
        backtraces: bool,
    ) -> Option<Vec<CapturedWait>> {
        let task = self.tasks.borrow().find(id).cloned()?;
        let (mut waits, region) = if self.may_be_asked(&task, main.is_some()) {
            let answer = self.ask(&task, main, backtraces);
            (answer.waits, answer.region)
        } else {
            (Vec::new(), self.regions.of(id).filter(|_| self.watched.get()))
        };
        if task.end.get().is_some() {
            return None;
        }
        // In a future of another crate no trap takes a note.
        let parked = task.parked.get();
        if waits.is_empty() || parked.is_foreign() && !waits.iter().any(|wait| wait.parked.is_foreign()) {
            let (limit, about, backtrace) = (None, None, None);
            waits.push(CapturedWait { task: id, parked, region, limit, about, backtrace });
        }
        Some(waits)
    }

    fn may_be_asked(&self, record: &Record, has_main: bool) -> bool {
        let host = record.host();
        let tasks = self.tasks.borrow();
        let lives = |slot| tasks.get(slot).is_some_and(|task| task.end.get().is_none());
        let is_free = |slot| lives(slot) && !tasks.is_being_polled(slot);
        self.is_parked(record)
            && !run_queue::is_queued(self.id, host.slot)
            && is_free(record.slot)
            && is_free(host.slot)
            // Its future is in the hands of `run`.
            && (has_main || !tasks.get(host.slot).is_some_and(|host| host.is_main))
            // By a future that is asked itself, or while every task is polled to find a deadlock.
            && !self.captured.is_on()
    }

    fn ask(&self, task: &Rc<Record>, main: Option<&mut Main<'_>>, backtraces: bool) -> Answer {
        self.emit_wakes();
        let poll_in_progress = self.set_aside();
        let queue = run_queue::set_aside();
        let watched = self.set_watched(true);
        self.captured.begin_asking(task, backtraces, self.traces_of_waits(BUDGET));
        let mut slot = task.slot;
        // From a child to the task around it, and on to the outermost.
        while let Some(around) = self.pass_on(slot) {
            slot = around;
        }
        self.run_task(slot, None, main);
        let mut answer = self.captured.end_asking();
        let asked = answer.put_back();
        self.set_watched(watched);
        run_queue::put_back(queue);
        self.put_back(poll_in_progress);
        drop(asked);
        answer
    }

    fn pass_on(&self, slot: u32) -> Option<u32> {
        let task = self.tasks.borrow().get(slot).cloned()?;
        run_queue::set_running(Some(task.id));
        if !task.nested.get() || !task.pass_on(task.woken_by.get()) {
            return None;
        }
        let around = run_queue::take_back_wake()?;
        let task = self.tasks.borrow().get(around).cloned()?;
        self.captured.ask(&task);
        Some(around)
    }
}
