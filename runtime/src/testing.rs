//! Tests of async programs, with virtual time and reproducible schedules.
//!
//! [`run`] runs one program on a virtual clock and fails if it leaves anything behind. [`explore`] runs it many times, each
//! time with the ready tasks in another order, and names the seed of the first order that fails; with that seed in
//! `CURIO_SEED` the same schedule runs again, for example in a debugger. [`first_failure`] does the same for a program that wants
//! to know of the failure instead of ending with it. All use the same kernel as a program does.

use crate::kernel::{Kernel, KernelBuilder, seed_from_environment};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a test: on a virtual clock, in the order that `CURIO_SEED` gives if it is set.
///
/// # Panics
/// With the program's own panic. If tasks, timers or sockets are left when it ends.
///
/// ```
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let start = curio::clock();
///     let naps = [1, 2, 3, 4].map(|n| curio::spawn(curio::sleep(Duration::from_secs(n))));
///     for nap in naps {
///         nap.join().await.unwrap();
///     }
///     assert_eq!(curio::clock() - start, Duration::from_secs(4));
/// });
/// ```
#[track_caller]
pub fn run<F: IntoFuture>(fut: F) -> F::Output {
    run_with(Kernel::builder(), fut)
}

/// Runs a program once for each seed from 0 to `n` − 1, or only for `CURIO_SEED` if that is set.
///
/// # Panics
/// When a run fails, in any of the ways of [`run`]: the message names the seed, how to run that one again, and
/// what failed.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// // One task reads, awaits and writes; in some orders it overwrites what the other wrote in between.
/// async fn lost_update() {
///     let total = Rc::new(Cell::new(0));
///     let (slow, quick) = (total.clone(), total.clone());
///     let slow = curio::spawn(async move {
///         let seen = slow.get();
///         curio::schedule().await;
///         slow.set(seen + 1);
///     });
///     let quick = curio::spawn(async move {
///         curio::schedule().await;
///         quick.set(quick.get() + 1);
///     });
///     slow.join().await.unwrap();
///     quick.join().await.unwrap();
///     assert_eq!(total.get(), 2);
/// }
/// let failed = std::panic::catch_unwind(|| curio::testing::explore(100, lost_update));
/// assert!(failed.is_err(), "one of a hundred orders shows it");
/// ```
#[track_caller]
pub fn explore<R>(n: u64, program: impl AsyncFn() -> R) {
    if let Some(seed) = seed_from_environment() {
        run_with(Kernel::builder().seed(seed), program());
        return;
    }
    if let Some(Failure { seed, message }) = first_failure(0..n, |builder| builder, program) {
        panic!("seed {seed} of {n} fails; CURIO_SEED={seed} runs it again. It said: {message}");
    }
}

/// Runs a program once for each of the seeds, or only for `CURIO_SEED` if that is set, until a run fails in any of the ways of
/// [`run`], and returns the failure. `None` if no run failed.
///
/// `settings` are applied to the kernel of each run: limits such as [`KernelBuilder::most_polls`], or activations. So to
/// see how a seed fails, run that one again with a trace or a picture. The panic itself passes through the panic hook,
/// which by default prints it.
///
/// ```
/// use curio::testing::first_failure;
///
/// // A future that says it waits, but has told no one to wake it.
/// let stuck = async || std::future::poll_fn(|_| std::task::Poll::<()>::Pending).await;
/// let failure = first_failure(0..10, |kernel| kernel.other_threads(false), stuck).unwrap();
/// assert_eq!(failure.seed(), 0);
/// assert!(failure.message().starts_with("deadlock"));
/// ```
pub fn first_failure<R>(
    seeds: impl IntoIterator<Item = u64>,
    settings: impl Fn(KernelBuilder) -> KernelBuilder,
    program: impl AsyncFn() -> R,
) -> Option<Failure> {
    let fails = |seed| {
        let run = || run_with(settings(Kernel::builder().seed(seed)), program());
        let payload = catch_unwind(AssertUnwindSafe(run)).err()?;
        Some(Failure { seed, message: crate::error::panic_message(payload.as_ref()) })
    };
    match seed_from_environment() {
        Some(seed) => fails(seed),
        None => seeds.into_iter().find_map(fails),
    }
}

/// A run that failed: see [`first_failure`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    seed: u64,
    message: String,
}

impl Failure {
    /// The seed of the order in which its tasks ran.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the panic said.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} fails: {}", self.seed, self.message)
    }
}

#[track_caller]
fn run_with<F: IntoFuture>(builder: KernelBuilder, fut: F) -> F::Output {
    let mut kernel =
        builder.virtual_clock(true).build().expect("a kernel needs an event queue of the operating system");
    let output = kernel.run(fut);
    let left = kernel.left_behind();
    drop(kernel);
    assert!(left.is_empty(), "the program ended and left behind: {}", left.join("; "));
    output
}
