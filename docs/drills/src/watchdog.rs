//! What ends a program that no longer returns to the kernel.
//!
//! A task that waits for ever is a deadlock, which the kernel finds; one that is polled for ever uses up the limit of polls. But a
//! loop without an await keeps its poll, and the thread with it. No other code can end that thread, only the process. So this
//! is the one place where real time counts.

use crate::drill::{Check, Drill};
use crate::failure::Failure;
use crate::grade::{Orders, grade};
use std::process::exit;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The run in progress.
#[derive(Clone, Copy, PartialEq, Eq)]
struct InProgress {
    number: u64,
    requirement: &'static str,
    seed: u64,
}

static IN_PROGRESS: Mutex<InProgress> = Mutex::new(InProgress { number: 0, requirement: "", seed: 0 });

fn in_progress() -> MutexGuard<'static, InProgress> {
    IN_PROGRESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run begins.
pub(crate) fn begins(requirement: &'static str, seed: u64) {
    let mut run = in_progress();
    *run = InProgress { number: run.number + 1, requirement, seed };
}

/// [`grade`] for a program: in a thread of its own. If a single run takes longer than `patience`, which is a hundred thousand
/// times what it needs, this says so and ends the process with status 1.
///
/// # Errors
/// As [`grade`].
pub fn grade_or_exit(
    drill: &'static Drill,
    checks: fn() -> Vec<Check>,
    orders: Orders,
    patience: Duration,
) -> Result<(), Box<Failure>> {
    let (done, result) = mpsc::channel();
    let grading = thread::spawn(move || done.send(grade(drill, &checks(), orders)));
    let mut seen = *in_progress();
    loop {
        match result.recv_timeout(patience) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => {
                let _ = grading.join();
                println!("The grader itself has panicked: that is a mistake in it, not in your solution.");
                exit(1);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = *in_progress();
        if now == seen && now.number > 0 {
            println!(
                "NOT MET: {}\n\nA task has not returned from its poll for {} seconds: it is in a loop without an await, or \
                 blocks its thread. While it does, no other task can run. That was with seed {}.",
                now.requirement,
                patience.as_secs(),
                now.seed
            );
            exit(1);
        }
        seen = now;
    }
}
