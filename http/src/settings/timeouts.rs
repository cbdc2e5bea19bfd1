//! How long each phase of a request may take: the session's timeouts, unless the request has its own.

use crate::connections::deadline::Limits;
use crate::request::Request;
use std::time::{Duration, Instant};

/// `None` is without a limit.
#[derive(Debug)]
pub(crate) struct Timeouts {
    /// The whole request, from the first hop to the end of the body.
    pub(crate) total: Option<Duration>,
    /// Making a connection: DNS, TCP, proxy and TLS together.
    pub(crate) connect: Option<Duration>,
    /// Each wait for the server to send or to accept bytes.
    pub(crate) read: Option<Duration>,
    /// Waiting for a connection slot of the pool.
    pub(crate) pool: Option<Duration>,
    /// Waiting for `100 Continue` before the body is sent without it.
    pub(crate) expect_continue: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            total: None,
            connect: Some(Duration::from_secs(10)),
            read: Some(Duration::from_secs(30)),
            pool: Some(Duration::from_secs(30)),
            expect_continue: Duration::from_secs(1),
        }
    }
}

impl Timeouts {
    /// The limits of a request that starts at `now`.
    pub(crate) fn limits(&self, request: &Request, now: Instant) -> Limits {
        let total = request.timeout.unwrap_or(self.total);
        let read_timeout = request.options.as_ref().and_then(|options| options.read_timeout);
        Limits {
            read_timeout: read_timeout.unwrap_or(self.read),
            total: total.and_then(|total| Some((now.checked_add(total)?, total))),
        }
    }

    /// How long making a connection for `request` may take.
    pub(crate) fn connect(&self, request: &Request) -> Option<Duration> {
        let own = request.options.as_ref().and_then(|options| options.connect_timeout);
        own.unwrap_or(self.connect)
    }
}
