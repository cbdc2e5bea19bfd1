//! Why a task does not go on: the chain of what each task waits for, followed to the world outside.
//!
//! A lock names the task that holds it, a join the task that is joined. Where a wait does not say which task could end it (an
//! event, a queue, a future of another crate) the chain ends, and says that.

use super::run::Main;
use crate::debug::{Why, WhyStep};
use crate::kernel::captured::CapturedWait;
use crate::kernel::run_queue;
use crate::kernel::state::State;
use crate::kernel::task_record::{Record, Resource};
use crate::task::info::{TaskId, TaskState};
use std::fmt::Write;

impl State {
    /// For a live task.
    pub(crate) fn why(&self, id: TaskId, mut main: Option<&mut Main<'_>>) -> Option<Why> {
        self.tasks.borrow().find(id)?;
        let mut steps: Vec<WhyStep> = Vec::new();
        let mut next = id;
        loop {
            if steps.iter().any(|step| step.task == next) {
                return Some(Why { steps, end: format!("which is task {next} again: a deadlock") });
            }
            let found = self.tasks.borrow().find(next).cloned();
            let Some(task) = found else {
                return Some(Why { steps, end: format!("task {next} has ended") });
            };
            let record = task.record();
            let waits = self.waits_of(next, main.as_deref_mut(), false)?;
            let (wait, others) = waits.split_last()?;
            let text = self.describe_step(record, wait, others);
            steps.push(WhyStep { task: next, text });
            let is_ready = run_queue::is_queued(self.id, record.slot);
            match wait.parked.resource {
                _ if is_ready => {
                    return Some(Why { steps, end: format!("{} tasks are ready", run_queue::len()) });
                }
                Resource::Task(id) | Resource::HeldBy(Some(id), _) => next = id,
                _ => return Some(Why { steps, end: end_of(wait) }),
            }
        }
    }

    fn describe_step(&self, record: &Record, wait: &CapturedWait, others: &[CapturedWait]) -> String {
        let now = self.clock.now();
        let name = format!("task {} `{}`", record.id, record.name.as_str());
        if run_queue::is_queued(self.id, record.slot) {
            return format!("{name} is ready, and waits for its turn");
        }
        let mut text = format!("{name} waits: {}", wait.parked.describe(now));
        if let Some(about) = &wait.about {
            let _ = write!(text, ", {about}");
        }
        if let Some(region) = &wait.region {
            let _ = write!(text, ", in {region}");
        }
        if let Some(since) = self.regions.since(record.id) {
            let _ = write!(text, ", since {:.1?}", now.saturating_duration_since(since));
        }
        if let Some(limit) = wait.limit {
            let _ = write!(text, ", time limit in {:.1?}", limit.saturating_duration_since(now));
        }
        for other in others {
            let _ = write!(text, "; also {}", other.parked.describe(now));
        }
        text
    }
}

/// What would have to happen, where no task is known that could make it happen.
fn end_of(wait: &CapturedWait) -> String {
    use TaskState::*;
    let what = match wait.parked.state {
        Running => "it is being polled",
        TimeSleep => "the clock has to reach that time",
        ReadWait => "the other side of the socket has to send something, or to close it",
        WriteWait => "the other side of the socket has to read, or the connection to be made",
        ThreadWait => "the thread has to return",
        QueueGet => "a task or thread has to put something into the queue; which, is not known",
        QueuePut => "a task or thread has to take something out of the queue; which, is not known",
        QueueJoin => "every item of the queue has to be reported as done",
        EventWait => "a task or thread has to set the event, or a signal to arrive; which, is not known",
        CondWait => "a task or thread has to notify the condition; which, is not known",
        ResultWait => "a task or thread has to set the result; which, is not known",
        LockAcquire | RlockAcquire | SemaAcquire => "a task or thread has to release it; which, is not known",
        Cleanup => "the cleanup has to end",
        _ => return unknown(wait),
    };
    what.into()
}

fn unknown(wait: &CapturedWait) -> String {
    match wait.parked.at {
        Some(at) => format!("unknown: a foreign future at {at}"),
        None => "unknown: a foreign future".into(),
    }
}
