//! Making a connection: name, TCP, TLS.
//!
//! The three steps fail in different ways and their errors are kept apart, but they share one time limit: it makes no
//! difference to the caller which of them a dead network holds up. A host that is an IP address needs no look-up and no
//! thread.

use crate::connection::Connection;
use crate::error::{Error, ErrorKind};
use crate::patience::Limits;
use crate::session::Session;
use crate::stream::Stream;
use crate::timings::Timings;
use crate::tls::TlsStream;
use crate::url::Url;
use curio::TcpStream;
use std::net::{IpAddr, SocketAddr};

/// Connects to the server of this address.
pub(crate) async fn connect(
    session: &Session,
    url: &Url,
    limits: &Limits,
    timings: &mut Timings,
) -> Result<Box<Connection>, Error> {
    let doing = || format!("connecting to {}:{} (name, TCP and TLS)", url.host(), url.port_or_default());
    limits.within(session.settings.connect_timeout, doing, steps(session, url, timings)).await?
}

async fn steps(session: &Session, url: &Url, timings: &mut Timings) -> Result<Box<Connection>, Error> {
    let addresses = addresses(session, url, timings).await?;
    let began = curio::clock();
    let tcp = connect_to_any(&addresses).await?;
    timings.connect = Some(since(began));
    // The head and the body of a request leave in one piece; there is nothing to wait for.
    let _ = tcp.set_nodelay(true);
    let peer = match addresses[..] {
        [address] => Some(address),
        _ => tcp.peer_addr().ok(),
    };
    let stream = if url.is_https() {
        let began = curio::clock();
        let tls = TlsStream::handshake(tcp, session.tls(), url.host()).await?;
        timings.tls = Some(since(began));
        Stream::Tls(tls)
    } else {
        Stream::Plain(tcp)
    };
    Ok(Box::new(Connection::new(stream, peer, session.settings.protocol_limits.clone())))
}

async fn addresses(session: &Session, url: &Url, timings: &mut Timings) -> Result<Vec<SocketAddr>, Error> {
    let (host, port) = (url.host(), url.port_or_default());
    if let Some(&address) = session.settings.addresses.get(host) {
        let port = if address.port() == 0 { port } else { address.port() };
        return Ok(vec![SocketAddr::new(address.ip(), port)]);
    }
    if let Some(ip) = ip_literal(host) {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let began = curio::clock();
    let found = curio::getaddrinfo(host, port).await;
    timings.dns = Some(since(began));
    let found =
        found.map_err(|cause| Error::new(ErrorKind::Dns, "finding the server's address").because(cause))?;
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Dns, format!("finding the server's address: {host} has none")));
    }
    Ok(found)
}

/// The host as an address, if it is one. In a URL, IPv6 addresses stand in brackets (RFC 3986 §3.2.2).
fn ip_literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

async fn connect_to_any(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let shown = addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" or ");
    // One address is in the message already; of several, the cause tells how each of them failed.
    let connected = match *addresses {
        [address] => TcpStream::connect(address).await,
        _ => curio::net::connect_to_any(addresses.to_vec()).await,
    };
    connected.map_err(|cause| Error::new(ErrorKind::Connect, format!("connecting to {shown}")).because(cause))
}

fn since(began: std::time::Instant) -> std::time::Duration {
    curio::clock().saturating_duration_since(began)
}
