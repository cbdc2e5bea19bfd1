//! Tests of async programs, with virtual time and reproducible schedules.
//!
//! [`run`] runs one program on a virtual clock and fails if it leaves anything behind. [`explore`] runs it many times, each
//! time with the ready tasks in another order, and names the seed of the first order that fails; with that seed in
//! `CURIO_SEED` the same schedule runs again, for example in a debugger. Both use the same kernel as a program does.

use crate::kernel::{Kernel, seed_from_environment};
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
    run_with(None, fut)
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
        run_with(Some(seed), program());
        return;
    }
    for seed in 0..n {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| run_with(Some(seed), program()))) {
            let message = crate::error::panic_message(payload.as_ref());
            panic!("seed {seed} of {n} fails; CURIO_SEED={seed} runs it again. It said: {message}");
        }
    }
}

#[track_caller]
fn run_with<F: IntoFuture>(seed: Option<u64>, fut: F) -> F::Output {
    let builder = Kernel::builder().virtual_clock(true);
    let builder = match seed {
        Some(seed) => builder.seed(seed),
        None => builder,
    };
    let mut kernel = builder.build().expect("a kernel needs an event queue of the operating system");
    let output = kernel.run(fut);
    let left = kernel.left_behind();
    drop(kernel);
    assert!(left.is_empty(), "the program ended and left behind: {}", left.join("; "));
    output
}
