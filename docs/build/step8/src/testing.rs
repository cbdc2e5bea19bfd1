//! Tests of async programs, with virtual time.

use crate::clock::Clock;
use crate::kernel::Kernel;
use std::cell::Cell;
use std::time::Instant;

/// Runs a test on a virtual clock: the same kernel, but time passes only when no task can run, and then at once.
///
/// # Panics
/// As [`run`](crate::run).
pub fn run<F: Future<Output: 'static> + 'static>(main: F) -> F::Output {
    Kernel::new(Clock::Virtual(Cell::new(Instant::now()))).run(main)
}
