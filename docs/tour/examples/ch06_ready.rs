//! A reader waits for two messages, which come a second after one another.
use curio::{TcpListener, TcpStream};
use std::io;
use std::time::Duration;

async fn sender(stream: TcpStream) -> io::Result<()> {
    for message in ["first", "second"] {
        curio::sleep(Duration::from_secs(1)).await;
        stream.sendall(message.as_bytes()).await?;
    }
    Ok(())
}

async fn main_task() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _) = listener.accept().await?;
    let sender = curio::spawn_named("sender", sender(server));
    let mut buffer = [0; 1024];
    while let count @ 1.. = client.recv(&mut buffer).await? {
        println!("{}", String::from_utf8_lossy(&buffer[..count]));
    }
    sender.join().await?
}

fn main() -> io::Result<()> {
    curio::run(main_task())
}
