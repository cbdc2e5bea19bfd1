//! What passes over the wire, for whoever wants to see it: `curl -v` for a session.
//!
//! One mechanism with two uses. The session holds a list of functions, each connection a handle on it, and the places
//! where something happens say so with a [`Trace`]. A program gets it as a value
//! ([`on_trace`](crate::ClientSessionBuilder::on_trace)); printed, it is the text that
//! [`verbose`](crate::ClientSessionBuilder::verbose) writes to standard error, in curl's notation: `*` for what is being
//! done, `>` for what is sent, `<` for what comes.
//!
//! The value holds the bytes as they are; the printed form leaves credentials out, because what is printed ends up in
//! logs. Where nobody listens, all this costs a look at an empty `Option`.

use crate::url::Url;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// Something that happened on the way of a request, for [`on_trace`](crate::ClientSessionBuilder::on_trace).
///
/// `Display` is one or several whole lines, each with its line end, without credentials: fields that hold some show
/// `[redacted]` in their place.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Trace<'a> {
    /// A connection was made.
    #[non_exhaustive]
    Connected {
        /// The host and port that were asked for.
        host: &'a str,
        /// The address that answered; `None` for a connection that has no address.
        peer: Option<SocketAddr>,
        /// How long the name, TCP and TLS took together.
        took: Duration,
    },
    /// A connection from the pool is used.
    #[non_exhaustive]
    Reused {
        /// The address at its other end.
        peer: Option<SocketAddr>,
        /// How long it lay in the pool.
        idle: Duration,
    },
    /// A request head, as it is sent. It may hold credentials.
    RequestHead(&'a [u8]),
    /// A response head as it came, an interim one (1xx) included. It may hold cookies.
    ResponseHead(&'a [u8]),
    /// Something else that is done: waiting for a go-ahead, sending again, closing.
    Note(&'a str),
}

/// Fields whose values are secrets or as good as that.
const SECRET: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "authentication-info"];

/// Fields whose values are addresses, which may hold a password.
const ADDRESSES: [&str; 3] = ["location", "content-location", "referer"];

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
            Some((name, value)) if ADDRESSES.iter().any(|address| address.eq_ignore_ascii_case(name)) => {
                let value = without_credentials(value.trim()).replace(char::is_control, "\u{fffd}");
                writeln!(f, "{direction} {name}: {value}")?;
            }
            // What a server sends must not move the cursor of the terminal it is shown on.
            _ if line.contains(char::is_control) => {
                writeln!(f, "{direction} {}", line.replace(char::is_control, "\u{fffd}"))?;
            }
            _ => writeln!(f, "{direction} {line}")?,
        }
    }
    Ok(())
}

fn without_credentials(address: &str) -> Cow<'_, str> {
    match Url::parse(address) {
        Ok(url) if url.has_credentials() => url.without_credentials().to_string().into(),
        // Without a scheme it cannot be told apart where a password would be.
        Err(_) if address.contains('@') => "[redacted]".into(),
        Ok(_) | Err(_) => address.into(),
    }
}

/// Whoever listens to a session.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Rc<Vec<Listener>>>);

type Listener = Box<dyn Fn(&Trace<'_>)>;

impl Tracer {
    pub(crate) fn add(&mut self, listener: impl Fn(&Trace<'_>) + 'static) {
        // The builder is the only one that has it, so nobody shares the list yet.
        if let Some(listeners) = Rc::get_mut(self.0.get_or_insert_default()) {
            listeners.push(Box::new(listener));
        }
    }

    /// Tells everybody something that has to be put into words first.
    pub(crate) fn message(&self, text: impl FnOnce() -> String) {
        if self.0.is_some() {
            let text = text();
            self.emit(|| Trace::Note(&text));
        }
    }

    /// Tells everybody, if there is anybody.
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
    fn credentials_in_addresses_are_not_printed() {
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
