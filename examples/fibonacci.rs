//! A server that computes, and still responds to all of its clients.
//!
//! Each line with a number asks for that Fibonacci number, which is computed in the slowest way possible. In the task itself
//! the computation would delay all other clients; `run_in_thread` moves it to a thread, and the kernel goes on serving the
//! others. (Curio needs a *process* for it, because of Python's global interpreter lock.)
//!
//! Run it: `cargo run --example fibonacci` (it comes with its own clients) or
//! `cargo run --example fibonacci -- 127.0.0.1:25000` and, in two other terminals, `nc 127.0.0.1 25000`: ask for 45 in
//! one, and for small numbers in the other.
//!
//! Then break it: call `fib(n)` without the thread. And what happens when more clients than the machine has cores
//! ask for 45 at once? See `KernelBuilder::max_worker_threads`.
use std::net::SocketAddr;

use curio::io::Stream;
use curio::{TcpStream, join, run_in_thread, run_server};
use curio_support::{Failure, with_server};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn fib(n: u32) -> u64 {
    if n < 2 { n.into() } else { fib(n - 1) + fib(n - 2) }
}

async fn answer(question: &str) -> Outcome<String> {
    match question.parse() {
        Ok(n @ 0..=90) => Ok(run_in_thread(move || fib(n)).await?.to_string()),
        Ok(n) => Ok(format!("{n} is too much for me")),
        Err(error) => Ok(format!("{question:?}: {error}")),
    }
}

async fn serve_client(client: TcpStream, _: SocketAddr) -> Outcome<()> {
    let mut client = Stream::new(client);
    loop {
        let line = client.readline().await?;
        if line.is_empty() {
            return Ok(());
        }
        let answer = answer(String::from_utf8_lossy(&line).trim()).await?;
        client.write(format!("{answer}\n").as_bytes()).await?;
    }
}

async fn ask(server: SocketAddr, questions: &[&str]) -> Outcome<()> {
    let mut server = Stream::new(TcpStream::connect(server).await?);
    for question in questions {
        server.write(format!("{question}\n").as_bytes()).await?;
        let answer = server.readline().await?;
        println!("{question} -> {}", String::from_utf8(answer)?.trim());
    }
    Ok(())
}

async fn talk(server: SocketAddr) -> Result<(), Failure> {
    // The expensive request comes first, and the others do not wait for it.
    let (hard, easy) = join!(ask(server, &["36"]), ask(server, &["7", "8", "91", "many"]));
    hard?;
    easy?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_server(|listener| run_server(listener, serve_client), talk))
}
