//! Happy Eyeballs by hand: connecting to a host some of whose IP addresses do not work.
//!
//! A name may have many IP addresses, and some may not respond at all. Trying one after the other may take minutes;
//! trying all at once wastes the server's resources. RFC 8305 is a compromise: begin with the first address, and start
//! the next attempt after a quarter of a second or as soon as one fails; the first connection wins. Curio's version is
//! known for its brevity, and so this one is short: a task group, `ignore_after`, and the group's cancellation of the
//! attempts that are left.
//!
//! Run it: `cargo run --example happy_eyeballs` simulates a host with one address that refuses and one that never responds.
//! `cargo run --example happy_eyeballs -- www.rust-lang.org 443` connects to a real one.
//!
//! Then try: what is missing from the RFC? (Alternating address families, for one: compare `open_connection` in
//! `runtime/src/net/connect.rs`.) Who closes the sockets of the attempts that were cancelled?
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use curio::{
    Outcome, TaskGroup, TcpListener, TcpStream, finally, getaddrinfo, ignore_after, open_connection, sleep,
};
use curio_support::Failure;

const HEAD_START: Duration = Duration::from_millis(250);

async fn connect_to_any<D>(addresses: Vec<SocketAddr>, dial: D) -> Result<TcpStream, Failure>
where
    D: AsyncFn(SocketAddr) -> io::Result<TcpStream> + Copy + 'static,
{
    let group = TaskGroup::new();
    for address in addresses {
        println!("{address}: trying");
        group.spawn(attempt(address, dial));
        // Goes on at once when the attempt fails; when it connects, no other attempt is needed.
        if let Some(Some(attempt)) = ignore_after(HEAD_START, group.next_result()).await
            && let Some(stream) = attempt?
        {
            group.cancel_remaining().await;
            return Ok(stream);
        }
    }
    // All attempts have begun: the first that connects wins, the others are cancelled.
    group.join_object().await?.ok_or_else(|| "no address could be reached".into())
}

async fn attempt(
    address: SocketAddr,
    dial: impl AsyncFn(SocketAddr) -> io::Result<TcpStream>,
) -> Option<TcpStream> {
    let connecting = finally(dial(address), async |outcome| {
        if outcome == Outcome::Cancelled {
            println!("{address}: given up");
        }
    });
    match connecting.await {
        Ok(stream) => {
            println!("{address}: connected");
            Some(stream)
        }
        Err(error) => {
            println!("{address}: {error}");
            None
        }
    }
}

/// A simulated network with three addresses.
async fn little_internet(address: SocketAddr) -> io::Result<TcpStream> {
    match address.to_string().as_str() {
        REFUSES => Err(io::ErrorKind::ConnectionRefused.into()),
        NEVER_ANSWERS => {
            sleep(Duration::from_secs(3600)).await;
            Err(io::ErrorKind::TimedOut.into())
        }
        _ => TcpStream::connect(address).await,
    }
}

const REFUSES: &str = "192.0.2.1:80";
const NEVER_ANSWERS: &str = "[2001:db8::1]:80";

async fn main_task(arguments: Vec<String>) -> Result<(), Failure> {
    if let [host, port] = &arguments[..] {
        let port = port.parse()?;
        let stream = connect_to_any(getaddrinfo(host, port).await?, TcpStream::connect).await?;
        println!("By hand: {}", stream.peer_addr()?);
        println!("By open_connection: {}", open_connection(host, port).await?.peer_addr()?);
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addresses = vec![NEVER_ANSWERS.parse()?, REFUSES.parse()?, listener.local_addr()?];
    let stream = connect_to_any(addresses, little_internet).await?;
    println!("By hand: {}", stream.peer_addr()?);
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(main_task(std::env::args().skip(1).collect()))
}
