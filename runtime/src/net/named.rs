//! Sockets and pipes in words, for those who ask what a task waits for. Their addresses are looked up then.

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UdpSocket};
use std::fmt::Display;
use std::io;

/// What a [`Socket`](super::socket::Socket) can be made of.
pub(crate) trait Named: Source {
    /// `socket 127.0.0.1:80 (from 127.0.0.1:41234, fd 9)`
    fn name(&self) -> String;
}

impl Named for TcpStream {
    fn name(&self) -> String {
        connected("socket", self.peer_addr(), self.local_addr(), &handle(self))
    }
}

impl Named for UdpSocket {
    fn name(&self) -> String {
        connected("UDP socket", self.peer_addr(), self.local_addr(), &handle(self))
    }
}

impl Named for TcpListener {
    fn name(&self) -> String {
        listening(self.local_addr(), &handle(self))
    }
}

/// One that has no peer (any more, or yet) is named by its own address.
fn connected<A: Display>(
    what: &str,
    peer: io::Result<A>,
    local: io::Result<impl Display>,
    handle: &str,
) -> String {
    match (peer, local) {
        (Ok(peer), Ok(local)) => format!("{what} {peer} (from {local}, {handle})"),
        (Ok(peer), Err(_)) => format!("{what} {peer} ({handle})"),
        (Err(_), Ok(local)) => format!("{what} without a peer (at {local}, {handle})"),
        (Err(_), Err(_)) => format!("{what} ({handle})"),
    }
}

fn listening(local: io::Result<impl Display>, handle: &str) -> String {
    match local {
        Ok(local) => format!("listening socket {local} ({handle})"),
        Err(_) => format!("listening socket ({handle})"),
    }
}

#[cfg(unix)]
fn handle(source: &impl std::os::fd::AsRawFd) -> String {
    format!("fd {}", source.as_raw_fd())
}

#[cfg(windows)]
fn handle(source: &impl std::os::windows::io::AsRawSocket) -> String {
    format!("handle {}", source.as_raw_socket())
}

#[cfg(unix)]
mod unix {
    use super::{Named, connected, handle, listening};
    use mio::net::{UnixDatagram, UnixListener, UnixStream};
    use std::io;
    use std::os::unix::net::SocketAddr;

    impl Named for UnixStream {
        fn name(&self) -> String {
            connected("Unix socket", path(self.peer_addr()), path(self.local_addr()), &handle(self))
        }
    }

    impl Named for UnixDatagram {
        fn name(&self) -> String {
            connected("Unix socket", path(self.peer_addr()), path(self.local_addr()), &handle(self))
        }
    }

    impl Named for UnixListener {
        fn name(&self) -> String {
            listening(path(self.local_addr()), &handle(self))
        }
    }

    /// An error for a socket that has none, such as one of a pair.
    fn path(address: io::Result<SocketAddr>) -> io::Result<String> {
        let address = address?;
        let path = address.as_pathname().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(format!("{path:?}"))
    }
}

#[cfg(all(unix, feature = "signals"))]
mod pipes {
    use super::{Named, handle};
    use mio::unix::pipe;

    impl Named for pipe::Receiver {
        fn name(&self) -> String {
            format!("pipe ({})", handle(self))
        }
    }

    impl Named for pipe::Sender {
        fn name(&self) -> String {
            format!("pipe ({})", handle(self))
        }
    }
}
