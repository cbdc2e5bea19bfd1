//! Timeouts, limits for redirects and for what a server may send, and how bodies are read.

use super::ClientSessionBuilder;
use crate::response::text::check_label;
use std::time::Duration;

impl ClientSessionBuilder {
    /// The timeout of each request as a whole: waiting for a connection, connecting, redirects and reading the body. None by
    /// default, because it would end large transfers that make progress. The example of
    /// [`read_timeout`](ClientSessionBuilder::read_timeout) has the other timeouts and the limits.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.total = limit.into();
        self
    }

    /// The timeout of making a connection: DNS, TCP, proxy and TLS together. 10 s by default.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.connect = limit.into();
        self
    }

    /// The timeout of each wait for the server: for the complete response head after the request was sent, then for more of
    /// the body, and while sending until the server accepts more of the request. 30 s by default.
    /// ```
    /// use curio_http::ClientSession;
    /// use curio_http::mock::{Answer, Mock};
    /// use std::time::Duration;
    ///
    /// let mock = Mock::new().otherwise(|request| match request.path() {
    ///     "/progress" => Answer::pieces(["working…\n"; 60], Duration::from_secs(4)),
    ///     _ => Answer::never(),
    /// });
    /// let session = ClientSession::builder()
    ///     .connector(mock)
    ///     .connect_timeout(Duration::from_secs(3))
    ///     .read_timeout(Duration::from_secs(5)) // for each wait, so it does not end what makes progress
    ///     .pool_timeout(None)
    ///     .max_body(1024 * 1024)
    ///     .max_response_head(16 * 1024)
    ///     .max_response_headers(50)
    ///     .max_interim_responses(100)
    ///     .build()?;
    ///
    /// curio::testing::run(async {
    ///     let mut report = session.get("http://test/progress").await?;
    ///     assert_eq!(report.text().await?.lines().count(), 60); // after four minutes of the virtual clock
    ///     assert!(session.get("http://test/stuck").await.unwrap_err().is_timeout());
    ///     Ok::<(), curio_http::Error>(())
    /// })?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn read_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.read = limit.into();
        self
    }

    /// The timeout of waiting for a connection, where
    /// [`max_connections_per_host`](ClientSessionBuilder::max_connections_per_host) or
    /// [`max_connections`](ClientSessionBuilder::max_connections) is reached. 30 s by default.
    pub fn pool_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeouts.pool = limit.into();
        self
    }

    /// How many redirects in a row are followed. 10 by default. The rest of the [`Policy`](crate::Policy) does not change.
    pub fn max_redirects(mut self, n: usize) -> Self {
        self.settings.policy = self.settings.policy.with_limit(n);
        self
    }

    /// The longest response head that is accepted, in bytes. 64 KiB by default.
    pub fn max_response_head(mut self, bytes: usize) -> Self {
        self.protocol_limits.head = bytes;
        self
    }

    /// The most header fields that a response may have. 128 by default.
    pub fn max_response_headers(mut self, n: usize) -> Self {
        self.protocol_limits.headers = n;
        self
    }

    /// How many interim responses (1xx) may come before the final one. 32 by default. Each of them begins the
    /// [`read_timeout`](Self::read_timeout) anew, so a server that reports its progress for hours needs more.
    pub fn max_interim_responses(mut self, n: usize) -> Self {
        self.protocol_limits.interim = n;
        self
    }

    /// The longest response body that is accepted, in bytes after decoding. By default, reading a body as a whole stops
    /// at 64 MiB, and reading it in chunks has no limit.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.settings.max_body = Some(bytes);
        self
    }

    /// Leaves the bodies of all responses as the servers send them, with their content codings, and the header fields as they
    /// are; for one request, see [`RequestBuilder::no_decompression`](crate::RequestBuilder::no_decompression). No coding is
    /// asked for unless a request or the session has an `Accept-Encoding` field.
    pub fn no_decompression(mut self) -> Self {
        self.settings.no_decompression = true;
        self
    }

    /// The character set of texts whose `Content-Type` field names none; UTF-8 by default.
    ///
    /// # Errors
    /// `build` reports one that this build does not support: most need the feature `charset`.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder().default_encoding("windows-1252").build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn default_encoding(mut self, label: impl AsRef<str>) -> Self {
        match check_label(label.as_ref()) {
            Ok(()) => self.settings.default_encoding = Some(label.as_ref().into()),
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }
}
