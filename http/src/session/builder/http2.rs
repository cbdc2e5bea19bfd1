//! HTTP/2: whether it is offered, and whether it is assumed.

use super::ClientSessionBuilder;
use crate::error::{Error, ErrorKind};

impl ClientSessionBuilder {
    /// Whether `https` servers are offered HTTP/2 (by ALPN, RFC 9113 §3.2) beside HTTP/1.1; they are by default. All requests
    /// to an origin then share one connection, with at most 100 requests at a time, or as many as the server allows; further
    /// ones wait in a first-in, first-out queue. A request with an `Upgrade` field is sent over HTTP/1.1 in any case.
    ///
    /// With `false`, only HTTP/1.1 is spoken.
    ///
    /// # Errors
    /// `build` refuses `http2(false)` together with [`http2_prior_knowledge`](ClientSessionBuilder::http2_prior_knowledge).
    /// ```
    /// use curio_http::ClientSession;
    ///
    /// let old = ClientSession::builder().http2(false).build()?;
    /// let internal = ClientSession::builder().http2_prior_knowledge().base_url("http://users.internal/").build()?;
    /// assert!(ClientSession::builder().http2(false).http2_prior_knowledge().build().is_err());
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn http2(mut self, on: bool) -> Self {
        self.settings.http2.is_offered = on;
        self.check_http2()
    }

    /// Speaks HTTP/2 with all `http` servers, too, without asking (RFC 9113 §3.3): for servers that are known to speak it
    /// without TLS, as between the services of a company. With a server that does not, requests fail. Requests that a proxy
    /// forwards are sent over HTTP/1.1; with `https`, ALPN decides as always. [`http2`](ClientSessionBuilder::http2) has an example.
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.settings.http2.prior_knowledge = true;
        self.check_http2()
    }

    fn check_http2(mut self) -> Self {
        if self.settings.http2.prior_knowledge && !self.settings.http2.is_offered {
            let what =
                "http2(false) forbids HTTP/2, which http2_prior_knowledge() asks for: leave one of them out";
            self.keep_first_mistake(Error::new(ErrorKind::Request, what));
        }
        self
    }
}
