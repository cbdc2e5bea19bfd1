//! An echo server made of sockets only: a listener, a loop that accepts, a task for each client.
//!
//! This is Curio's first example, and shows what a server is. While one client is idle, the others are served: at each
//! `await` that has to wait, the kernel runs other tasks.
//!
//! Run it: `cargo run --example echo_by_hand` (it comes with its own clients) or
//! `cargo run --example echo_by_hand -- 127.0.0.1:25000` and, in another terminal, `nc 127.0.0.1 25000`.
//!
//! Then break it: write `echo_client(client).await?` in place of the `spawn`, and connect twice. And what happens to all
//! clients when one `accept` fails, because its client left too soon or the process has too many open files?
//! `curio::run_server` is this loop with such questions answered: see `echo_tcp`.
use std::io;
use std::net::SocketAddr;

use curio::{TcpListener, TcpStream};
use curio_support::{Failure, with_server};

async fn echo_server(listener: TcpListener) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        // It is never joined.
        curio::spawn(echo_client(client)).detach();
    }
}

async fn echo_client(client: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1000];
    loop {
        let length = client.recv(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        client.sendall(&buffer[..length]).await?;
    }
}

async fn talk(server: SocketAddr) -> Result<(), Failure> {
    // Both are connected before either has sent anything.
    let ada = TcpStream::connect(server).await?;
    let linus = TcpStream::connect(server).await?;
    for (name, client, words) in [("Linus", &linus, "hello"), ("Ada", &ada, "hi"), ("Linus", &linus, "bye")] {
        client.sendall(words.as_bytes()).await?;
        let echo = client.read_exactly(words.len()).await?;
        println!("{name} says {words} and hears {}", String::from_utf8(echo)?);
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_server(echo_server, talk))
}
