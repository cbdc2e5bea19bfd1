//! A client that speaks just enough HTTP/1.1: `GET`, a head, a body whose length is known.
//!
//! HTTP is text over a byte stream. A read returns whatever has arrived: half of a line, or a head and the beginning of the
//! body. So the client reads until the blank line that ends the head, keeps what came after it, and then reads until the
//! body has the length that the head has announced. A stream that ends before that is an error, not a short body.

use crate::run_in_thread::run_in_thread;
use crate::tcp::TcpStream;
use std::io;
use std::net::ToSocketAddrs;

/// What can go wrong with a request.
pub type Error = io::Error;

/// Sends requests, each on a connection of its own.
#[derive(Default)]
pub struct ClientSession;

impl ClientSession {
    /// A session.
    pub fn new() -> ClientSession {
        ClientSession
    }

    /// Requests a URL, and returns when the head of the response is there.
    ///
    /// # Errors
    /// `InvalidInput` for a URL that is not `http://host/path`, `InvalidData` for a response that is not understood, and those
    /// of the network.
    pub async fn get(&self, url: String) -> Result<Response, Error> {
        let (host, path) = parse_url(&url).ok_or(io::ErrorKind::InvalidInput)?;
        let stream = open_connection(host).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.sendall(request.as_bytes()).await?;
        let (head, body) = read_head(&stream).await?;
        let (status, length) =
            parse_head(&head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, head))?;
        Ok(Response { url, status, length, stream, body })
    }
}

/// A response: its head is there, its body is read on demand.
pub struct Response {
    url: String,
    status: u16,
    length: usize,
    stream: TcpStream,
    /// What has been received of it.
    body: Vec<u8>,
}

impl Response {
    /// The URL that was requested.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    /// `UnexpectedEof` if the connection ends before the body, `InvalidData` if it is not UTF-8.
    pub async fn text(&mut self) -> Result<String, Error> {
        while self.body.len() < self.length {
            receive(&self.stream, &mut self.body).await?;
        }
        let body = self.body[..self.length].to_vec();
        String::from_utf8(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// `http://host/path`: the host, with its port if it has one, and the path.
fn parse_url(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://").filter(|rest| !rest.contains(char::is_whitespace))?;
    rest.find('/').map(|slash| rest.split_at(slash))
}

/// The status and the length of the body.
fn parse_head(head: &str) -> Option<(u16, usize)> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let (_, length) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    Some((status, length.trim().parse().ok()?))
}

/// Looks the name up, which blocks, and so in a thread, and connects to its first address.
async fn open_connection(host: &str) -> io::Result<TcpStream> {
    let name = if host.contains(':') { host.to_string() } else { format!("{host}:80") };
    let found = run_in_thread(move || name.to_socket_addrs()).await.map_err(|_| io::ErrorKind::Other)?;
    TcpStream::connect(found?.next().ok_or(io::ErrorKind::NotFound)?).await
}

/// The head of a message without the blank line, and what has been received after it.
pub(crate) async fn read_head(stream: &TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let body = received.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&received[..end]).into_owned(), body));
        }
        receive(stream, &mut received).await?;
    }
}

/// Adds what has arrived.
async fn receive(stream: &TcpStream, received: &mut Vec<u8>) -> io::Result<()> {
    let mut buf = [0; 4096];
    let count = stream.recv(&mut buf).await?;
    received.extend_from_slice(&buf[..count]);
    if count > 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
