//! Drill 9, a solution.

use crate::graders::retry::{Failed, Policy, RetryDrill};
use curio::{sleep, timeout_after};

/// One attempt after the other.
pub struct Retry;

impl RetryDrill for Retry {
    async fn retry<T>(
        policy: Policy,
        mut attempt: impl AsyncFnMut() -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let mut pause = policy.first_pause.min(policy.longest_pause);
        for _ in 1..policy.attempts {
            match timeout_after(policy.limit, attempt()).await {
                Ok(Ok(output)) => return Ok(output),
                Ok(Err(Failed::Permanent)) => return Err(Failed::Permanent),
                // `timeout_after` returns when the attempt has ended, cleanup included.
                Ok(Err(Failed::Temporary(_) | Failed::OutOfTime)) | Err(_) => {}
            }
            sleep(pause).await;
            // Doubled step by step and kept within the limit, it cannot overflow.
            pause = pause.saturating_mul(2).min(policy.longest_pause);
        }
        // The last attempt is not followed by a pause, whatever comes of it.
        timeout_after(policy.limit, attempt()).await.unwrap_or(Err(Failed::OutOfTime))
    }
}
