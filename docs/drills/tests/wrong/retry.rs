use curio::{sleep, timeout_after};
use drills::graders::retry::{Failed, Policy, RetryDrill};

/// A pause follows the last attempt, too.
pub(crate) const PAUSES_AT_THE_END: u8 = 1;
/// A permanent failure is tried again.
pub(crate) const TRIES_EVERYTHING: u8 = 2;
/// The pause is a power of two, which does not fit into a number at some time.
pub(crate) const OVERFLOWS: u8 = 3;
/// The limit is one for all attempts together.
pub(crate) const LIMITS_THE_WHOLE: u8 = 4;
/// There is no longest pause.
pub(crate) const NO_LONGEST_PAUSE: u8 = 5;
/// The first attempt comes after a pause.
pub(crate) const PAUSES_AT_FIRST: u8 = 6;

pub(crate) struct Retry<const MISTAKE: u8>;

impl<const MISTAKE: u8> RetryDrill for Retry<MISTAKE> {
    async fn retry<T>(
        policy: Policy,
        mut attempt: impl AsyncFnMut() -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let mut last = Failed::OutOfTime;
        if MISTAKE == PAUSES_AT_FIRST {
            sleep(policy.first_pause).await;
        }
        for number in 0..policy.attempts {
            let limit = (MISTAKE != LIMITS_THE_WHOLE).then_some(policy.limit);
            match timeout_after(limit, attempt()).await {
                Ok(Ok(output)) => return Ok(output),
                Ok(Err(Failed::Permanent)) if MISTAKE != TRIES_EVERYTHING => return Err(Failed::Permanent),
                Ok(Err(failed)) => last = failed,
                Err(_) => last = Failed::OutOfTime,
            }
            if number + 1 < policy.attempts || MISTAKE == PAUSES_AT_THE_END {
                let longest = if MISTAKE == NO_LONGEST_PAUSE {
                    policy.first_pause * 1000
                } else {
                    policy.longest_pause
                };
                let factor = if MISTAKE == OVERFLOWS { 2_u32.pow(number) } else { 1 << number.min(20) };
                sleep(policy.first_pause.saturating_mul(factor).min(longest)).await;
            }
        }
        Err(last)
    }
}
