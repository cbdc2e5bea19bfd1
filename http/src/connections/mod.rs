//! Connections: how they are made, kept, shared, read and written.
//!
//! ```text
//! pool.rs          idle connections by origin, and slots for those in use
//! idle_reaper.rs   closes idle connections that are expired or closed by the server
//! keep_alive.rs    how long a server keeps an idle connection
//! route.rs         direct, through a proxy, over a Unix socket, or by a connector
//! dialer.rs        a new connection: DNS, TCP, proxy, TLS
//! socket_options.rs  sockets with a local address, an interface, or keepalive (feature `socket-options`)
//! resolver.rs      addresses of hosts; shared lookups; the address filter
//! public_addresses.rs  an address filter: public IP addresses only
//! connector.rs     custom transports
//! proxy/           proxy settings, tunnels, SOCKS
//! connection.rs    the loop between a stream and the protocol
//! http2/           connections that several requests share (feature `http2`)
//! failure.rs       how an exchange on a connection fails
//! deadline.rs      read timeout and total timeout
//! timings.rs       how long each phase took
//! stream.rs        plain TCP, TLS, or a custom stream; the send buffer
//! tls/             TLS over a stream
//! read_buffer.rs   a read buffer that the connections of a thread share
//! upgraded.rs      the stream after a 101
//! ```

pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod deadline;
pub(crate) mod dialer;
pub(crate) mod failure;
#[cfg(feature = "http2")]
pub(crate) mod http2;
mod idle_reaper;
mod keep_alive;
pub(crate) mod pool;
pub(crate) mod proxy;
pub(crate) mod public_addresses;
mod read_buffer;
pub(crate) mod resolver;
pub(crate) mod route;
#[cfg(feature = "socket-options")]
pub(crate) mod socket_options;
pub(crate) mod stream;
pub(crate) mod timings;
pub(crate) mod tls;
pub(crate) mod upgraded;
