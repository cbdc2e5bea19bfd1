//! Waits that grow with each failure: before a retry, before an event source connects again, before a download goes on.

use std::time::Duration;

/// `first`, doubled for each of `failures`, up to `longest`.
pub(crate) fn doubled(first: Duration, failures: u32, longest: Duration) -> Duration {
    first.saturating_mul(2u32.saturating_pow(failures)).min(longest)
}

/// Between half and all of `time`, as `random` decides: clients that were refused at the same time must not all come back
/// at the same time.
pub(crate) fn spread(time: Duration, random: u64) -> Duration {
    let half = time / 2;
    half + half.mul_f64(random as f64 / u64::MAX as f64)
}
