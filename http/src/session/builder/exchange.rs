//! Auth flows, retries, `Expect: 100-continue`, and traces.

use super::ClientSessionBuilder;
use crate::exchange::auth_flow::{Auth, Flow};
use crate::request::retry_policy::Retry;
use crate::settings::SessionAuth;
use crate::trace::Trace;
use http::HeaderName;
use std::io::{self, Write};
use std::time::Duration;

impl ClientSessionBuilder {
    /// How many times a request is retried when the server cannot be reached, closes the connection, or responds with 408,
    /// 429, 500, 502, 503 or 504. 0 by default.
    ///
    /// A request that the server may have processed is retried only if its method is idempotent (RFC 9110 §9.2.2). That does
    /// not matter if no connection was made at all, or if the server has refused the request with `Retry-After` (429 and
    /// 503). The body must be one that can be sent again. The wait before a retry is 125 to 250 ms at first and doubles each
    /// time up to 30 s, or it is what `Retry-After` asks for, up to two minutes; it is never longer than the request's
    /// [`timeout`](ClientSessionBuilder::timeout) leaves. Hooks are called for each retry. If the last one fails, too, its
    /// response or error is the result; the error says how many tries there were.
    /// ```
    /// use curio_http::ClientSession;
    /// use curio_http::mock::{Answer, Mock};
    /// use std::time::Duration;
    ///
    /// let mock = Mock::new().otherwise(|request| match request.nth() {
    ///     0 => Answer::fail(std::io::ErrorKind::ConnectionReset.into()),
    ///     1 => Answer::new(503).header("Retry-After", "30"),
    ///     _ => Answer::text("at last"),
    /// });
    /// let session = ClientSession::builder().connector(mock.clone()).retries(3).build()?;
    /// curio::testing::run(async {
    ///     let began = curio::clock();
    ///     assert_eq!(session.get("http://test/").await?.text().await?, "at last");
    ///     assert!(curio::clock() - began >= Duration::from_secs(30));
    ///
    ///     // A POST may have done something before its connection broke, so it is not sent again.
    ///     assert!(session.post("http://test/").await.is_err());
    ///     Ok::<(), curio_http::Error>(())
    /// })?;
    /// assert_eq!(mock.requests().len(), 4);
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    ///
    /// [`Retry`] is the long form.
    pub fn retries(self, n: u32) -> Self {
        self.retry(Retry::new(n))
    }

    /// Which requests are retried, how often and when: [`retries`](ClientSessionBuilder::retries) with other statuses,
    /// methods, waits, or a budget. A request can have another policy ([`RequestBuilder::retry`](crate::RequestBuilder::retry)).
    ///
    /// # Errors
    /// `build` reports a policy that makes no sense.
    /// [`Retry`] has an example.
    pub fn retry(mut self, policy: Retry) -> Self {
        match policy.check() {
            Ok(policy) => {
                self.settings.retries_below_400 = policy.takes_status_below_400();
                self.settings.retry = Some(Box::new(policy));
            }
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// Authenticates each request that has no credentials of its own by an async function that sends it, and may look at the
    /// response and send it again: see [`Auth`]. It takes the place of [`auth`](ClientSessionBuilder::auth) and
    /// [`netrc`](ClientSessionBuilder::netrc). Redirects to another origin are followed without it.
    pub fn auth_flow(mut self, auth: impl Auth + 'static) -> Self {
        self.settings.auth = Some(SessionAuth::Flow(Flow::of(auth)));
        self
    }

    /// How long a request with `Expect: 100-continue` waits for the server to ask for the body (RFC 9110 §10.1.1) before
    /// it sends it anyway. 1 s by default, as in curl. The client never adds the field by itself: it costs a round trip, and
    /// an early response to an upload is read while the body is being sent in any case. If the server responds with 417,
    /// the request is sent again without the field.
    /// ```no_run
    /// # async fn example() -> Result<(), curio_http::Error> {
    /// use curio_http::{Body, ClientSession};
    /// use std::time::Duration;
    ///
    /// // A server that may refuse an upload gets the chance to do so before it is sent.
    /// let session = ClientSession::builder().expect_timeout(Duration::from_secs(5)).build()?;
    /// let upload = session.put("https://example.org/disk.img").body(Body::from_file("disk.img"));
    /// upload.header("Expect", "100-continue").await?.raise_for_status()?;
    /// # Ok(()) }
    /// ```
    pub fn expect_timeout(mut self, limit: Duration) -> Self {
        self.settings.timeouts.expect_continue = limit;
        self
    }

    /// Writes connections, request heads and response heads to standard error, as `curl -v` does. Credentials and cookies are
    /// left out.
    /// ```
    /// use curio_http::mock::{Answer, Mock};
    /// use curio_http::{ClientSession, HeaderName};
    ///
    /// let session = ClientSession::builder()
    ///     .connector(Mock::new().otherwise(|_| Answer::text("ok")))
    ///     .verbose(true)
    ///     .secret_headers([HeaderName::from_static("x-tenant")])
    ///     .build()?;
    /// curio::testing::run(async move { session.get("http://test/").header("X-Tenant", "acme").await })?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    ///
    /// It prints:
    ///
    /// ```text
    /// * Connected to test in 0.0ns
    /// > GET / HTTP/1.1
    /// > host: test
    /// > x-tenant: [redacted]
    /// > user-agent: curio-http/0.1.0
    /// …
    /// < HTTP/1.1 200 OK
    /// < content-type: text/plain; charset=utf-8
    /// …
    /// ```
    pub fn verbose(mut self, on: bool) -> Self {
        if on {
            // Standard error may be closed or full: `eprint!` would panic then.
            self.settings.tracer.add(|trace| drop(write!(io::stderr(), "{trace}")));
        }
        self
    }

    /// Fields whose values are secret, besides those that are known to carry credentials (`Authorization`, `Cookie`,
    /// `X-Api-Key` and so on): [`verbose`](ClientSessionBuilder::verbose) and the printed form of a [`Trace`] leave them
    /// out. The `Debug` output of a request leaves out each value that is marked as
    /// [sensitive](crate::HeaderValue::set_sensitive).
    pub fn secret_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.settings.tracer.add_secrets(names);
        self
    }

    /// Calls `listener` with what [`verbose`](ClientSessionBuilder::verbose) prints, as values, including credentials. Several
    /// listeners may be added.
    ///
    /// ```
    /// use curio_http::{ClientSession, Trace};
    ///
    /// let session = ClientSession::builder()
    ///     .on_trace(|trace| match trace {
    ///         Trace::RequestHead(head) => println!("{} bytes of head", head.len()),
    ///         other => print!("{other}"),
    ///     })
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn on_trace(mut self, listener: impl Fn(&Trace<'_>) + 'static) -> Self {
        self.settings.tracer.add(listener);
        self
    }
}
