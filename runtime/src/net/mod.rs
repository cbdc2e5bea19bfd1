//! TCP, and how a socket waits.
//!
//! ```text
//! socket.rs     Op        try the system call; wait only when it would block
//! address.rs              what can be connected to, or listened on
//! tcp.rs                  TcpStream, TcpListener
//! stream.rs               what every byte stream can do: recv, sendall, read_exactly, …
//! connect.rs              open_connection: names, then Happy Eyeballs
//! server.rs               tcp_server, run_server
//! ```

mod address;
mod connect;
mod server;
mod socket;
mod stream;
mod tcp;

pub use address::{Addresses, ToAddresses};
pub use connect::{getaddrinfo, open_connection};
pub use server::{HandlerResult, run_server, tcp_server};
pub use tcp::{TcpListener, TcpStream};
