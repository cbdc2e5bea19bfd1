//! Why a task does not go on: what each task waits for, followed from task to task to the world outside.
//!
//! A lock names the task that holds it, a join the task that is joined. Where a wait does not say which task could end it (an
//! event, a queue, a future of another crate) the chain ends, and says that. A task with several waits has a chain for each.

use super::run::Main;
use crate::debug::{Why, WhyStep};
use crate::kernel::captured::CapturedWait;
use crate::kernel::run_queue;
use crate::kernel::state::State;
use crate::kernel::task_record::{Record, Resource};
use crate::task::info::{TaskId, TaskState};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::rc::Rc;

/// A wait that is to be followed.
struct Open {
    task: Rc<Record>,
    depth: usize,
    wait: CapturedWait,
    /// It is not all that the task waits for, or has a time limit.
    may_end_otherwise: bool,
}

impl State {
    /// For a live task.
    pub(crate) fn why(&self, id: TaskId, mut main: Option<&mut Main<'_>>) -> Option<Why> {
        let mut steps = Vec::new();
        // The tasks that wait for one another on the way to this one, and all that were asked.
        let (mut path, mut asked) = (Vec::<(TaskId, bool)>::new(), BTreeSet::from([id]));
        // In the order of a stack: the next one is the last.
        let mut open = self.open_waits(id, 0, main.as_deref_mut())?;
        while let Some(Open { task, depth, wait, may_end_otherwise }) = open.pop() {
            let id = task.id;
            path.truncate(depth);
            path.push((id, may_end_otherwise));
            let mut end = None;
            match wait.awaited_task().filter(|_| !self.is_ready(&task)) {
                None => end = Some(self.end_of(&task, &wait)),
                Some(next) if path.iter().any(|(id, _)| *id == next) => end = Some(circle(next, &path)),
                Some(next) if !asked.insert(next) => end = Some(format!("task {next}: see above")),
                Some(next) => match self.open_waits(next, depth + 1, main.as_deref_mut()) {
                    Some(waits) => open.extend(waits),
                    None if matches!(wait.parked.resource(), Resource::HeldBy(..)) => {
                        end = Some(format!("task {next} has ended, but its guard still exists"));
                    }
                    None => end = Some(format!("task {next} has ended")),
                },
            }
            steps.push(WhyStep { task: id, depth, text: self.describe_step(&task, &wait), end });
        }
        Some(Why { steps })
    }

    fn open_waits(&self, id: TaskId, depth: usize, main: Option<&mut Main<'_>>) -> Option<Vec<Open>> {
        let task = self.tasks.borrow().find(id).cloned()?;
        let waits = self.waits_of(id, main, false)?;
        let several = waits.len() > 1;
        let open = |wait: CapturedWait| {
            let may_end_otherwise = several || wait.limit.is_some();
            Open { task: Rc::clone(&task), depth, wait, may_end_otherwise }
        };
        Some(waits.into_iter().rev().map(open).collect())
    }

    fn describe_step(&self, record: &Record, wait: &CapturedWait) -> String {
        let now = self.clock.now();
        let name = format!("task {} `{}`", record.id, record.name().as_str());
        match wait.parked.state() {
            TaskState::Running => return format!("{name} is being polled"),
            _ if self.is_ready(record) => return format!("{name} is ready, and waits for its turn"),
            _ => {}
        }
        let mut text = format!("{name} waits: {}", wait.parked.describe(now));
        if let Some(about) = &wait.about {
            let _ = write!(text, ", {about}");
        }
        if let Some(region) = &wait.region {
            let _ = write!(text, ", in {region}");
        }
        if let Some(since) = self.regions.since(record.id).filter(|_| self.watched.get()) {
            let _ = write!(text, ", since {:.1?}", now.saturating_duration_since(since));
        }
        if let Some(limit) = wait.limit {
            let _ = write!(text, ", time limit in {:.1?}", limit.saturating_duration_since(now));
        }
        text
    }

    /// What has to happen, where no task is known that could make it happen.
    fn end_of(&self, record: &Record, wait: &CapturedWait) -> String {
        if self.is_ready(record) {
            format!("{} tasks are ready", run_queue::len())
        } else {
            wait.what_ends_it()
        }
    }

    fn is_ready(&self, record: &Record) -> bool {
        record.parked.get().state() == TaskState::Ready || run_queue::is_queued(self.id, record.slot)
    }
}

/// The last task of `path` waits for one that is part of it.
fn circle(task: TaskId, path: &[(TaskId, bool)]) -> String {
    let exception = match path
        .iter()
        .skip_while(|(id, _)| *id != task)
        .any(|(_, may_end_otherwise)| *may_end_otherwise)
    {
        true => ", unless a time limit passes or another wait of theirs ends",
        false => "",
    };
    format!("which is task {task} again: a deadlock{exception}")
}
