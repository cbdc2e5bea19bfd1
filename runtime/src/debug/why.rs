//! Why a task does not go on.

use crate::task::info::TaskId;
use std::fmt;

/// The chain of causes for which a task waits, from the task itself to the world outside: it waits for a lock, which a task
/// holds, which waits for a socket. Made by [`why`](super::why()).
///
/// Displays as a line for each task and a last one for what is outside.
#[derive(Clone, Debug)]
pub struct Why {
    pub(crate) steps: Vec<WhyStep>,
    pub(crate) end: String,
}

/// One task of a chain of causes.
#[derive(Clone, Debug)]
pub struct WhyStep {
    pub(crate) task: TaskId,
    pub(crate) text: String,
}

impl Why {
    /// The tasks, each of which waits for the next.
    pub fn steps(&self) -> &[WhyStep] {
        &self.steps
    }

    /// What the last one waits for.
    pub fn end(&self) -> &str {
        &self.end
    }
}

impl WhyStep {
    /// The task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// What it waits for, where, and since when, as far as that is known.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:1$}{2}", "", 2 * depth, step.text)?;
        }
        write!(f, "{:1$}{2}", "", 2 * self.steps.len(), self.end)
    }
}
