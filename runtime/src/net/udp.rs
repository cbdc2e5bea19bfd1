//! UDP: single messages, each with a sender and a length, none of them sure to arrive.

use super::address::ToAddresses;
use super::datagram;
use super::senders::Senders;
use super::socket::{Attempt, Socket};
use crate::kernel::reactor::Direction;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;

/// A UDP socket.
///
/// Methods take `&self`: one task may receive while others send.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::UdpSocket;
///
/// curio::run(async {
///     let server = UdpSocket::bind("127.0.0.1:0").await?;
///     let client = UdpSocket::bind("127.0.0.1:0").await?;
///     client.send_to(b"ping", server.local_addr()?).await?;
///
///     let mut message = [0; 1500];
///     let (length, sender) = server.recv_from(&mut message).await?;
///     assert_eq!(&message[..length], b"ping");
///     assert_eq!(sender, client.local_addr()?);
///     Ok(())
/// })
/// # }
/// ```
///
/// Connected to one peer, and with options of the standard library's socket:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::UdpSocket;
///
/// curio::run(async {
///     let server = UdpSocket::bind("127.0.0.1:0").await?;
///     let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
///     socket.set_ttl(16)?;
///     let client = UdpSocket::from_std(socket)?;
///     client.set_broadcast(true)?;
///     client.connect(server.local_addr()?).await?;
///     assert_eq!(client.peer_addr()?, server.local_addr()?);
///     client.send(b"ping").await?;
///     assert_eq!(server.recv(&mut [0; 1500]).await?, 4);
///     Ok(())
/// })
/// # }
/// ```
pub struct UdpSocket {
    socket: Socket<mio::net::UdpSocket>,
    senders: Senders,
}

impl UdpSocket {
    /// A socket on the first of the addresses that can be bound. Port 0 takes any free one;
    /// [`local_addr`](Self::local_addr) returns it. A name is looked up in a thread. Cancel-safe.
    ///
    /// # Errors
    /// The look-up's or the last address's error; it names the address.
    #[track_caller]
    pub fn bind<A: ToAddresses>(address: A) -> impl Future<Output = io::Result<UdpSocket>> {
        let at = Location::caller();
        let addresses = address.to_addresses();
        async move {
            let source = addresses?.bind(at, mio::net::UdpSocket::bind).await?;
            Ok(UdpSocket { socket: Socket::new(source)?, senders: Senders::new() })
        }
    }

    /// Takes over a socket of the standard library, with whatever options it has.
    ///
    /// # Errors
    /// The operating system refuses to watch it.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        socket.set_nonblocking(true)?;
        let socket = Socket::new(mio::net::UdpSocket::from_std(socket))?.used_before();
        Ok(UdpSocket { socket, senders: Senders::new() })
    }

    /// Sets the peer to which [`send`](Self::send) sends and from which alone messages are received: the first of the
    /// addresses that works. Names are resolved in a thread. Sends nothing. Cancel-safe.
    ///
    /// # Errors
    /// The look-up's or the last address's error.
    #[track_caller]
    pub fn connect<A: ToAddresses>(&self, address: A) -> impl Future<Output = io::Result<()>> + use<'_, A> {
        let at = Location::caller();
        let addresses = address.to_addresses();
        async move {
            let mut result = Err(io::ErrorKind::InvalidInput.into());
            for address in addresses?.look_up(at).await? {
                result = self.socket.source().connect(address);
                if result.is_ok() {
                    break;
                }
            }
            result
        }
    }

    /// Sends one message to the peer to which the socket is [connected](Self::connect). Cancel-safe.
    ///
    /// # Errors
    /// The operating system's: a message too long, or an earlier one that was refused (`ConnectionRefused`).
    #[track_caller]
    pub fn send<'a>(&'a self, message: &'a [u8]) -> impl Future<Output = io::Result<usize>> + use<'a> {
        self.senders.send(&self.socket, Location::caller(), |socket| socket.send(message))
    }

    /// Receives one message from the peer to which the socket is [connected](Self::connect). A message longer than `buf` is
    /// truncated. Cancel-safe: a dropped receive took nothing.
    ///
    /// # Errors
    /// The operating system's, and `ResourceBusy` if another task waits to receive.
    #[track_caller]
    pub fn recv<'a>(&'a self, buf: &'a mut [u8]) -> impl Future<Output = io::Result<usize>> + use<'a> {
        self.socket
            .op(Direction::Read, Location::caller(), |socket| datagram::recv(socket, buf).map(Attempt::full))
    }

    /// Sends one message to the first of the addresses; a name is looked up in a thread. Cancel-safe.
    ///
    /// # Errors
    /// As [`send`](Self::send), and the look-up's.
    #[track_caller]
    pub fn send_to<'a, A: ToAddresses>(
        &'a self,
        message: &'a [u8],
        address: A,
    ) -> impl Future<Output = io::Result<usize>> + use<'a, A> {
        let at = Location::caller();
        let addresses = address.to_addresses();
        async move {
            let addresses = addresses?.look_up(at).await?;
            self.senders.send(&self.socket, at, |socket| socket.send_to(message, addresses[0])).await
        }
    }

    /// Receives one message from any sender, and returns its length and the sender's address. What is longer than
    /// `buf` is cut off. Cancel-safe: a dropped receive took nothing.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[track_caller]
    pub fn recv_from<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + use<'a> {
        self.socket.op(Direction::Read, Location::caller(), |socket| {
            datagram::recv_from(socket, buf).map(Attempt::full)
        })
    }

    /// Allows sending to broadcast addresses.
    ///
    /// # Errors
    /// The operating system's.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.socket.source().set_broadcast(on)
    }

    /// This end's address.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().local_addr()
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// `NotConnected` if it is not; else the operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().peer_addr()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UdpSocket").field(self.socket.source()).finish()
    }
}
