//! Limits: how long anything may take, how many redirects are followed, and how much a server may send.

use super::ClientSessionBuilder;
use std::time::Duration;

impl ClientSessionBuilder {
    /// A limit for each request from start to end: waiting, connecting, redirects and reading the body included. None by
    /// default, because it would end large transfers that are going well.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.total = limit.into();
        self
    }

    /// A limit for making a connection: name look-up, TCP and TLS together. 10 s by default.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.connect = limit.into();
        self
    }

    /// A limit for the server's silence: for the complete response head after the request was sent, then for each wait
    /// for a piece of the body, and for each wait until the server takes more of the request. 30 s by default.
    pub fn read_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.read = limit.into();
        self
    }

    /// A limit for waiting until one of
    /// [`max_connections_per_host`](ClientSessionBuilder::max_connections_per_host) is free. 30 s by default.
    pub fn pool_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.pool = limit.into();
        self
    }

    /// How many redirects in a row are followed. 10 by default; the rest of the [`Policy`](crate::Policy) stays.
    pub fn max_redirects(mut self, n: usize) -> Self {
        self.settings.policy = self.settings.policy.with_limit(n);
        self
    }

    /// The longest response head that is accepted, in bytes. 64 KiB by default.
    pub fn max_response_head(mut self, bytes: usize) -> Self {
        self.protocol_limits.head = bytes;
        self
    }

    /// The longest response body that is accepted, in bytes after decoding. By default, reading a body as a whole stops
    /// at 64 MiB, and reading it in pieces has no bound.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.settings.max_body = Some(bytes);
        self
    }
}
