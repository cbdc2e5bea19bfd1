//! Why a task does not go on.

use crate::task::info::TaskId;
use std::fmt;

/// What a task waits for, followed from task to task to the world outside: it waits for a lock, which a task holds, which
/// waits for a socket. Made by [`why`](super::why()).
///
/// Displays as a line for each wait, further in than the wait that it is the cause of:
///
/// ```text
/// task 4 `report` waits: TASK_JOIN at src/main.rs:20:19, for task 3
///   task 3 `fetch` waits: READ_WAIT at src/main.rs:9:30, socket 127.0.0.1:80 (from 127.0.0.1:4612, fd 9), read, since 2.1s, time limit in 2.9s
///     that is outside of this program: a peer, another process or the operating system has to act
/// ```
///
/// A task that polls several futures at once, in `join!` for example, has a line for each of its waits, and what comes of it.
#[derive(Clone, Debug)]
pub struct Why {
    pub(crate) steps: Vec<WhyStep>,
}

/// One wait of one task of a chain of causes, which is made by [`why`](super::why()).
#[derive(Clone, Debug)]
pub struct WhyStep {
    pub(crate) task: TaskId,
    pub(crate) depth: usize,
    pub(crate) text: String,
    pub(crate) end: Option<String>,
}

impl Why {
    /// The waits, in the order of the lines. Each is followed by those of the task that it waits for.
    pub fn steps(&self) -> &[WhyStep] {
        &self.steps
    }

    /// What the last wait is for, where the chain ends.
    pub fn end(&self) -> &str {
        self.steps.last().and_then(WhyStep::end).unwrap_or_default()
    }
}

impl WhyStep {
    /// The task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// How many tasks wait for this one in the chain that leads here.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// What it waits for, where, and since when, as far as that is known.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What has to happen, if no task is known that it waits for; `None` if the next step has that task. Says so if the chain
    /// comes round to a task that is part of it already: that is a deadlock.
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            let line = if number == 0 { "" } else { "\n" };
            write!(f, "{line}{:1$}{2}", "", 2 * step.depth, step.text)?;
            if let Some(end) = &step.end {
                write!(f, "\n{:1$}{2}", "", 2 * step.depth + 2, end)?;
            }
        }
        Ok(())
    }
}
