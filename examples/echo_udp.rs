//! An echo server without connections.
//!
//! UDP carries messages, not streams: one socket receives from all clients, and each message comes with the address of its
//! sender, to which the reply is sent. There is nothing to accept and nothing to close. Messages can get lost without an
//! error, so the client puts a timeout on each wait, and sends its message again.
//!
//! Run it: `cargo run --example echo_udp` (it comes with its own client) or
//! `cargo run --example echo_udp -- 127.0.0.1:26000` and, in another terminal, `nc -u 127.0.0.1 26000`. Ctrl-C ends it.
//!
//! Then break it: let the server reply only to every second message. What does the client do?
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use curio::{UdpSocket, ignore_after};
use curio_support::Failure;

async fn echo_server(socket: UdpSocket) -> io::Result<()> {
    let mut message = [0; 1500];
    loop {
        let (length, sender) = socket.recv_from(&mut message).await?;
        socket.send_to(&message[..length], sender).await?;
    }
}

async fn ask(socket: &UdpSocket, question: &str) -> io::Result<String> {
    let mut answer = [0; 1500];
    for _ in 0..5 {
        socket.send(question.as_bytes()).await?;
        match ignore_after(Duration::from_millis(500), socket.recv(&mut answer)).await {
            Some(length) => return Ok(String::from_utf8_lossy(&answer[..length?]).into_owned()),
            None => println!("no answer; once more"),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

async fn talk(server: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(server).await?;
    for question in ["is anybody there?", "are you sure?", ""] {
        println!("{question:?} -> {:?}", ask(&socket, question).await?);
    }
    Ok(())
}

async fn main_task(address: Option<String>) -> Result<(), Failure> {
    let socket = UdpSocket::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let here = socket.local_addr()?;
    println!("Listening on {here}");
    if address.is_some() {
        return Ok(echo_server(socket).await?);
    }
    let server = curio::spawn(echo_server(socket));
    talk(here).await?;
    server.cancel().await;
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(main_task(std::env::args().nth(1)))
}
