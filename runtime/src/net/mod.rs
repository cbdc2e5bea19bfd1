//! Sockets, and how they wait.
//!
//! ```text
//! socket.rs     Op        try the system call; wait only when it would block
//! named.rs                sockets in words, for those who ask what a task waits for
//! address.rs              what can be connected to, or listened on; getaddrinfo
//! stream.rs               the methods of every byte stream: recv, sendall, read_exactly, …
//! tcp.rs                  TcpStream, TcpListener
//! unix.rs                 UnixStream, UnixListener
//! split.rs                ReadHalf, WriteHalf: a stream for two tasks
//! senders.rs    Senders   tasks that wait to send on one datagram socket
//! udp.rs                  UdpSocket
//! datagram.rs             receiving one, the same on Windows
//! unix_datagram.rs        UnixDatagram
//! connect.rs              open_connection: Happy Eyeballs
//! server.rs               tcp_server, unix_server, run_server
//! any_address.rs          listening on every address, IPv6 and IPv4
//! accept_errors.rs        which errors of accept end a server
//! error_codes.rs          errno, where the standard library has no name for it
//! socket_file.rs          the file of a Unix server's socket
//! ```
//!
//! A server that sends everything back, and a client:
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use curio::{TcpListener, TcpStream, run_server, spawn};
//!
//! curio::run(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?;
//!     let server = spawn(run_server(listener, async |client: TcpStream, _peer| {
//!         let mut buffer = [0; 1024];
//!         loop {
//!             match client.recv(&mut buffer).await? {
//!                 0 => return std::io::Result::Ok(()),
//!                 length => client.sendall(&buffer[..length]).await?,
//!             }
//!         }
//!     }));
//!     let client = curio::open_connection("127.0.0.1", address.port()).await?;
//!     client.sendall(b"hello").await?;
//!     assert_eq!(client.read_exactly(5).await?, b"hello");
//!     server.cancel().await;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! Chapter 6 of the tour, `docs/tour/06-when-is-a-socket-ready.md` in the repository, follows a packet to the poll of a task.

mod accept_errors;
mod address;
mod any_address;
mod connect;
mod datagram;
mod error_codes;
mod named;
mod senders;
mod server;
pub(crate) mod socket;
#[cfg(unix)]
mod socket_file;
mod split;
pub(crate) mod stream;
mod tcp;
mod udp;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_datagram;

pub use address::{Addresses, ToAddresses, getaddrinfo};
pub use connect::{connect_to_any, connect_to_any_with, in_progress, open_connection};
#[cfg(unix)]
pub use server::unix_server;
pub use server::{HandlerResult, Listener, run_server, tcp_server};
pub use split::{EndWriting, ReadHalf, WriteHalf};
pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixListener, UnixStream, open_unix_connection};
#[cfg(unix)]
pub use unix_datagram::UnixDatagram;
