//! What the kernel's thread and the monitor's share.

use super::question::Question;
use super::table::Table;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Brings a question to the kernel.
pub(crate) type Post = Box<dyn Fn(Question) + Send + Sync>;

pub(super) struct Shared {
    table: Mutex<Table>,
    post: Post,
    ended: AtomicBool,
    /// The name of the program.
    pub(super) program: String,
}

impl Shared {
    pub(super) fn new(post: Post, program: String) -> Shared {
        Shared { table: Mutex::default(), post, ended: AtomicBool::new(false), program }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn post(&self, question: Question) {
        (self.post)(question);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}
