//! What the machines of both SOCKS versions take and give.

use std::borrow::Cow;
use std::net::SocketAddr;

/// Why the proxy, or the protocol, refuses the connection.
pub(super) type Refused = Cow<'static, str>;

/// What a machine wants.
#[derive(Debug)]
pub(super) enum Step {
    /// Send this, and come back with as many bytes as `expect` says.
    Talk {
        say: Vec<u8>,
        expect: usize,
    },
    Done,
}

/// Where the proxy is to connect to.
pub(crate) enum Destination<'a> {
    Address(SocketAddr),
    Name(&'a str, u16),
}
