//! TCP streams and listeners.

use crate::reactor::Direction;
use crate::socket::Socket;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// A TCP connection. Dropping it closes it.
pub struct TcpStream {
    socket: Socket<mio::net::TcpStream>,
}

impl TcpStream {
    /// Receives up to `buf.len()` bytes as soon as there are any; 0 at the end of the stream.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.op(Direction::Read, |mut source| source.read(buf)).await
    }

    /// Sends all bytes. If this future is dropped, a part of them may have been sent.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn sendall(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.socket.op(Direction::Write, |mut source| source.write(bytes)).await?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }
}

/// Accepts TCP connections.
pub struct TcpListener {
    socket: Socket<mio::net::TcpListener>,
}

impl TcpListener {
    /// Listens on an address; port 0 is any free port.
    ///
    /// # Errors
    /// The operating system's.
    ///
    /// # Panics
    /// Outside of a kernel.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        Ok(TcpListener { socket: Socket::new(mio::net::TcpListener::bind(address)?)? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source.local_addr()
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.socket.op(Direction::Read, mio::net::TcpListener::accept).await?;
        Ok(TcpStream { socket: Socket::new(stream)? })
    }
}
