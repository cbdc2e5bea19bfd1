//! What is sent and received, for logs: `curl -v` for a session.
//!
//! The session holds a list of listeners, and each connection a handle on it. Code that makes, reuses, writes or reads a
//! connection emits a [`Trace`]. A program gets it as a value ([`on_trace`](crate::ClientSessionBuilder::on_trace));
//! printed, it is the text that [`verbose`](crate::ClientSessionBuilder::verbose) writes to standard error, in curl's
//! notation: `*` for information, `>` for what is sent, `<` for what is received.
//!
//! The value holds the bytes as they are. The printed form leaves credentials out, because it ends up in logs. Without a
//! listener, all this costs a test of an empty `Option`.

use crate::url::Url;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
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
    RequestHead(&'a [u8]),
    /// A response head as received, also that of an interim response (1xx). It may contain cookies.
    ResponseHead(&'a [u8]),
    /// Other information: waiting for `100 Continue`, a retry, a dropped credential.
    Note(&'a str),
}

/// Fields whose values are credentials, or as sensitive as those.
const SECRET: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "authentication-info"];

/// Fields whose values are URLs, which may contain a password.
const URLS: [&str; 3] = ["location", "content-location", "referer"];

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

fn write_head(f: &mut fmt::Formatter<'_>, direction: char, head: &[u8]) -> fmt::Result {
    let head = head.strip_suffix(b"\n").unwrap_or(head);
    for line in head.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        match line.split_once(':') {
            Some((name, _)) if SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name)) => {
                writeln!(f, "{direction} {name}: [redacted]")?;
            }
            Some((name, value)) if URLS.iter().any(|url| url.eq_ignore_ascii_case(name)) => {
                let value = without_credentials(value.trim()).replace(char::is_control, "\u{fffd}");
                writeln!(f, "{direction} {name}: {value}")?;
            }
            // What a server sends must not control the terminal that shows it.
            _ if line.contains(char::is_control) => {
                writeln!(f, "{direction} {}", line.replace(char::is_control, "\u{fffd}"))?;
            }
            _ => writeln!(f, "{direction} {line}")?,
        }
    }
    Ok(())
}

fn without_credentials(text: &str) -> Cow<'_, str> {
    match Url::parse(text) {
        Ok(url) if url.has_credentials() => url.without_credentials().to_string().into(),
        // In a relative reference, what stands before an `@` may be a password.
        Err(_) if text.contains('@') => "[redacted]".into(),
        Ok(_) | Err(_) => text.into(),
    }
}

/// The listeners of a session.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Rc<Vec<Listener>>>);

type Listener = Box<dyn Fn(&Trace<'_>)>;

impl Tracer {
    pub(crate) fn add(&mut self, listener: impl Fn(&Trace<'_>) + 'static) {
        // The list is not shared before the session is built.
        if let Some(listeners) = Rc::get_mut(self.0.get_or_insert_default()) {
            listeners.push(Box::new(listener));
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
            listeners.iter().for_each(|listener| listener(&trace));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_printed() {
        let head = b"GET / HTTP/1.1\r\nhost: h\r\nauthorization: Basic c2VjcmV0\r\nCookie: a=secret\r\n\r\n";
        let shown = Trace::RequestHead(head).to_string();
        assert_eq!(
            shown,
            "> GET / HTTP/1.1\n> host: h\n> authorization: [redacted]\n> Cookie: [redacted]\n> \n"
        );
    }

    #[test]
    fn credentials_in_urls_are_not_printed() {
        let shown = |location: &str| {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
            Trace::ResponseHead(head.as_bytes()).to_string().lines().nth(1).map(str::to_owned)
        };
        assert_eq!(shown("http://ann:secret@h/x").as_deref(), Some("< Location: http://h/x"));
        assert_eq!(shown("//ann:secret@h/x").as_deref(), Some("< Location: [redacted]"));
        assert_eq!(shown("/x?y").as_deref(), Some("< Location: /x?y"));
    }

    #[test]
    fn what_a_server_sends_cannot_steer_a_terminal() {
        let shown = Trace::ResponseHead(b"HTTP/1.1 200 \x1b[2J\r\n\r\n").to_string();
        assert_eq!(shown, "< HTTP/1.1 200 \u{fffd}[2J\n< \n");
    }
}
