//! Cancellation inside a task: timeouts, shields, cleanups, and several futures at once.
//!
//! ```text
//! timeout.rs        timeout_after, timeout_at, ignore_after, ignore_at
//! shield.rs         disable_cancellation
//! finally.rs        finally: a cleanup that may await
//! race.rs, join.rs  several futures in one task; branch.rs is one of them
//! catch_unwind.rs   a poll whose panic is caught
//! ```
//!
//! Each of these is a kind of *region*: a future that surrounds another one with a node of the
//! cancel-scope tree. How the tree works, and why cancelling is a request that is carried out late by dropping,
//! is described in `kernel/cancel_tree.rs`. All regions share these lines:
//!
//! ```text
//! match scope.enter(|| body.poll(cx)) {
//!     Ready(value) => …                                  // a future that is ready wins
//!     Pending if scope.must_unwind() => drop the body
//! }
//! ```
//!
//! With futures of other crates: the cleanup of a [`finally()`] runs if the cancellation comes from here (a timeout,
//! `cancel`, a lost [`race()`], shutdown). If foreign code simply drops the future, only destructors run, and a report
//! says so. If foreign code has polled it and polls it no more, the cancellation waits: a cleanup cannot run without
//! being polled, and giving it up after a while would break code that polls it again later (`select!` over `&mut`
//! futures in a loop does that). The two cannot be told apart from outside; the deadlock report names the place.

mod branch;
pub(crate) mod catch_unwind;
mod finally;
mod join;
mod race;
mod shield;
mod timeout;

#[cfg(all(unix, feature = "signals"))]
pub(crate) use finally::for_caller;
pub use finally::{Outcome, finally};
pub use join::{JoinTuple, join_tuple};
pub use race::{Race, race};
pub use shield::{Shielded, disable_cancellation};
pub use timeout::{IgnoreAfter, TimeoutAfter, ignore_after, ignore_at, timeout_after, timeout_at};

use crate::traps;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Whether this task has been asked to stop, even if a shield holds that back for now.
///
/// For long computations that should end early.
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// use curio::{cancellation_pending, disable_cancellation, sleep, spawn};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let training = spawn(disable_cancellation(async {
///         let mut rounds = 0;
///         while !cancellation_pending() {
///             sleep(Duration::from_secs(10)).await; // one round, which is not to be broken off
///             rounds += 1;
///         }
///         rounds
///     }));
///     sleep(Duration::from_secs(25)).await;
///     assert!(!training.cancel().await, "it ended by itself, after its round");
///     assert_eq!(training.join().await.unwrap(), 3);
/// });
/// ```
#[track_caller]
pub fn cancellation_pending() -> bool {
    traps::cancellation_pending()
}

/// A cancellation point that does not yield: the task ends here if it has been asked to stop and no shield
/// holds that back; otherwise it goes on at once.
///
/// ```
/// use curio::{check_cancellation, disable_cancellation, ignore_after, sleep};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let limited = ignore_after(Duration::from_secs(1), async {
///         disable_cancellation(sleep(Duration::from_secs(5))).await; // the limit passes here
///         check_cancellation().await; // and takes effect here
///         "not reached"
///     });
///     assert_eq!(limited.await, None);
/// });
/// ```
pub fn check_cancellation() -> CheckCancellation {
    CheckCancellation(())
}

/// The future of [`check_cancellation`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct CheckCancellation(());

impl Future for CheckCancellation {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        // No waker is needed: the region around this future drops it at the end of this poll, or, if a cleanup
        // elsewhere in the task must end first, when that has ended.
        if traps::is_cancelled() { Poll::Pending } else { Poll::Ready(()) }
    }
}
