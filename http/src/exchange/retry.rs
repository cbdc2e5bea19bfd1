//! Whether a request is sent again after a response or an error, and when.
//!
//! There are three reasons. After a 417 the request is sent without `Expect`, which the server does not support (RFC 9110
//! §10.1.1). After a 407 it is sent with an answer to the proxy's Digest challenge. And a session or a request may be set to
//! retry when servers are down or busy ([`retries`](crate::ClientSessionBuilder::retries)); most of this file is about that.
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
//! In each case the body must be one that can be sent again. These are the statuses that `curl --retry` knows; a [`Retry`] can
//! have others, and other methods than the idempotent ones. If it has methods, they decide about every status, also about a
//! 429 or 503 with `Retry-After`.
//!
//! # How long it waits
//! Clients that are refused at the same time must not all retry at the same time. So the wait is random, between half and
//! all of a time that is 250 ms at first and doubles with each retry, up to 30 s. A `Retry-After` field, in seconds or as
//! a date, replaces it. If that is more than two minutes, or more than the request's timeout leaves, there is no retry. Neither
//! is there one if the policy's budget is used up.

use crate::connections::deadline::Limits;
use crate::encoding::date;
use crate::error::{Error, Resend};
use crate::exchange::backoff::{doubled, spread};
#[cfg(feature = "digest")]
use crate::exchange::hop;
use crate::exchange::shared::Shared;
use crate::random::random_u64;
use crate::request::Request;
use crate::request::retry_policy::Retry;
use crate::response::Response;
use http::header::{EXPECT, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// How often a request has been sent again, and why.
#[derive(Default)]
pub(crate) struct Tries {
    /// Because of a [`Retry`].
    retries: u32,
    /// Because of a challenge of a proxy.
    #[cfg(feature = "digest")]
    challenges: u16,
}

/// Whether [`consider`] has anything to decide. Cheap, because it is called after every request.
pub(crate) fn may_retry(shared: &Shared, request: &Request, outcome: &Result<Response, Error>) -> bool {
    match outcome {
        Ok(response) if response.status_code() >= 400 => true,
        Ok(_) => shared.settings.retries_below_400 || request.options.is_some(),
        Err(_) => policy(shared, request).is_some(),
    }
}

/// The policy of the request, or else of its session.
fn policy<'a>(shared: &'a Shared, request: &'a Request) -> Option<&'a Retry> {
    let own = request.options.as_ref().and_then(|options| options.retry.as_ref());
    own.or(shared.settings.retry.as_deref()).filter(|policy| policy.most > 0)
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
    if outcome.as_ref().is_ok_and(|response| changed_for(shared, request, response, tries)) {
        discard(outcome).await;
        return Ok(None);
    }
    let decision = match policy(shared, request) {
        Some(policy) if !is_success(policy, &outcome) => decide(policy, request, &outcome, tries, limits),
        _ => Err("".into()),
    };
    let tracer = &shared.settings.tracer;
    let wait = match decision {
        Ok(wait) => wait,
        Err(why) => {
            if !why.is_empty() {
                tracer.message(|| format!("Not sending the request again: {why}"));
            }
            return outcome.map(Some).map_err(|error| error.after_tries(tries.retries.saturating_add(1)));
        }
    };
    tries.retries += 1;
    tracer.message(|| {
        let most = policy(shared, request).map_or(0, |policy| policy.most);
        let cause = match &outcome {
            Ok(response) => format!("the status is {}", response.status_code()),
            Err(error) => format!("it failed ({:?})", error.kind()),
        };
        format!(
            "Sending the request again in {wait:.1?}, because {cause}: retry {} of at most {most}",
            tries.retries
        )
    });
    discard(outcome).await;
    curio::sleep(wait).await;
    Ok(None)
}

async fn discard(outcome: Result<Response, Error>) {
    if let Ok(mut response) = outcome {
        response.discard_body().await;
    }
}

/// Whether the response asks for a different request, which `request` is now, or will be when it is sent.
#[cfg_attr(not(feature = "digest"), allow(unused_variables, reason = "only Digest needs all of them"))]
fn changed_for(shared: &Shared, request: &mut Request, response: &Response, tries: &mut Tries) -> bool {
    if !request.body.can_be_sent() {
        return false;
    }
    match response.status() {
        StatusCode::EXPECTATION_FAILED => request.headers.remove(EXPECT).is_some(),
        #[cfg(feature = "digest")]
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => hop::origin_of(shared, request).is_ok_and(|origin| {
            let proxy = origin.route().forwarder(&request.url);
            proxy.is_some_and(|proxy| proxy.take_challenge(response.headers(), &mut tries.challenges))
        }),
        _ => false,
    }
}

/// Whether there is no reason to talk about a retry.
fn is_success(policy: &Retry, outcome: &Result<Response, Error>) -> bool {
    outcome.as_ref().is_ok_and(|response| response.ok() && !policy.takes_status(response.status()))
}

/// How long to wait before the retry, or why there is none.
fn decide(
    policy: &Retry,
    request: &Request,
    outcome: &Result<Response, Error>,
    tries: &Tries,
    limits: &Limits,
) -> Result<Duration, Cow<'static, str>> {
    let mut asked = None;
    let by_method = match outcome {
        Ok(response) => {
            let status = response.status();
            if !policy.takes_status(status) {
                return Err(format!("the status {} is not retried", status.as_u16()).into());
            }
            asked = retry_after(response.headers());
            let has_refused = asked.is_some() && matches!(status.as_u16(), 429 | 503);
            !has_refused || policy.has_methods()
        }
        Err(error) => match error.resend() {
            Resend::Always => false,
            Resend::IfIdempotent => true,
            Resend::Never => return Err("it failed in a way that another try would not change".into()),
        },
    };
    if by_method && !policy.takes_method(&request.method) {
        return Err(format!("the server may have acted on it, and {} is not repeated", request.method).into());
    }
    if !request.body.can_be_sent() {
        return Err("its body can be sent only once".into());
    }
    if tries.retries >= policy.most {
        return Err(format!("it has been retried {} times", tries.retries).into());
    }
    let wait = asked.unwrap_or_else(|| backoff(policy, tries.retries, random_u64()));
    if asked.is_some_and(|asked| asked > policy.longest_retry_after) {
        let most = policy.longest_retry_after;
        return Err(format!("the server asks for a wait of {wait:?}, and {most:?} is the most").into());
    }
    let left = limits.total.map(|(deadline, _)| deadline.saturating_duration_since(curio::clock()));
    if left.is_some_and(|left| wait >= left) {
        return Err(format!("its timeout would pass in the wait of {wait:.1?}").into());
    }
    if !policy.spend(curio::clock()) {
        return Err("the budget of retries is used up".into());
    }
    Ok(wait)
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

/// Between half and all of the first wait, doubled for each retry before.
fn backoff(policy: &Retry, retries: u32, random: u64) -> Duration {
    spread(doubled(policy.first_wait, retries, policy.longest_wait), random)
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
        let most = [0, 1, 2, 3, 6, 7, 40, u32::MAX]
            .map(|retries| backoff(&Retry::new(1), retries, u64::MAX).as_millis());
        assert_eq!(most, [250, 500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
        let least = [0, 1, 2, 3, 6, 7].map(|retries| backoff(&Retry::new(1), retries, 0).as_millis());
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
        assert!(far > Duration::from_secs(1_000_000));
    }

    #[test]
    fn nonsense_in_retry_after_is_as_good_as_nothing() {
        assert_eq!([after("soon"), after("-1"), after("+5"), after("")], [None; 4]);
    }
}
