//! Whether a request is sent again after a response or an error, and when.
//!
//! There are three reasons. After a 417 the request is sent without `Expect`, which the server does not support (RFC 9110
//! §10.1.1). After a 401 with a Digest challenge it is sent with an answer to that. And a session may be set to retry
//! requests to servers that are down or busy ([`retries`](crate::ClientSessionBuilder::retries)); most of this file is
//! about those.
//!
//! # When a retry is safe
//! A request must not take effect twice. So what matters is whether the server may have processed it:
//!
//! | outcome | retried |
//! |---|---|
//! | the name could not be resolved, no connection could be made | always: no server has seen the request |
//! | the connection broke, or the read timeout passed, before a byte of a response | if the method is idempotent (RFC 9110 §9.2.2) |
//! | status 429 or 503 with a `Retry-After` field | always: the server has refused it, and says when to try again |
//! | status 408, 429, 500, 502, 503 or 504 | if the method is idempotent |
//! | anything else: a certificate, a protocol error, a limit, an error in the middle of a body | never |
//!
//! In each case the body must be one that can be sent again. These are the statuses that `curl --retry` knows.
//!
//! # How long it waits
//! Clients that are refused at the same time must not all retry at the same time. So the wait is random, between half and
//! all of a time that is 250 ms at first and doubles with each retry, up to 30 s. A `Retry-After` field, in seconds or as
//! a date, replaces it. If that is more than two minutes, or more than the request's timeout leaves, there is no retry.

use crate::connections::deadline::Limits;
use crate::encoding::date;
use crate::error::{Error, Resend};
#[cfg(feature = "digest")]
use crate::exchange::authentication;
use crate::exchange::shared::Shared;
use crate::random::random_u64;
use crate::request::Request;
use crate::response::Response;
use http::header::{EXPECT, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use std::time::{Duration, SystemTime};

/// The longest first wait.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait without a `Retry-After` field.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// How often a request has been sent again, and why.
#[derive(Default)]
pub(crate) struct Tries {
    /// Because of [`retries`](crate::ClientSessionBuilder::retries).
    retries: u32,
    /// Because of a Digest challenge.
    #[cfg_attr(not(feature = "digest"), allow(dead_code, reason = "only digest asks twice"))]
    pub(crate) challenges: u16,
}

/// Whether [`consider`] has anything to decide. Cheap, because it is called after every request.
pub(crate) fn may_retry(shared: &Shared, outcome: &Result<Response, Error>) -> bool {
    match outcome {
        Ok(response) => response.status_code() >= 400,
        Err(_) => shared.settings.retries > 0,
    }
}

/// Decides on a retry, and waits before it. `None`: the request, perhaps changed, is to be sent again now. Otherwise
/// `outcome` is final.
pub(crate) async fn consider(
    shared: &Shared,
    request: &mut Request,
    outcome: Result<Response, Error>,
    tries: &mut Tries,
    limits: &Limits,
) -> Result<Option<Response>, Error> {
    let changed = outcome.as_ref().is_ok_and(|response| changed_for(shared, request, response, tries));
    let wait = if changed { None } else { wait_before_retry(shared, request, &outcome, tries, limits) };
    if !changed && wait.is_none() {
        return outcome.map(Some).map_err(|error| error.after_tries(tries.retries.saturating_add(1)));
    }
    if let Ok(mut response) = outcome {
        response.discard_body().await;
    }
    if let Some(wait) = wait {
        tries.retries += 1;
        shared.settings.tracer.message(|| format!("Sending the request again in {wait:.1?}"));
        curio::sleep(wait).await;
    }
    Ok(None)
}

/// Whether the response asks for a different request, which `request` is now.
fn changed_for(shared: &Shared, request: &mut Request, response: &Response, tries: &mut Tries) -> bool {
    if !request.body.can_be_sent() {
        return false;
    }
    match response.status() {
        StatusCode::EXPECTATION_FAILED => request.headers.remove(EXPECT).is_some(),
        #[cfg(feature = "digest")]
        StatusCode::UNAUTHORIZED => {
            authentication::take_challenge(&shared.digests, request, response, &mut tries.challenges)
        }
        _ => {
            #[cfg(not(feature = "digest"))]
            let _ = (shared, tries);
            false
        }
    }
}

/// How long to wait before the retry; `None` if there is none.
fn wait_before_retry(
    shared: &Shared,
    request: &Request,
    outcome: &Result<Response, Error>,
    tries: &Tries,
    limits: &Limits,
) -> Option<Duration> {
    if tries.retries >= shared.settings.retries || !request.body.can_be_sent() {
        return None;
    }
    let retry_after = match outcome {
        Ok(response) => retry_after(response.headers()),
        Err(_) => None,
    };
    let harmless = match outcome {
        Ok(response) => match response.status_code() {
            429 | 503 if retry_after.is_some() => true,
            408 | 429 | 500 | 502 | 503 | 504 => request.is_idempotent(),
            _ => false,
        },
        Err(error) => match error.resend() {
            Resend::Always => true,
            Resend::IfIdempotent => request.is_idempotent(),
            Resend::Never => false,
        },
    };
    let wait = retry_after.unwrap_or_else(|| backoff(tries.retries, random_u64()));
    let left = limits.total.map(|(deadline, _)| deadline.saturating_duration_since(curio::clock()));
    let worth_it = wait <= LONGEST_RETRY_AFTER && left.is_none_or(|left| wait < left);
    (harmless && worth_it).then_some(wait)
}

/// The value of `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = date::parse(text)?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Between half and all of 250 ms, doubled for each retry before.
fn backoff(retries: u32, random: u64) -> Duration {
    let whole = FIRST_WAIT.saturating_mul(2u32.saturating_pow(retries)).min(LONGEST_WAIT);
    let half = whole / 2;
    half + half.mul_f64(random as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn after(value: &'static str) -> Option<Duration> {
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]))
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let most = [0, 1, 2, 3, 6, 7, 40, u32::MAX].map(|retries| backoff(retries, u64::MAX).as_millis());
        assert_eq!(most, [250, 500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
        let least = [0, 1, 2, 3, 6, 7].map(|retries| backoff(retries, 0).as_millis());
        assert_eq!(least, [125, 250, 500, 1000, 8_000, 15_000]);
    }

    #[test]
    fn retry_after_is_a_number_of_seconds() {
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after(" 0 "), Some(Duration::ZERO));
        assert_eq!(after("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn retry_after_is_a_date() {
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let far = after("Fri, 01 Jan 2999 00:00:00 GMT").expect("a date");
        assert!(far > LONGEST_RETRY_AFTER);
    }

    #[test]
    fn nonsense_in_retry_after_is_as_good_as_nothing() {
        assert_eq!([after("soon"), after("-1"), after("+5"), after("")], [None; 4]);
    }
}
