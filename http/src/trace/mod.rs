//! What is sent and received, for logs: `curl -v` for a session.
//!
//! The session holds a list of listeners, and each connection a handle on it. Code that makes, reuses, writes or reads a
//! connection emits a [`Trace`]. A program gets it as a value ([`on_trace`](crate::ClientSessionBuilder::on_trace));
//! printed, it is the text that [`verbose`](crate::ClientSessionBuilder::verbose) writes to standard error, in curl's
//! notation: `*` for information, `>` for what is sent, `<` for what is received.
//!
//! The value holds the bytes as they are. The printed form leaves credentials out (`redaction.rs`), because it ends up in
//! logs. Without a listener, all this costs a test of an empty `Option`. `region.rs` names requests for the pictures that the
//! runtime draws.

pub(crate) mod redaction;
pub(crate) mod region;

use http::HeaderName;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

/// An event during a request, for [`on_trace`](crate::ClientSessionBuilder::on_trace).
///
/// `Display` is one or several whole lines, each with its line end, without credentials: fields that hold some show
/// `[redacted]` in their place.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Trace<'a> {
    /// A new connection was established.
    #[non_exhaustive]
    Connected {
        /// The host and port of the request.
        host: &'a str,
        /// The address that it is connected to; `None` for a connection that has no address.
        peer: Option<SocketAddr>,
        /// How long DNS, TCP and TLS took together.
        took: Duration,
    },
    /// A connection from the pool is reused.
    #[non_exhaustive]
    Reused {
        /// The address at its other end.
        peer: Option<SocketAddr>,
        /// How long it was idle in the pool.
        idle: Duration,
    },
    /// A request head, as it is sent. It may contain credentials.
    RequestHead(TraceHead<'a>),
    /// A response head as received, also that of an interim response (1xx). It may contain cookies.
    ResponseHead(TraceHead<'a>),
    /// Other information: waiting for `100 Continue`, a retry, a dropped credential.
    Note(&'a str),
}

/// The bytes of a request's or a response's head.
///
/// They are complete: as a slice (`&**head`) it has everything. `Display` leaves out credentials and the fields that the
/// session calls [secret](crate::ClientSessionBuilder::secret_headers).
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use curio_http::{ClientSession, Trace};
/// use std::cell::RefCell;
/// use std::rc::Rc;
///
/// let (log, bytes) = (Rc::new(RefCell::new(String::new())), Rc::new(RefCell::new(Vec::new())));
/// let (to_log, to_bytes) = (Rc::clone(&log), Rc::clone(&bytes));
/// let session = ClientSession::builder()
///     .connector(Mock::new().otherwise(|_| Answer::text("ok")))
///     .on_trace(move |trace| {
///         if let Trace::RequestHead(head) = trace {
///             to_log.borrow_mut().push_str(&head.to_string());
///             to_bytes.borrow_mut().extend_from_slice(head);
///         }
///     })
///     .build()?;
/// curio::testing::run(async move { session.get("http://test/").bearer_auth("4f1d").await })?;
/// assert!(log.borrow().contains("authorization: [redacted]"), "{}", log.borrow());
/// assert!(bytes.borrow().ends_with(b"\r\n\r\n"));
/// # Ok::<(), curio_http::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct TraceHead<'a> {
    bytes: &'a [u8],
    more_secrets: &'a [HeaderName],
}

impl Deref for TraceHead<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// As `Display`, because it ends up in logs, too; on one line.
impl fmt::Debug for TraceHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl fmt::Display for TraceHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl<'a> TraceHead<'a> {
    fn lines(&self) -> impl Iterator<Item = String> + use<'a> {
        let TraceHead { bytes, more_secrets } = *self;
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        text.split(|&byte| byte == b'\n').map(move |line| {
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            let redacted = line.split_once(':').and_then(|(name, value)| {
                let value = value.trim_start();
                let shown = redaction::shown(name, value, more_secrets);
                (shown != value).then(|| format!("{name}: {shown}"))
            });
            // What a server sends must not control the terminal that shows it.
            redacted.as_deref().unwrap_or(&line).replace(char::is_control, "\u{fffd}")
        })
    }
}

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trace::Connected { host, peer: Some(peer), took } => {
                writeln!(f, "* Connected to {host} ({peer}) in {took:.1?}")
            }
            Trace::Connected { host, peer: None, took } => writeln!(f, "* Connected to {host} in {took:.1?}"),
            Trace::Reused { peer, idle } => {
                let peer = peer.map(|peer| format!(" to {peer}")).unwrap_or_default();
                writeln!(f, "* Reusing the connection{peer}, idle for {idle:.1?}")
            }
            Trace::RequestHead(head) => write_head(f, '>', head),
            Trace::ResponseHead(head) => write_head(f, '<', head),
            Trace::Note(text) => writeln!(f, "* {text}"),
        }
    }
}

fn write_head(f: &mut fmt::Formatter<'_>, direction: char, head: &TraceHead<'_>) -> fmt::Result {
    head.lines().try_for_each(|line| writeln!(f, "{direction} {line}"))
}

/// The listeners of a session.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Rc<Listeners>>);

#[derive(Default)]
struct Listeners {
    all: Vec<Listener>,
    more_secrets: Vec<HeaderName>,
}

type Listener = Box<dyn Fn(&Trace<'_>)>;

impl Tracer {
    pub(crate) fn add(&mut self, listener: impl Fn(&Trace<'_>) + 'static) {
        self.change(|listeners| listeners.all.push(Box::new(listener)));
    }

    /// Fields whose values are not printed.
    pub(crate) fn add_secrets(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        self.change(|listeners| listeners.more_secrets.extend(names));
    }

    fn change(&mut self, change: impl FnOnce(&mut Listeners)) {
        // The list is not shared before the session is built.
        if let Some(listeners) = Rc::get_mut(self.0.get_or_insert_default()) {
            change(listeners);
        }
    }

    /// Whether there is a listener.
    #[cfg(feature = "http2")]
    pub(crate) fn listens(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn emit_request_head(&self, bytes: &[u8]) {
        if let Some(listeners) = &self.0 {
            self.emit(|| Trace::RequestHead(TraceHead { bytes, more_secrets: &listeners.more_secrets }));
        }
    }

    pub(crate) fn emit_response_head(&self, bytes: &[u8]) {
        if let Some(listeners) = &self.0 {
            self.emit(|| Trace::ResponseHead(TraceHead { bytes, more_secrets: &listeners.more_secrets }));
        }
    }

    /// Emits a [`Trace::Note`]; the text is only made if there is a listener.
    pub(crate) fn message(&self, text: impl FnOnce() -> String) {
        if self.0.is_some() {
            let text = text();
            self.emit(|| Trace::Note(&text));
        }
    }

    /// Calls the listeners with a trace, which is only made if there is one.
    pub(crate) fn emit<'a>(&self, what: impl FnOnce() -> Trace<'a>) {
        if let Some(listeners) = &self.0 {
            let trace = what();
            listeners.all.iter().for_each(|listener| listener(&trace));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(head: &[u8], more_secrets: &[HeaderName]) -> String {
        Trace::RequestHead(TraceHead { bytes: head, more_secrets }).to_string()
    }

    #[test]
    fn credentials_are_not_printed() {
        let head = b"GET / HTTP/1.1\r\nhost: h\r\nauthorization: Basic c2VjcmV0\r\nCookie: a=secret\r\n\r\n";
        assert_eq!(
            printed(head, &[]),
            "> GET / HTTP/1.1\n> host: h\n> authorization: [redacted]\n> Cookie: [redacted]\n> \n"
        );
        let head = b"HTTP/1.1 302 Found\r\nLocation: http://ann:secret@h/x\r\n\r\n";
        assert_eq!(printed(head, &[]), "> HTTP/1.1 302 Found\n> Location: http://h/x\n> \n");
    }

    #[test]
    fn the_session_names_more_fields_that_are_not_printed() {
        let head = b"GET / HTTP/1.1\r\nX-Mine: secret\r\n\r\n";
        let mine = [HeaderName::from_static("x-mine")];
        assert_eq!(printed(head, &mine), "> GET / HTTP/1.1\n> X-Mine: [redacted]\n> \n");
        let head = TraceHead { bytes: head, more_secrets: &mine };
        assert!(!format!("{head} {head:?} {:?}", Trace::RequestHead(head)).contains("secret"));
        assert!(head.ends_with(b"secret\r\n\r\n"), "the bytes are complete");
    }

    #[test]
    fn what_a_server_sends_cannot_steer_a_terminal() {
        let shown = printed(b"HTTP/1.1 200 \x1b[2J\r\n\r\n", &[]);
        assert_eq!(shown, "> HTTP/1.1 200 \u{fffd}[2J\n> \n");
    }
}
