//! Listening on every address of this machine, IPv6 and IPv4.
//!
//! One IPv6 socket serves both families where that is the system's default: on Linux and macOS it is. On Windows, on
//! some BSDs, and on a Linux with `net.ipv6.bindv6only`, an IPv6 socket takes IPv6 alone (RFC 3493 §5.3), so there
//! are two.

use super::tcp::{TcpListener, TcpStream};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;

/// The sockets of one server.
pub(super) struct AnyAddress {
    listener: TcpListener,
    /// For IPv4, where `listener` is for IPv6 alone.
    ipv4: Option<TcpListener>,
    /// The two listeners are polled first in turn, so that many clients of one family do not starve the other.
    ipv4_first: Cell<bool>,
}

impl From<TcpListener> for AnyAddress {
    fn from(listener: TcpListener) -> AnyAddress {
        AnyAddress { listener, ipv4: None, ipv4_first: Cell::new(false) }
    }
}

impl AnyAddress {
    /// # Errors
    /// The port is taken, or may not be used. Where there is no IPv6, IPv4 is enough.
    pub(super) async fn bind(port: u16) -> io::Result<AnyAddress> {
        let bind_ipv4 = async |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
        let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
            Ok(listener) => listener,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) =>
            {
                return Err(error);
            }
            Err(_no_ipv6) => return Ok(bind_ipv4(port).await?.into()),
        };
        let ipv4 = match ipv6_sockets_take_ipv6_alone()? {
            true => Some(bind_ipv4(listener.local_addr()?.port()).await?),
            false => None,
        };
        Ok(AnyAddress { listener, ipv4, ipv4_first: Cell::new(false) })
    }

    pub(super) async fn accept_at(
        &self,
        at: &'static Location<'static>,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let Some(ipv4) = &self.ipv4 else { return self.listener.accept_at(at).await };
        let (mut ipv6, mut ipv4) = (pin!(self.listener.accept_at(at)), pin!(ipv4.accept_at(at)));
        let ipv4_first = self.ipv4_first.replace(!self.ipv4_first.get());
        // The other one may be dropped: a dropped accept accepted nothing.
        poll_fn(move |cx| {
            if ipv4_first && let Poll::Ready(accepted) = ipv4.as_mut().poll(cx) {
                return Poll::Ready(accepted);
            }
            match ipv6.as_mut().poll(cx) {
                Poll::Pending if !ipv4_first => ipv4.as_mut().poll(cx),
                polled => polled,
            }
        })
        .await
    }
}

/// The default of the option `IPV6_V6ONLY`, which the standard library's listeners have. A UDP socket can be asked for it;
/// on Windows the default is known.
fn ipv6_sockets_take_ipv6_alone() -> io::Result<bool> {
    Ok(cfg!(windows) || mio::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0).into())?.only_v6()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_sockets_both_are_served_in_turns() -> io::Result<()> {
        crate::run(async {
            let any = async || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let (one, other) = (any().await?, any().await?);
            let addresses = [one.local_addr()?, other.local_addr()?];
            let sockets = AnyAddress { listener: one, ipv4: Some(other), ipv4_first: Cell::new(false) };
            let mut clients = Vec::new();
            for address in [addresses, addresses].concat() {
                clients.push(TcpStream::connect(address).await?);
            }
            let mut served = Vec::new();
            for _ in 0..4 {
                let (stream, peer) = sockets.accept_at(Location::caller()).await?;
                served.push(stream.local_addr()?);
                assert!(clients.iter().any(|client| client.local_addr().ok() == Some(peer)));
            }
            assert_eq!(served, [addresses, addresses].concat());
            Ok(())
        })
    }
}
