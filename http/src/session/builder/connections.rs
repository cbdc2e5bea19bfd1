//! Connections: how many, and how long they are kept.

use super::ClientSessionBuilder;
use crate::error::{Error, ErrorKind};
use std::time::Duration;

impl ClientSessionBuilder {
    /// How many connections to one host (scheme, name and port) may be in use at the same time. Further requests wait
    /// in a first-in, first-out queue. No limit by default.
    /// ```
    /// use curio_http::mock::{Answer, Mock};
    /// use curio_http::{ClientSession, Error};
    /// use std::time::Duration;
    ///
    /// let mock = Mock::new().otherwise(|_| Answer::text("ok").delay(Duration::from_secs(1)));
    /// let session = ClientSession::builder()
    ///     .connector(mock.clone())
    ///     .max_connections_per_host(2)
    ///     .max_connections(100)
    ///     .max_idle_per_host(4)
    ///     .pool_idle_timeout(Duration::from_secs(60))
    ///     .build()?;
    ///
    /// curio::testing::run(async {
    ///     let began = curio::clock();
    ///     let group = curio::TaskGroup::new();
    ///     for page in 1..=4 {
    ///         let request = session.get(format!("http://test/{page}"));
    ///         group.spawn(async { request.await?.text().await });
    ///     }
    ///     group.join().await.unwrap();
    ///     assert_eq!(curio::clock() - began, Duration::from_secs(2)); // two at a time
    /// });
    /// assert_eq!(mock.connections(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// `build` reports 0.
    pub fn max_connections_per_host(mut self, n: usize) -> Self {
        if n == 0 {
            self.keep_first_mistake(Error::new(
                ErrorKind::Request,
                "max_connections_per_host(0) would never let a request through",
            ));
        }
        self.settings.pool_limits.connections_per_host = Some(n);
        self
    }

    /// How many connections may be in use at the same time, to all hosts together. Further requests wait in a
    /// first-in, first-out queue; an idle connection to another host is closed to make room. No limit by default, because the
    /// right number depends on the program: about 100 suit one that connects to many hosts.
    ///
    /// # Errors
    /// `build` reports 0.
    pub fn max_connections(mut self, n: usize) -> Self {
        if n == 0 {
            self.keep_first_mistake(Error::new(
                ErrorKind::Request,
                "max_connections(0) would never let a request through",
            ));
        }
        self.settings.pool_limits.connections = Some(n);
        self
    }

    /// How many idle connections to one host are kept; with 0, every request makes a new one. No limit by default, but the
    /// [idle timeout](ClientSessionBuilder::pool_idle_timeout) applies.
    pub fn max_idle_per_host(mut self, n: usize) -> Self {
        self.settings.pool_limits.idle_per_host = n;
        self
    }

    /// How long an idle connection is kept; a shorter time that the server announces (`Keep-Alive: timeout=`) is
    /// honoured, less a second. 15 s by default.
    pub fn pool_idle_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.pool_limits.idle_timeout = limit.into();
        self
    }
}
