//! The notes that traps take while parked tasks are asked what they wait for.

use crate::debug::Region;
use crate::kernel::run_queue;
use crate::kernel::task_record::{Parked, Record, Resource};
use crate::task::info::{TaskId, TaskState};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::time::Instant;

/// So many waits get a backtrace: the lines of each take a millisecond or more.
const MOST_STACKS: usize = 64;

/// One wait of a task.
pub(crate) struct CapturedWait {
    pub(crate) task: TaskId,
    pub(crate) parked: Parked,
    pub(crate) region: Option<Region>,
    /// When the innermost time limit around it passes.
    pub(crate) limit: Option<Instant>,
    /// What it waits for, in words.
    pub(crate) about: Option<String>,
    pub(crate) backtrace: Option<Backtrace>,
}

impl CapturedWait {
    /// The task that has to end it, if it is known which.
    pub(super) fn awaited_task(&self) -> Option<TaskId> {
        match self.parked.resource() {
            Resource::Task(id) | Resource::HeldBy(Some(id), _) => Some(id),
            _ => None,
        }
    }

    /// What would end a wait, if that is something that tasks of the program do, and no task is known that has to.
    pub(super) fn what_is_missing(&self) -> Option<String> {
        use TaskState::*;
        let by_any_task = matches!(
            self.parked.state(),
            QueueGet
                | QueuePut
                | QueueJoin
                | EventWait
                | CondWait
                | ResultWait
                | LockAcquire
                | RlockAcquire
                | SemaAcquire
        );
        (by_any_task && self.awaited_task().is_none()).then(|| self.what_ends_it())
    }

    /// What has to happen, where no task is known that could make it happen.
    pub(super) fn what_ends_it(&self) -> String {
        use TaskState::*;
        let what = match self.parked.state() {
            Running => "it has to await something first",
            TimeSleep => "the clock has to reach that time",
            ReadWait | WriteWait => {
                "that is outside of this program: a peer, another process or the operating system has to act"
            }
            ThreadWait => "the thread has to return",
            QueueGet => "a task or thread has to put something into the queue; which one is not known",
            QueuePut => "a task or thread has to take something out of the queue; which one is not known",
            QueueJoin => "every item of the queue has to be reported as done",
            EventWait => {
                "a task or thread has to set the event, or a signal to arrive; which one is not known"
            }
            CondWait => "a task or thread has to notify the condition; which one is not known",
            ResultWait => "a task or thread has to set the result; which one is not known",
            LockAcquire | RlockAcquire | SemaAcquire => {
                "a task or thread has to release it; which one is not known"
            }
            Cleanup => "the cleanup has to end",
            _ => return self.unknown(),
        };
        what.into()
    }

    fn unknown(&self) -> String {
        match self.parked.at {
            Some(at) => format!("unknown: foreign future at {at}"),
            None => "unknown: foreign future".into(),
        }
    }
}

/// A task that is asked, or inside of which one that is asked lives: how it was before.
pub(crate) struct Asked {
    task: Rc<Record>,
    cycles: u64,
    woken_by: Option<TaskId>,
    parked: Parked,
    went_on: Cell<bool>,
}

/// What may change when a task comes to another wait than before.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    pub(crate) timers_set: u64,
    pub(crate) sockets_awaited: usize,
    /// What is left of it in this poll.
    pub(crate) budget: u32,
}

#[derive(Default)]
pub(crate) struct Captured {
    on: Cell<Option<On>>,
    waits: RefCell<Vec<CapturedWait>>,
    /// The task that is asked, and those around it, outermost last.
    asked: RefCell<Vec<Asked>>,
    /// That they are polled has not been told, and is not to be if nothing comes of it.
    held_back: Cell<bool>,
    before: Cell<Traces>,
    /// The region of the wait that the asked task published.
    region: Cell<Option<Region>>,
    count: Cell<usize>,
}

#[derive(Clone, Copy)]
struct On {
    /// `None`: every task that is polled.
    task: Option<TaskId>,
    backtraces: bool,
}

/// What was found.
pub(crate) struct Answer {
    pub(crate) waits: Vec<CapturedWait>,
    /// Of the wait that the task is shown with.
    pub(crate) region: Option<Region>,
    /// The tasks that were polled for it.
    asked: Vec<Asked>,
    /// They did something, or wait for something else than before.
    went_on: bool,
}

impl Captured {
    /// Every task that is polled from now on takes notes.
    pub(crate) fn begin(&self, backtraces: bool) {
        self.on.set(Some(On { task: None, backtraces }));
    }

    pub(crate) fn end(&self) -> Vec<CapturedWait> {
        self.on.set(None);
        self.count.set(0);
        self.waits.take()
    }

    /// Only this one does, which is polled for nothing else.
    pub(crate) fn begin_asking(&self, task: &Rc<Record>, backtraces: bool, before: Traces) {
        self.before.set(before);
        self.on.set(Some(On { task: Some(task.id), backtraces }));
        self.held_back.set(true);
        self.ask(task);
    }

    /// This one is polled for it as well.
    pub(crate) fn ask(&self, task: &Rc<Record>) {
        self.asked.borrow_mut().push(Asked::of(task));
    }

    pub(crate) fn end_asking(&self) -> Answer {
        let told = !self.held_back.replace(false);
        let asked = self.asked.take();
        let went_on = told || asked.iter().any(|asked| asked.went_on.get());
        Answer { waits: self.end(), region: self.region.take(), asked, went_on }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.get().is_some()
    }

    pub(crate) fn holds_back(&self) -> bool {
        self.held_back.get()
    }

    /// The tasks whose polls were held back, outermost first; from now on they are told.
    pub(crate) fn take_held_back(&self) -> Vec<Rc<Record>> {
        self.held_back.set(false);
        self.asked.borrow().iter().rev().map(|asked| Rc::clone(&asked.task)).collect()
    }

    /// One of those that are polled has been polled.
    pub(crate) fn judge(&self, record: &Record, now: Traces) {
        let may_wait_elsewhere = now != self.before.get();
        if let Some(asked) = self.asked.borrow().iter().find(|asked| asked.is(record)) {
            asked.went_on.set(asked.has_gone_on(may_wait_elsewhere));
        }
    }

    /// It is only asked, and waits as it did before.
    pub(crate) fn waits_as_before(&self, record: &Record) -> bool {
        let asked = self.asked.borrow();
        self.held_back.get() && asked.iter().any(|asked| asked.is(record) && !asked.went_on.get())
    }

    /// In which region the wait is that `task` published last.
    pub(crate) fn note_region(&self, task: TaskId, region: Option<Region>) {
        if self.on.get().is_some_and(|on| on.task == Some(task)) {
            self.region.set(region);
        }
    }

    /// How many waits were noted so far.
    pub(crate) fn count(&self) -> usize {
        self.count.get()
    }

    /// Those that were noted after the first `before` are under a time limit, which passes at `deadline`.
    pub(crate) fn limit_after(&self, before: usize, deadline: Instant) {
        for wait in self.waits.borrow_mut().iter_mut().skip(before) {
            wait.limit = Some(wait.limit.map_or(deadline, |inner| inner.min(deadline)));
        }
    }

    /// `task` is about to wait.
    pub(crate) fn note(
        &self,
        task: TaskId,
        parked: Parked,
        region: Option<Region>,
        about: Option<&dyn Fn() -> String>,
    ) {
        let Some(on) = self.on.get().filter(|on| on.task.is_none_or(|wanted| wanted == task)) else { return };
        let may = on.backtraces && self.waits.borrow().len() < MOST_STACKS;
        let backtrace = may.then(Backtrace::force_capture);
        self.count.set(self.count.get() + 1);
        let about = about.map(|about| about()).filter(|about| !about.is_empty());
        let wait = CapturedWait { task, parked, region, limit: None, about, backtrace };
        self.waits.borrow_mut().push(wait);
    }

    /// The last waits of `task` are parts of one at `at`: those that are at lines of this crate.
    pub(crate) fn show_at(&self, task: TaskId, state: Option<TaskState>, at: &'static Location<'static>) {
        let mut waits = self.waits.borrow_mut();
        let is_part = |inner: &'static Location<'static>| inner == at || is_of_this_crate(inner);
        let is_inner = |wait: &&mut CapturedWait| wait.task == task && wait.parked.at.is_some_and(is_part);
        for wait in waits.iter_mut().rev().take_while(is_inner) {
            let inner = wait.parked;
            wait.parked = Parked::new(state.unwrap_or(inner.state()), Some(at), inner.resource());
        }
    }
}

fn is_of_this_crate(at: &Location<'_>) -> bool {
    let sources = file!().trim_end_matches(|c| c != '/' && c != '\\').trim_end_matches(['/', '\\']);
    let sources = sources.trim_end_matches("kernel");
    at.file().starts_with(sources)
}

impl Asked {
    fn of(task: &Rc<Record>) -> Asked {
        Asked {
            cycles: task.cycles.get(),
            woken_by: task.woken_by.get(),
            parked: task.parked.get(),
            task: Rc::clone(task),
            went_on: Cell::new(false),
        }
    }

    fn is(&self, record: &Record) -> bool {
        self.task.id == record.id
    }

    /// It has ended, woken a task, or waits for something else. That it shows another wait is not enough: a container of
    /// another crate may have kept its futures from being polled, and then another branch is shown.
    fn has_gone_on(&self, may_wait_elsewhere: bool) -> bool {
        let record = &self.task;
        let now = record.parked.get();
        let differs = (now.state(), now.at) != (self.parked.state(), self.parked.at) && !now.is_foreign();
        record.end.get().is_some() || run_queue::len() > 0 || differs && may_wait_elsewhere
    }
}

impl Answer {
    /// Takes back what the polls changed in the records, if nothing came of them. The tasks, to be dropped.
    pub(crate) fn put_back(&mut self) -> Vec<Asked> {
        let asked = mem::take(&mut self.asked);
        for Asked { task, cycles, woken_by, parked, .. } in asked.iter().filter(|_| !self.went_on) {
            task.cycles.set(*cycles);
            task.woken_by.set(*woken_by);
            task.parked.set(*parked);
        }
        asked
    }
}
