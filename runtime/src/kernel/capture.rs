//! Asking a parked task what it waits for: it is polled once more, and each of its traps takes a note.
//!
//! A future may be polled at any time. One that waits in traps of ours returns `Pending` again and changes nothing: it keeps
//! its place in every queue, its timers and its wakers. What a poll changes in the kernel's own books (how often the task was
//! polled, what woke it, its place on the run queue) is put back, and activations are not told. A future of another crate
//! that can go on does so, as in any other poll, and then it is told.
//!
//! The future of a scope's child lives inside of the task around it; so that one is polled, with the child marked as ready.

use super::run::Main;
use crate::debug::{AsyncStack, AsyncWait, Frame};
use crate::kernel::captured::CapturedWait;
use crate::kernel::run_queue;
use crate::kernel::state::State;
use crate::kernel::task_record::Runnable;
use crate::task::info::TaskId;
use std::rc::Rc;

impl State {
    /// The async stack of a live task. `main` if the loop has it at hand.
    pub(crate) fn async_stack(&self, id: TaskId, main: Option<&mut Main<'_>>) -> Option<AsyncStack> {
        let wait = |wait: CapturedWait| AsyncWait {
            frames: wait.backtrace.map(|trace| Frame::of(&trace.to_string())).unwrap_or_default(),
            state: wait.parked.state,
            location: wait.parked.at,
            region: wait.region,
        };
        Some(AsyncStack { task: id, waits: self.waits_of(id, main, true)?.into_iter().map(wait).collect() })
    }

    /// What a live task waits for. One that is ready, or is being polled, is not asked: its state is the answer.
    pub(crate) fn waits_of(
        &self,
        id: TaskId,
        main: Option<&mut Main<'_>>,
        backtraces: bool,
    ) -> Option<Vec<CapturedWait>> {
        let task = self.tasks.borrow().find(id).cloned()?;
        let mut waits = if self.may_be_asked(&task, main.is_some()) {
            self.ask(&task, main, backtraces)
        } else {
            Vec::new()
        };
        // In a future of another crate no trap takes a note.
        let parked = task.record().parked.get();
        if waits.is_empty() || parked.is_foreign() && !waits.iter().any(|wait| wait.parked.is_foreign()) {
            let region = self.regions.of(id);
            let (limit, about, backtrace) = (None, None, None);
            waits.push(CapturedWait { task: id, parked, region, limit, about, backtrace });
        }
        Some(waits)
    }

    fn may_be_asked(&self, task: &Rc<dyn Runnable>, has_main: bool) -> bool {
        let record = task.record();
        let host = record.host_or_self();
        let tasks = self.tasks.borrow();
        let is_free = |slot| tasks.get(slot).is_some() && !tasks.is_being_polled(slot);
        self.is_parked(record)
            && !run_queue::is_queued(self.id, host.slot)
            && is_free(record.slot)
            && is_free(host.slot)
            // Its future is in the hands of `run`.
            && (has_main || !self.tasks.borrow().get(host.slot).is_some_and(|host| host.is_main()))
    }

    fn ask(
        &self,
        task: &Rc<dyn Runnable>,
        main: Option<&mut Main<'_>>,
        backtraces: bool,
    ) -> Vec<CapturedWait> {
        let poll_in_progress = self.set_aside();
        let queue = run_queue::set_aside();
        self.watch();
        self.activations.mute();
        self.captured.begin(Some(task.record().id), backtraces);
        let mut asked = vec![Books::of(task)];
        let mut slot = task.record().slot;
        // From a child to the task around it, which is then the only one on the queue.
        while self.pass_on(slot) {
            let Some((next, _)) = run_queue::pop() else { break };
            asked.extend(self.tasks.borrow().get(next).map(Books::of));
            slot = next;
        }
        self.run_task(slot, None, main);
        let waits = self.captured.end();
        self.activations.unmute();
        asked.into_iter().for_each(Books::put_back);
        self.end_watch();
        let woken = run_queue::put_back(queue);
        // Futures of other crates went on, and woke these.
        woken.into_iter().for_each(run_queue::push);
        self.put_back(poll_in_progress);
        waits
    }

    fn pass_on(&self, slot: u32) -> bool {
        let task = self.tasks.borrow().get(slot).cloned();
        task.is_some_and(|task| {
            run_queue::set_running(Some(task.record().id));
            task.record().nested.get() && task.pass_on(task.record().woken_by.get())
        })
    }
}

/// What is noted about the polls of a task.
struct Books {
    task: Rc<dyn Runnable>,
    cycles: u64,
    woken_by: Option<TaskId>,
}

impl Books {
    fn of(task: &Rc<dyn Runnable>) -> Books {
        let record = task.record();
        Books { cycles: record.cycles.get(), woken_by: record.woken_by.get(), task: Rc::clone(task) }
    }

    fn put_back(self) {
        let record = self.task.record();
        record.cycles.set(self.cycles);
        record.woken_by.set(self.woken_by);
    }
}
