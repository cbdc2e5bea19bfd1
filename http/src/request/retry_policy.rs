//! Which failed requests are sent again, and when: [`Retry`].

use crate::error::{Error, ErrorKind};
use http::{Method, StatusCode};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The statuses that `curl --retry` knows.
const STATUSES: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// Which failed requests are sent again, how often and when: for a session
/// ([`ClientSessionBuilder::retry`](crate::ClientSessionBuilder::retry)) or for one request
/// ([`RequestBuilder::retry`](crate::RequestBuilder::retry)).
///
/// ```
/// use curio_http::{ClientSession, Method, Retry};
/// use std::time::Duration;
///
/// let session = ClientSession::builder()
///     .retry(
///         Retry::new(4)
///             .statuses([429, 502, 503, 504])
///             .methods([Method::GET, Method::HEAD, Method::POST])
///             .backoff(Duration::from_millis(100), Duration::from_secs(5))
///             .max_retry_after(Duration::from_secs(30))
///             .budget(20, Duration::from_secs(10)),
///     )
///     .build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
///
/// What is decided about each failed request, and why, is in the trace ([`verbose`](crate::ClientSessionBuilder::verbose)).
///
/// A policy that makes no sense is an error: of [`build`](crate::ClientSessionBuilder::build), or of the request that has it.
#[derive(Clone)]
pub struct Retry {
    pub(crate) most: u32,
    statuses: Option<Vec<StatusCode>>,
    methods: Option<Vec<Method>>,
    pub(crate) first_wait: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) longest_retry_after: Duration,
    budget: Option<Rc<Budget>>,
    mistake: Option<String>,
}

impl Retry {
    /// At most `n` retries of each request, in the cases that
    /// [`ClientSessionBuilder::retries`](crate::ClientSessionBuilder::retries) lists. With 0, nothing is retried.
    pub fn new(n: u32) -> Retry {
        Retry {
            most: n.min(u16::MAX.into()),
            statuses: None,
            methods: None,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(120),
            budget: None,
            mistake: None,
        }
    }

    /// The statuses that are retried, in place of 408, 429, 500, 502, 503 and 504. One below 400 may be among them: a 202 of a
    /// server that is not ready, for example. An empty list retries no response.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Retry {
        let mut known = Vec::new();
        for status in statuses {
            match StatusCode::from_u16(status) {
                Ok(status) if !status.is_informational() => known.push(status),
                _ => self
                    .keep_first_mistake(format!("{status} is not the status of a response: 200 to 999 are")),
            }
        }
        self.statuses = Some(known);
        self
    }

    /// The methods that are retried, in place of the idempotent ones (RFC 9110 §9.2.2). This says that sending such a request
    /// twice does no harm: also a POST, if the service recognises repeated ones. Requests with other methods are retried
    /// only if no server has seen them.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Retry {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// The wait before the first retry, which doubles with each further one up to `most`; 250 ms and 30 s by default. Each wait
    /// is a random time between half and all of that, so that clients that are refused together do not come back together.
    pub fn backoff(mut self, first: Duration, most: Duration) -> Retry {
        if first > most {
            let what = format!("backoff: the first wait ({first:?}) is longer than the longest ({most:?})");
            self.keep_first_mistake(what);
        }
        (self.first_wait, self.longest_wait) = (first, most);
        self
    }

    /// The longest `Retry-After` that is waited for; if the server asks for more, its response is the result. Two minutes by
    /// default.
    pub fn max_retry_after(mut self, most: Duration) -> Retry {
        self.longest_retry_after = most;
        self
    }

    /// At most `n` retries in each `period`, of all requests with this policy and its clones together. When a service is down,
    /// retries then add little to its load, however many requests there are. No limit by default.
    pub fn budget(mut self, n: u32, period: Duration) -> Retry {
        if n == 0 || period.is_zero() {
            let what = format!(
                "a budget of {n} retries in {period:?} allows none or has no end: use Retry::new(0), or leave it out"
            );
            self.keep_first_mistake(what);
        }
        self.budget =
            Some(Rc::new(Budget { most: n, period, left: Cell::new(n.into()), filled_at: Cell::new(None) }));
        self
    }

    /// Whether a response with this status is retried.
    pub(crate) fn takes_status(&self, status: StatusCode) -> bool {
        match &self.statuses {
            Some(statuses) => statuses.contains(&status),
            None => STATUSES.contains(&status.as_u16()),
        }
    }

    /// Whether a request with this method may be sent twice.
    pub(crate) fn takes_method(&self, method: &Method) -> bool {
        match &self.methods {
            Some(methods) => methods.contains(method),
            None => method.is_idempotent(),
        }
    }

    /// Whether the methods are the caller's choice.
    pub(crate) fn has_methods(&self) -> bool {
        self.methods.is_some()
    }

    /// Whether one of the statuses is a success or a redirect.
    pub(crate) fn takes_status_below_400(&self) -> bool {
        self.statuses.iter().flatten().any(|status| status.as_u16() < 400)
    }

    /// Takes one retry out of the budget; `false` if it is used up.
    pub(crate) fn spend(&self, now: Instant) -> bool {
        self.budget.as_ref().is_none_or(|budget| budget.spend(now))
    }

    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), for the first mistake.
    pub(crate) fn check(self) -> Result<Retry, Error> {
        match self.mistake {
            Some(mistake) => Err(Error::new(ErrorKind::Request, format!("the retry policy: {mistake}"))),
            None => Ok(self),
        }
    }

    fn keep_first_mistake(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("most", &self.most)
            .field("statuses", &self.statuses)
            .field("methods", &self.methods)
            .field("backoff", &(self.first_wait, self.longest_wait))
            .field("max_retry_after", &self.longest_retry_after)
            .field("budget", &self.budget.as_ref().map(|budget| (budget.most, budget.period)))
            .finish()
    }
}

/// A bucket that holds `most` retries and is filled evenly, once in a `period`.
struct Budget {
    most: u32,
    period: Duration,
    left: Cell<f64>,
    filled_at: Cell<Option<Instant>>,
}

impl Budget {
    fn spend(&self, now: Instant) -> bool {
        let since = self.filled_at.replace(Some(now)).map(|filled| now.saturating_duration_since(filled));
        let periods = since.unwrap_or_default().as_secs_f64() / self.period.as_secs_f64();
        let most = f64::from(self.most);
        let left = (self.left.get() + periods * most).min(most);
        let enough = left >= 1.0;
        self.left.set(if enough { left - 1.0 } else { left });
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_fills_again_evenly() {
        let policy = Retry::new(1).budget(2, Duration::from_secs(10));
        let now = Instant::now();
        let at = |seconds| policy.spend(now + Duration::from_secs(seconds));
        assert_eq!([at(0), at(0), at(0)], [true, true, false]);
        assert_eq!([at(4), at(5), at(5), at(9)], [false, true, false, false]);
        assert_eq!([at(500), at(500), at(500)], [true, true, false], "it holds no more than two");
    }

    #[test]
    fn clones_share_their_budget() {
        let policy = Retry::new(1).budget(1, Duration::from_secs(1));
        let now = Instant::now();
        assert!(policy.clone().spend(now) && !policy.spend(now));
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        for (policy, word) in [
            (Retry::new(1).statuses([503, 99]), "99 is not the status"),
            (Retry::new(1).statuses([100]), "100 is not the status"),
            (Retry::new(1).statuses([1000]), "1000 is not the status"),
            (Retry::new(1).backoff(minute, second), "longer than the longest"),
            (Retry::new(1).budget(0, second), "allows none"),
            (Retry::new(1).budget(1, Duration::ZERO), "has no end"),
        ] {
            let error = policy.check().expect_err(word);
            assert!(error.is_request() && error.to_string().contains(word), "{error}");
        }
    }
}
