//! A SOCKS proxy: version 5 (RFC 1928), with user name and password (RFC 1929) or without, and version 4A.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use curio::TcpStream;

use super::{Desk, connect};

pub(super) async fn serve(desk: &Desk, client: TcpStream) -> io::Result<()> {
    match client.read_exactly(1).await?[..] {
        [5] => version_5(desk, client).await,
        [4] => version_4(desk, client).await,
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn version_5(desk: &Desk, client: TcpStream) -> io::Result<()> {
    let methods = texts(&client).await?;
    let wanted = if desk.credentials.is_some() { 2 } else { 0 };
    if !methods.contains(&wanted) {
        return client.sendall(&[5, 0xff]).await;
    }
    client.sendall(&[5, wanted]).await?;
    if let Some(credentials) = &desk.credentials {
        let _version = client.read_exactly(1).await?;
        let (user, password) = (texts(&client).await?, texts(&client).await?);
        let given = [&user[..], b":", &password].concat();
        if given != credentials.as_bytes() {
            return client.sendall(&[1, 1]).await;
        }
        client.sendall(&[1, 0]).await?;
    }
    let head = client.read_exactly(4).await?;
    let (kind, host) = match head[3] {
        1 => ("address", Ipv4Addr::from(array::<4>(&client).await?).to_string()),
        4 => ("address", format!("[{}]", Ipv6Addr::from(array::<16>(&client).await?))),
        3 => ("name", String::from_utf8(texts(&client).await?).map_err(io::Error::other)?),
        _ => return client.sendall(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await,
    };
    let port = u16::from_be_bytes(array(&client).await?);
    desk.note(format!("5 {kind} {host}:{port}"));
    match connect(port).await {
        Ok(server) => {
            client.sendall(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await?;
            relay(client, server).await
        }
        Err(_) => client.sendall(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await,
    }
}

async fn version_4(desk: &Desk, client: TcpStream) -> io::Result<()> {
    let _command = client.read_exactly(1).await?;
    let port = u16::from_be_bytes(array(&client).await?);
    let ip = Ipv4Addr::from(array::<4>(&client).await?);
    let user = until_nul(&client).await?;
    let (kind, host) = match ip.octets() {
        [0, 0, 0, 1..=255] => ("name", until_nul(&client).await?),
        _ => ("address", ip.to_string()),
    };
    desk.note(format!("4 {kind} {host}:{port} {user}").trim_end().to_owned());
    match connect(port).await {
        Ok(server) => {
            client.sendall(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
            relay(client, server).await
        }
        Err(_) => client.sendall(&[0, 91, 0, 0, 0, 0, 0, 0]).await,
    }
}

async fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    curio::io::copy_bidirectional(client, server).await.map(drop)
}

/// A length and as many bytes.
async fn texts(client: &TcpStream) -> io::Result<Vec<u8>> {
    let [length] = array(client).await?;
    client.read_exactly(usize::from(length)).await
}

async fn array<const N: usize>(client: &TcpStream) -> io::Result<[u8; N]> {
    client.read_exactly(N).await?.try_into().map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

async fn until_nul(client: &TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        match client.read_exactly(1).await?[..] {
            [0] => return String::from_utf8(text).map_err(io::Error::other),
            [byte] if text.len() < 1024 => text.push(byte),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
