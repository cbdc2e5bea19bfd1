//! The order of the jobs of one file.
//!
//! Each job has a number, and waits in its thread until all jobs with smaller numbers are over. A job that is dropped
//! before a thread has begun it is over at once, but does not let later jobs pass those before it. The threads of the
//! pool take jobs in order, so the jobs that a job waits for are running or over, and never queued behind it.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The jobs of one file, which are numbered in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Jobs {
    order: Mutex<Order>,
    one_is_over: Condvar,
}

#[derive(Default)]
struct Order {
    /// The number of the next job that is asked for.
    next: u64,
    /// The first job that is not over. All before it are.
    current: u64,
    /// Jobs behind that one that are over already: they were dropped before a thread began them.
    over: BTreeSet<u64>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one job in the order of its file's jobs. Dropping it ends the job, whether it was begun or not.
pub(super) struct JobTurn {
    jobs: Arc<Jobs>,
    number: u64,
}

impl JobTurn {
    pub(super) fn new(jobs: &Arc<Jobs>) -> JobTurn {
        let mut order = jobs.lock();
        let number = order.next;
        order.next += 1;
        drop(order);
        JobTurn { jobs: Arc::clone(jobs), number }
    }

    /// Blocks until all jobs before this one are over; usually they are.
    pub(super) fn wait(&self) {
        let mut order = self.jobs.lock();
        while order.current < self.number {
            order = self.jobs.one_is_over.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for JobTurn {
    fn drop(&mut self) {
        let mut order = self.jobs.lock();
        order.over.insert(self.number);
        let mut current = order.current;
        while order.over.remove(&current) {
            current += 1;
        }
        order.current = current;
        drop(order);
        self.jobs.one_is_over.notify_all();
    }
}
