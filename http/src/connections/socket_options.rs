//! Options of a connection's socket: the address and the interface that it is bound to, and TCP keepalive.
//!
//! The standard library and mio connect a socket in the same call that makes it. Here socket2 makes it, sets its options, and
//! begins to connect it; the runtime waits for the end.

use curio::TcpStream;
use curio::net::in_progress;
use socket2::{Domain, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The options of a session's sockets. An option that is `None` is left as the operating system sets it.
#[derive(Default, PartialEq)]
pub(crate) struct SocketOptions {
    pub(crate) local_address: Option<IpAddr>,
    pub(crate) interface: Option<String>,
    /// How long a connection is silent before it is probed.
    pub(crate) keepalive: Option<Duration>,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) keepalive_retries: Option<u32>,
}

impl SocketOptions {
    pub(crate) fn are_set(&self) -> bool {
        *self != SocketOptions::default()
    }

    /// Connects to one of the addresses by Happy Eyeballs.
    pub(crate) async fn connect(&self, addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        let reachable = self.reachable(addresses)?;
        // The caller names the address if there is only one.
        match addresses {
            [address] => TcpStream::from_connecting(self.begin(*address)?).await,
            _ => curio::net::connect_to_any_with(reachable, |address| self.begin(address)).await,
        }
    }

    /// The addresses of the local address's version of IP.
    fn reachable(&self, addresses: &[SocketAddr]) -> io::Result<Vec<SocketAddr>> {
        let Some(local) = self.local_address else { return Ok(addresses.to_vec()) };
        let reachable: Vec<_> =
            addresses.iter().copied().filter(|address| address.is_ipv4() == local.is_ipv4()).collect();
        if reachable.is_empty() {
            let other = if local.is_ipv4() { "IPv6" } else { "IPv4" };
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("the session's local_address {local} cannot reach {other} addresses"),
            ));
        }
        Ok(reachable)
    }

    /// A socket that is connecting.
    fn begin(&self, address: SocketAddr) -> io::Result<std::net::TcpStream> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        if let Some(interface) = &self.interface {
            bind_to_interface(&socket, interface)
                .map_err(naming(|| format!("binding to the interface {interface:?}")))?;
        }
        if let Some(local) = self.local_address {
            let bound = socket.bind(&SocketAddr::new(local, 0).into());
            bound.map_err(naming(|| format!("binding to the local address {local}")))?;
        }
        if let Some(keepalive) = self.tcp_keepalive() {
            let set = socket.set_tcp_keepalive(&keepalive);
            set.map_err(naming(|| "setting TCP keepalive".into()))?;
        }
        match socket.connect(&address.into()) {
            Err(error) if !in_progress(&error) => Err(error),
            _ => Ok(socket.into()),
        }
    }

    fn tcp_keepalive(&self) -> Option<TcpKeepalive> {
        if self.keepalive.is_none() && self.keepalive_interval.is_none() && self.keepalive_retries.is_none() {
            return None;
        }
        let mut keepalive = TcpKeepalive::new();
        if let Some(time) = self.keepalive {
            keepalive = keepalive.with_time(time);
        }
        // Elsewhere the builder has no methods that set them.
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
        {
            if let Some(interval) = self.keepalive_interval {
                keepalive = keepalive.with_interval(interval);
            }
            if let Some(retries) = self.keepalive_retries {
                keepalive = keepalive.with_retries(retries);
            }
        }
        Some(keepalive)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind_to_interface(socket: &Socket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

/// Unreachable: the builder refuses interfaces on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bind_to_interface(_socket: &Socket, _interface: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Says what failed, because the operating system's error does not.
fn naming(doing: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", doing()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;
    use std::net::TcpListener;

    fn connecting(options: &SocketOptions) -> std::net::TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        options.begin(listener.local_addr().expect("its address")).expect("a socket")
    }

    #[test]
    fn keepalive_is_off_unless_an_option_asks_for_it() {
        let stream = connecting(&SocketOptions::default());
        assert!(!SockRef::from(&stream).keepalive().expect("the option"));
        let stream = connecting(&SocketOptions {
            keepalive: Some(Duration::from_secs(40)),
            ..SocketOptions::default()
        });
        assert!(SockRef::from(&stream).keepalive().expect("the option"));
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    #[test]
    fn time_interval_and_retries_of_keepalive_are_set() {
        let stream = connecting(&SocketOptions {
            keepalive: Some(Duration::from_secs(40)),
            keepalive_interval: Some(Duration::from_secs(7)),
            keepalive_retries: Some(3),
            ..SocketOptions::default()
        });
        let socket = SockRef::from(&stream);
        assert_eq!(socket.tcp_keepalive_time().expect("the option"), Duration::from_secs(40));
        assert_eq!(socket.tcp_keepalive_interval().expect("the option"), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().expect("the option"), 3);
    }
}
