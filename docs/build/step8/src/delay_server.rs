//! A server that takes its time: it answers `GET /delay/3` after three units of time.

use crate::http::read_head;
use crate::sleep::sleep;
use crate::task::spawn;
use crate::tcp::{TcpListener, TcpStream};
use std::io;
use std::time::Duration;

/// Serves each connection in a task of its own, until it is cancelled.
///
/// # Errors
/// When accepting fails.
pub async fn delay_server(listener: TcpListener, unit: Duration) -> io::Result<()> {
    loop {
        let stream = listener.accept().await?;
        spawn(async move {
            if let Err(error) = answer(stream, unit).await {
                eprintln!("a client of the delay server: {error}");
            }
        });
    }
}

async fn answer(stream: TcpStream, unit: Duration) -> io::Result<()> {
    let (head, _) = read_head(&stream).await?;
    let count = head.strip_prefix("GET /delay/").and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    let count = count.ok_or(io::ErrorKind::InvalidInput)?;
    sleep(count * unit).await;
    let body = format!("{{\"delay\": {count}}}");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.sendall((head + &body).as_bytes()).await
}
