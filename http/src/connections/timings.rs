//! How long each phase of an exchange took.

use std::time::{Duration, Instant};

/// How long each phase of an exchange took. A phase that did not happen (no DNS for an IP address, no connect on a
/// reused connection) is `None`.
///
/// The figures are those of the last exchange; redirects before it have their own, in
/// [`history`](crate::Response::history).
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let mock = Mock::new().otherwise(move |_| Answer::pieces(["a", "b"], second).delay(5 * second));
/// curio::testing::run(async {
///     let mut response = mock.session().get("http://test/").await?;
///     assert_eq!(response.timings().first_byte, Some(5 * second));
///     assert_eq!(response.timings().total, None);
///     response.text().await?;
///     assert_eq!(response.timings().total, Some(7 * second));
///     Ok::<(), curio_http::Error>(())
/// }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// Waiting for a free connection, when
    /// [`max_connections_per_host`](crate::ClientSessionBuilder::max_connections_per_host) made it wait.
    pub pool_wait: Option<Duration>,
    /// Resolving the host's name.
    pub dns: Option<Duration>,
    /// Making the TCP connection.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// Sending head and body.
    pub send: Option<Duration>,
    /// From the last byte sent to the complete response head.
    pub first_byte: Option<Duration>,
    /// From the start of the exchange to the end of the body; `None` until the body has been read.
    pub total: Option<Duration>,
}

/// How long ago `began` was, by the kernel's clock.
pub(crate) fn since(began: Instant) -> Duration {
    curio::clock().saturating_duration_since(began)
}
