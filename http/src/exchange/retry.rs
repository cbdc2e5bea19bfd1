//! Sending a request again, because of how it went.
//!
//! Three things make the same request go out once more. An answer 417 says that the server does not know
//! `Expect`, so it gets the request without (RFC 9110 §10.1.1). An answer 401 asks for credentials in a form that needs
//! something of the server's own (see `digest`). And a session may be set to have patience with servers that are down
//! or busy ([`retries`](crate::ClientSessionBuilder::retries)); most of this file is about those.
//!
//! # When a retry does no harm
//! What must not happen is that something is done twice. So the first question is what the server may have done:
//!
//! | how it went | sent again |
//! |---|---|
//! | the name was not found, no connection could be made | always: nobody has seen the request |
//! | the connection broke or the server fell silent before a byte of an answer | if the method is idempotent (RFC 9110 §9.2.2) |
//! | status 429 or 503 with a `Retry-After` field | always: the server says that it has not done it, and when to come back |
//! | status 408, 429, 500, 502, 503 or 504 | if the method is idempotent |
//! | anything else: a certificate, a broken rule, a limit, an error in the middle of a body | never |
//!
//! In each case the body has to be there a second time. These are the statuses that `curl --retry` knows.
//!
//! # When to come back
//! If many clients are turned away at the same moment, they must not all come back at the same moment. So a wait is
//! drawn at random between half and all of a time that begins at 250 ms and doubles with each try, up to 30 s. A server
//! that says when, with `Retry-After` in seconds or as a date, is obeyed; if it asks for more than two minutes, or for
//! more than the limit of the request leaves, its answer is the response.

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
/// The longest wait that is our own idea.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);
/// How long the rest of an unwanted body may take to come, for the connection to be kept.
pub(crate) const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a request has been sent, and why.
#[derive(Default)]
pub(crate) struct Tries {
    /// Because the session is set to.
    retries: u32,
    /// Because the server had a question about credentials.
    #[cfg_attr(not(feature = "digest"), allow(dead_code, reason = "only digest asks twice"))]
    pub(crate) challenges: u16,
}

/// Whether there is any reason to think about sending it again: a look at two numbers for the request that went well.
pub(crate) fn may_retry(shared: &Shared, outcome: &Result<Response, Error>) -> bool {
    match outcome {
        Ok(response) => response.status_code() >= 400,
        Err(_) => shared.settings.retries > 0,
    }
}

/// What becomes of `outcome`: it is the final one, or (`None`) the request, perhaps changed, is to be sent again now.
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
        // Nobody is going to read it. What does not come soon costs the connection.
        let _ = curio::timeout_after(DISCARD_TIMEOUT, response.discard_body()).await;
    }
    if let Some(wait) = wait {
        tries.retries += 1;
        shared.settings.tracer.message(|| format!("Sending the request again in {wait:.1?}"));
        curio::sleep(wait).await;
    }
    Ok(None)
}

/// Whether the server wants another request and `request` has become that one.
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

/// How long to wait before the next try; `None` if there is to be none.
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

/// What `Retry-After` says (RFC 9110 §10.2.3): seconds, or a date.
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
