//! Drill 8, a solution.

use crate::graders::rate_limiter::RateLimiterDrill;
use curio::{Lock, clock, sleep_until};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The times at which the last calls have passed.
pub struct RateLimiter {
    most: usize,
    period: Duration,
    /// At most `most` of them. The lock is also the line: a call holds it while it waits for its time.
    passed: Lock<VecDeque<Instant>>,
}

impl RateLimiterDrill for RateLimiter {
    fn new(most: usize, period: Duration) -> RateLimiter {
        RateLimiter { most, period, passed: Lock::new(VecDeque::new()) }
    }

    async fn pass(&self) {
        let mut passed = self.passed.acquire().await;
        if passed.len() == self.most {
            // One more call may pass a period after the first of the last `most`.
            sleep_until(passed[0] + self.period).await;
            passed.pop_front();
        }
        // Noted only now: a call that gave up above has changed nothing.
        passed.push_back(clock());
    }
}
