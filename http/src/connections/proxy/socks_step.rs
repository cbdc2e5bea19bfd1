//! The interface of the state machines of both SOCKS versions.

use std::borrow::Cow;
use std::net::SocketAddr;

/// Why the proxy, or the protocol, refuses the connection.
pub(super) type Refused = Cow<'static, str>;

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Send `say`, and read `expect` bytes for the next step.
    Talk {
        say: Vec<u8>,
        expect: usize,
    },
    Done,
}

/// The server that the proxy is to connect to.
pub(crate) enum Destination<'a> {
    Address(SocketAddr),
    Name(&'a str, u16),
}
