//! An echo server within one machine: its address is a file.
//!
//! A Unix socket is used like a TCP one, without ports, names or a network; who may connect is a matter of file
//! permissions. `unix_server` makes the file and removes it when it is cancelled, also by Ctrl-C: the clean-up is
//! part of being cancelled.
//!
//! Run it: `cargo run --example echo_unix` (it talks to itself) or `cargo run --example echo_unix -- /tmp/echo` and,
//! elsewhere, `nc -U /tmp/echo`.
//!
//! Then break it: kill it with `kill -9`, and start it again. Whose file is it now?
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
        // A task begins when the one that spawned it awaits something.
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
