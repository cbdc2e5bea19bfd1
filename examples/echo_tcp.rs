//! An echo server in a line and a half: `run_server` and a function for one client.
//!
//! `run_server` accepts, gives each client a task, and ends them all when it is cancelled. A client that fails, or
//! whose function panics, is reported and harms nobody else. The stream on top of the socket reads lines, so that
//! the answer can be: your line, and how long it is.
//!
//! Run it: `cargo run --example echo_tcp` (it talks to itself) or
//! `cargo run --example echo_tcp -- 127.0.0.1:25000` and, elsewhere, `nc 127.0.0.1 25000`. Ctrl-C ends it.
//!
//! Then try: send it bytes that are not UTF-8 (`head -c 20 /dev/urandom | nc …`), and read what the server says
//! about it. Does it still serve others?
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
