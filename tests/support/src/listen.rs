//! Opening a listening socket with the two settings that a test server needs and `bind` does not offer.
//!
//! - The **backlog**: how many connections the system queues until they are accepted. Ten thousand clients that connect at
//!   once exceed the usual 128, and a connection that exceeds it is not refused but retried a second later, so that a test
//!   becomes slow instead of failing.
//! - The **linger time**: with a linger time of zero, closing a socket sends a reset instead of an end of
//!   stream. An accepted socket inherits it from the listener, which is what lets a hostile server reset a
//!   connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use curio::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

/// What closing an accepted socket does to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnClose {
    /// The stream ends regularly (FIN), as with any socket.
    EndOfStream,
    /// The connection is reset (RST) unless it was shut down and has ended on both sides before.
    Reset,
}

/// Listens on 127.0.0.1; port 0 lets the system choose a free one.
pub(crate) fn listen(port: u16, on_close: OnClose) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // A fixed port can be taken again at once after a restart.
    socket.set_reuse_address(true)?;
    if on_close == OnClose::Reset {
        socket.set_linger(Some(Duration::ZERO))?;
    }
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// The system may have a lower limit of its own (`net.core.somaxconn`); it then uses that.
const BACKLOG: i32 = 4096;
