//! Reads messages of four bytes, and says once a second that there is none yet.
use curio::io::Stream;
use curio::{TcpListener, TcpStream, ignore_after, sleep};
use std::io;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn read_messages(stream: TcpStream) -> io::Result<()> {
    let mut stream = Stream::new(stream);
    loop {
        match ignore_after(SECOND, stream.read_exactly(4)).await {
            Some(message) => println!("{}", String::from_utf8_lossy(&message?)),
            None => println!("no message yet"),
        }
    }
}

async fn main_task() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let sender = TcpStream::connect(listener.local_addr()?).await?;
    let reader = curio::spawn(read_messages(listener.accept().await?.0));
    sender.sendall(b"ab").await?;
    sleep(SECOND * 3 / 2).await;
    sender.sendall(b"cdABCD").await?;
    drop(sender);
    reader.join().await?
}

pub(crate) fn main() {
    println!("{:?}", curio::testing::run(main_task()));
}
