//! What the monitor asks a kernel, and how the answer gets back.
//!
//! A question is posted to the kernel's [inbox](crate::kernel::inbox) and answered between two polls, on the kernel's thread,
//! which never waits for the monitor.

use crate::task::info::TaskId;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// What only the kernel itself can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inquiry {
    Tasks,
    Where(TaskId),
    Why(TaskId),
    Locks,
    Sockets,
    Counts,
    Cancel(TaskId),
}

/// An inquiry on its way to a kernel.
pub(crate) struct Question {
    pub(crate) inquiry: Inquiry,
    answer: SyncSender<String>,
}

impl Question {
    pub(super) fn new(inquiry: Inquiry) -> (Question, Answer) {
        let (answer, receiver) = sync_channel(1);
        (Question { inquiry, answer }, Answer(receiver))
    }

    /// To be called once. Nothing happens if the monitor no longer waits.
    pub(crate) fn answer(&self, text: String) {
        let _ = self.answer.try_send(text);
    }
}

/// The answer to a question, once it comes.
pub(super) struct Answer(Receiver<String>);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The kernel is busy: one of its tasks does not return.
    Late,
    /// The kernel has ended.
    Gone,
}

impl Answer {
    pub(super) fn wait(&self, patience: Duration) -> Result<String, NoAnswer> {
        self.0.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoAnswer::Late,
            RecvTimeoutError::Disconnected => NoAnswer::Gone,
        })
    }
}
