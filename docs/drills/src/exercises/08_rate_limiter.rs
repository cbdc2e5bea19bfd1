// NOT BEGUN: remove this line when you begin.
//! # Drill 8: a rate limiter
//!
//! A service allows so many calls in a period. Build `pass`, which every call awaits first. Use what you like of `curio`.
//!
//! The rules:
//!
//! * In any stretch of time as long as `period`, wherever it begins, at most `most` calls pass.
//! * A call passes as soon as that allows it, and not a nanosecond later: the clock of the grader is exact.
//! * Calls pass in the order in which they came.
//! * A call that gave up while it waited has used nothing: the next one passes as if the other had never come.
//!
//! Read first: chapter 5 of the tour (time).

use crate::graders::rate_limiter::RateLimiterDrill;
use std::time::Duration;

/// So many calls in a period.
pub struct RateLimiter;

impl RateLimiterDrill for RateLimiter {
    fn new(_most: usize, _period: Duration) -> RateLimiter {
        RateLimiter
    }

    async fn pass(&self) {}
}
