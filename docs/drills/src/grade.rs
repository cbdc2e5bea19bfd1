//! Running the checks of a drill.
//!
//! Each check is a program of a few tasks. It is run under many orders of the ready tasks with `curio::testing::first_failure`, on
//! a virtual clock; tasks, timers and sockets that are left at the end are a failure, too. The first order that fails is run
//! again with a trace, and with a timeline if a picture is wanted. The same seed gives the same order.

use crate::drill::{Check, Drill};
use crate::failure::{Failure, Quote};
use crate::recording::Recording;
use crate::watchdog;
use curio::KernelBuilder;
use curio::debug::Timeline;
use curio::testing::first_failure;
use std::cell::Cell;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How many orders of the ready tasks each check is run with.
const ORDERS: u64 = 60;

/// A program that needs more polls than this does not end. The largest check needs about 200.
const MOST_POLLS: u64 = 20_000;

/// Which orders of the ready tasks are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    /// Those of the seeds 0 to 59; or of `CURIO_SEED`, if it is set.
    Many,
    /// That of one seed.
    Seed(u64),
}

/// Runs the checks one after the other.
///
/// # Errors
/// The first failure.
pub fn grade(drill: &Drill, checks: &[Check], orders: Orders) -> Result<(), Box<Failure>> {
    let mut met = Vec::new();
    for check in checks {
        if let Some(seed) = try_orders(check, orders) {
            return Err(Box::new(Failure { met, ..run_again(drill, check, seed) }));
        }
        met.push(check.requirement);
    }
    Ok(())
}

/// Runs the order of a failure once more, and draws it into a file that ends in `.html`, `.svg` or `.json`.
///
/// # Errors
/// If the file cannot be written, or has another ending.
pub fn picture(checks: &[Check], failure: &Failure, file: &Path) -> io::Result<()> {
    let Some(check) = checks.iter().find(|check| check.requirement == failure.requirement) else {
        return Err(io::Error::other("the failure is not one of these checks"));
    };
    let timeline = Cell::new(Some(Timeline::to_file(file)?));
    let (recording, _current) = Recording::begin();
    let settings = |kernel: KernelBuilder| match timeline.take() {
        Some(timeline) => bounded(kernel).activation(timeline),
        None => bounded(kernel),
    };
    first_failure([failure.seed], settings, || program(check, &recording));
    Ok(())
}

/// The seed of the first order that fails.
fn try_orders(check: &Check, orders: Orders) -> Option<u64> {
    let (recording, _current) = Recording::begin();
    let seeds = match orders {
        Orders::Many => 0..ORDERS,
        Orders::Seed(seed) => seed..seed.saturating_add(1),
    };
    let seeds = seeds.inspect(|seed| watchdog::begins(check.requirement, *seed));
    first_failure(seeds, bounded, || program(check, &recording)).map(|failure| failure.seed())
}

fn run_again(drill: &Drill, check: &Check, seed: u64) -> Failure {
    let (recording, _current) = Recording::begin();
    let settings = |kernel| bounded(kernel).activation(recording.trace());
    let failure = first_failure([seed], settings, || program(check, &recording));
    let (what, at) = match (recording.first_panic(), failure) {
        (_, None) => (
            "It failed in this order of the tasks, and not when the same order was run again: what it does depends on \
             something else than that, such as a static, the time, or the order of a HashMap."
                .to_owned(),
            None,
        ),
        (Some(panic), _) if panic.file.ends_with("runtime/src/testing.rs") => (panic.message, None),
        (Some(panic), _) => (panic.message, Some((panic.file, panic.line))),
        (None, Some(failure)) => (failure.message().to_owned(), None),
    };
    Failure {
        drill: drill.number,
        met: Vec::new(),
        requirement: check.requirement,
        seed,
        what,
        quote: Quote::of(drill, check),
        at,
        trace: recording.lines(),
        dropped: recording.dropped(),
    }
}

/// The settings of every run. Reports of the kernel, such as of a task that panicked, are not printed: the run fails by that.
fn bounded(kernel: KernelBuilder) -> KernelBuilder {
    kernel.other_threads(false).most_polls(MOST_POLLS).shutdown_grace(Duration::ZERO).on_report(|_| ())
}

/// The program of a check. It fails too if a task has panicked and no task was told.
async fn program(check: &Check, recording: &Recording) {
    (check.program)().await;
    assert!(recording.first_panic().is_none(), "a task has panicked, and no task has joined it");
}
