//! A program that hangs, for trying the monitor: `CURIO_MONITOR=1 cargo run --example stuck`, and in another terminal
//! `cargo run --example monitor_client` with `why 1`.
//!
//! Main waits for a cache that the refresher has locked; the refresher waits for a server that never answers.
use std::rc::Rc;

use curio::debug::region;
use curio::{Lock, TcpListener, TcpStream, spawn_named};

async fn refresh(cache: Rc<Lock<String>>, server: TcpStream) -> std::io::Result<()> {
    let mut cache = cache.acquire().await;
    let answer = region("asking for news", async {
        server.sendall(b"news?").await?;
        server.read_exactly(64).await
    });
    *cache = String::from_utf8_lossy(&answer.await?).into_owned();
    Ok(())
}

async fn main_task() -> std::io::Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let server = TcpStream::connect(silent.local_addr()?).await?;
    let cache = Rc::new(Lock::new(String::new()));
    let refresher = spawn_named("refresher", refresh(Rc::clone(&cache), server));
    curio::schedule().await;
    println!("waiting for the cache; Ctrl-C ends this");
    println!("{}", *cache.acquire().await);
    refresher.join().await.map_err(std::io::Error::other)?
}

fn main() -> std::io::Result<()> {
    curio::run(main_task())
}
