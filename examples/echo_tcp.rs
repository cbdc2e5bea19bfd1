//! An echo server with `run_server` and a function for one client.
//!
//! `run_server` accepts connections, runs each client in a task of its own, and cancels all of them when it is cancelled. A
//! client whose function returns an error or panics is reported and does not affect the others. The stream on top of the
//! socket reads lines, so the server can answer with the line and its length.
//!
//! Run it: `cargo run --example echo_tcp` (it comes with its own clients) or
//! `cargo run --example echo_tcp -- 127.0.0.1:25000` and, in another terminal, `nc 127.0.0.1 25000`. Ctrl-C ends it.
//!
//! Then try: send it bytes that are not UTF-8 (`head -c 20 /dev/urandom | nc …`), and read what the server reports. Does it
//! still serve others?
use std::net::SocketAddr;

use curio::io::Stream;
use curio::{TaskGroup, TcpStream, run_server};
use curio_support::{Failure, with_server};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

async fn echo_client(client: TcpStream, _: SocketAddr) -> Outcome<()> {
    let mut client = Stream::new(client);
    loop {
        let line = String::from_utf8(client.readline().await?)?;
        if line.is_empty() {
            return Ok(());
        }
        let line = line.trim_end();
        client.write(format!("{line}, that is {} letters\n", line.chars().count()).as_bytes()).await?;
    }
}

async fn ask(server: SocketAddr, name: &str) -> Outcome<String> {
    let mut stream = Stream::new(TcpStream::connect(server).await?);
    stream.write(format!("my name is {name}\nI must go\n").as_bytes()).await?;
    stream.close().await?;
    Ok(String::from_utf8(stream.readall().await?)?)
}

async fn talk(server: SocketAddr) -> Result<(), Failure> {
    let group = TaskGroup::new();
    for name in ["Ada", "Linus", "Éric"] {
        group.spawn(ask(server, name));
    }
    for answer in group.try_join().await? {
        print!("{answer}");
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_server(|listener| run_server(listener, echo_client), talk))
}
