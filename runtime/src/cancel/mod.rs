//! Cancellation, seen from inside a task: limits, shields, cleanups, and several futures at once.
//!
//! Each file here holds one kind of *region*: a future that surrounds another one with a node of the
//! cancel-scope tree. How the tree works, and why cancelling is a request that is carried out late by dropping,
//! is told in `kernel/cancel_tree.rs`; what all regions share is three lines long:
//!
//! ```text
//! match scope.enter(|| body.poll(cx)) {
//!     Ready(value) => …                                  // a future that is ready wins
//!     Pending if scope.must_unwind() => drop the body
//! }
//! ```
//!
//! One thing to know when futures of other crates are mixed in: the cleanup of a [`finally`] runs if the
//! cancellation comes from here (a timeout, `cancel`, a lost [`race`], shutdown). If foreign code simply drops the
//! future, only destructors run, and a line on standard error says so. If foreign code has polled it and polls it no
//! more, the cancellation waits: a cleanup cannot run unpolled, and to give it up after a while would break the
//! promise in a loop that comes back to it later (`select!` over `&mut` futures is such a loop). No rule tells the two
//! apart from outside, so there is none; the deadlock report names the place.

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
/// For loops that compute for long and want to end early.
///
/// # Panics
/// Outside of a kernel.
#[track_caller]
pub fn cancellation_pending() -> bool {
    traps::cancellation_pending()
}

/// A cancellation point that does not yield: the task ends here if it has been asked to stop and no shield
/// holds that back; otherwise it goes on at once.
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
        // Nobody has to wake us: whatever surrounds us drops us at the end of this very poll, or, if a cleanup
        // elsewhere in the task must end first, when that has ended.
        if traps::is_cancelled() { Poll::Pending } else { Poll::Ready(()) }
    }
}
