//! An echo server for clients on the same machine: it listens on a path.
//!
//! A Unix socket is used like a TCP socket, without ports, names or a network; file permissions decide who may connect.
//! `unix_server` creates the socket file and removes it when it is cancelled, also by Ctrl-C: cleanup is part of
//! cancellation.
//!
//! Run it: `cargo run --example echo_unix` (it comes with its own client) or `cargo run --example echo_unix -- /tmp/echo`
//! and, in another terminal, `nc -U /tmp/echo`.
//!
//! Then break it: kill it with `kill -9`, and start it again. What does it do with the file that was left?
#[cfg(unix)]
mod program {
    use std::io;
    use std::path::{Path, PathBuf};

    use curio::{UnixStream, open_unix_connection, schedule, unix_server};
    use curio_support::Failure;

    async fn echo_client(client: UnixStream, _: std::os::unix::net::SocketAddr) -> io::Result<()> {
        let (reader, writer) = client.into_split();
        curio::io::copy(reader, writer).await?;
        Ok(())
    }

    async fn talk(path: &Path) -> io::Result<()> {
        let client = open_unix_connection(path).await?;
        for words in ["hello", "is anybody there?"] {
            client.sendall(words.as_bytes()).await?;
            let echo = client.read_exactly(words.len()).await?;
            println!("{words} -> {}", String::from_utf8_lossy(&echo));
        }
        Ok(())
    }

    pub async fn main_task(path: Option<PathBuf>) -> Result<(), Failure> {
        if let Some(path) = path {
            println!("Listening at {}", path.display());
            return Ok(unix_server(path, echo_client).await?);
        }
        let path = std::env::temp_dir().join(format!("curio-echo-{}", std::process::id()));
        let server = curio::spawn(unix_server(&path, echo_client));
        // A new task is polled first when the task that spawned it waits.
        schedule().await;
        println!("The socket is there: {}", path.exists());
        talk(&path).await?;
        server.cancel().await;
        println!("The socket is there: {}", path.exists());
        Ok(())
    }
}

#[cfg(unix)]
fn main() -> Result<(), curio_support::Failure> {
    curio::run(program::main_task(std::env::args_os().nth(1).map(Into::into)))
}

#[cfg(not(unix))]
fn main() {
    println!("There are no Unix sockets here.");
}
