//! An HTTP proxy: `CONNECT` for tunnels (RFC 9110 §9.3.6), whole URLs for everything else (RFC 9112 §3.2.2).
//!
//! A connection for forwarding leads to one server only, which is enough for a client that keeps connections by server.

use std::io;

use curio::TcpStream;

use super::{Desk, connect};
use crate::httpbin::base64_encode;

/// The longest head that is read.
const LONGEST: usize = 64 * 1024;

pub(super) async fn serve(desk: &Desk, client: TcpStream) -> io::Result<()> {
    let head = read_head(&client).await?;
    desk.note(head.clone());
    if let Some(credentials) = &desk.credentials {
        let expected = format!("proxy-authorization: Basic {}", base64_encode(credentials.as_bytes()));
        if !head.lines().any(|line| line.eq_ignore_ascii_case(&expected)) {
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"\r\n\
                           Content-Type: text/html\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<h1>Who?</h1>\r\n";
            return client.sendall(refusal.as_bytes()).await;
        }
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let (line, fields) = head.split_once("\r\n").ok_or_else(malformed)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(malformed());
    };
    if method == "CONNECT" {
        let port = port_of(target, None).ok_or_else(malformed)?;
        let Ok(server) = connect(port).await else {
            return client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
        };
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        return relay(client, server).await;
    }
    let rest = target.strip_prefix("http://").ok_or_else(malformed)?;
    let (authority, path) = rest.split_at(rest.find('/').ok_or_else(malformed)?);
    let server = connect(port_of(authority, Some(80)).ok_or_else(malformed)?).await?;
    let fields: String = fields
        .split_inclusive("\r\n")
        .filter(|field| !field.to_ascii_lowercase().starts_with("proxy-authorization:"))
        .collect();
    server.sendall(format!("{method} {path} {version}\r\n{fields}").as_bytes()).await?;
    relay(client, server).await
}

async fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    curio::io::copy_bidirectional(client, server).await.map(drop)
}

/// Byte by byte: what follows the head belongs to the tunnel or the body.
async fn read_head(client: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend(client.read_exactly(1).await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn port_of(authority: &str, usual: Option<u16>) -> Option<u16> {
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse().ok(),
        _ => usual,
    }
}
