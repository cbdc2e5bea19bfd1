//! The exchange: second tries, and who watches.

use super::ClientSessionBuilder;
use crate::trace::Trace;
use std::time::Duration;

impl ClientSessionBuilder {
    /// How many times more a request is sent when the server cannot be reached, breaks off, or answers 408, 429, 500,
    /// 502, 503 or 504. None by default.
    ///
    /// What may have been done already is done again only if that makes no difference: the method must be idempotent
    /// (RFC 9110 §9.2.2), unless no connection was made at all, or the server says with `Retry-After` that it has turned
    /// the request away (429 and 503). The body must be one that can be sent again. Between two tries lie 125 to 250 ms,
    /// then twice as much each time up to 30 s, or what `Retry-After` asks for up to two minutes; never more than the
    /// request's [`timeout`](ClientSessionBuilder::timeout) leaves. Hooks are called for each try. If the last one fails
    /// too, its response or error is the result, and the error says how many there were.
    pub fn retries(mut self, n: u32) -> Self {
        self.settings.retries = n.min(u16::MAX.into());
        self
    }

    /// How long a request with `Expect: 100-continue` waits for the server to ask for the body (RFC 9110 §10.1.1) before
    /// it sends it unasked. 1 s by default, as in curl. The field is never added on its own: it costs a round trip, and
    /// a server that refuses an upload is listened to while the body is being sent anyway. If the server answers 417, the
    /// request is sent again without the field.
    pub fn expect_timeout(mut self, limit: Duration) -> Self {
        self.settings.timeouts.expect_continue = limit;
        self
    }

    /// Writes to standard error what happens on the wire, as `curl -v` does: connections, request heads, response heads.
    /// Credentials and cookies are left out.
    pub fn verbose(mut self, on: bool) -> Self {
        if on {
            self.settings.tracer.add(|trace| eprint!("{trace}"));
        }
        self
    }

    /// Calls `listener` with what happens on the wire: what [`verbose`](ClientSessionBuilder::verbose) prints, as
    /// values, and complete with credentials. May be called several times.
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
