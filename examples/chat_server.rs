//! A chat server: each guest receives what all others write.
//!
//! Queues decide who receives what. Every line goes into one queue, `SAID`; a single task, the dispatcher, takes the lines
//! from there and puts a copy into the queue of each guest. So no guest has to know the others, and none has to wait for one
//! with a slow connection.
//!
//! A guest is two tasks, because it may receive while it sends nothing: one task reads from the connection, one writes to it.
//! They form a group with `Wait::Any`: when the guest disconnects, the first ends and the other is cancelled. `finally`
//! removes the guest from the list, however its tasks ended.
//!
//! Run it: `cargo run --example chat_server` (two simulated guests) or
//! `cargo run --example chat_server -- 127.0.0.1:25000` and, in several terminals, `nc 127.0.0.1 25000`.
//!
//! Then try: the queue of a guest that never reads grows without limit. Give the queue a capacity, use `try_put`, and decide
//! what happens to a guest that is too slow.
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use curio::io::Stream;
use curio::{Queue, ReadHalf, TaskGroup, TcpListener, TcpStream, Wait, WriteHalf, finally, race, run_server};
use curio_support::{Failure, with_server};

static SAID: Queue<String> = Queue::unbounded();

thread_local! {
    static GUESTS: RefCell<Vec<Rc<Queue<String>>>> = RefCell::default();
}

async fn dispatcher() -> io::Result<()> {
    loop {
        let words = SAID.get().await;
        for guest in GUESTS.with_borrow(Vec::clone) {
            guest.put(words.clone()).await;
        }
    }
}

async fn hear(queue: Rc<Queue<String>>, client: WriteHalf<TcpStream>) -> io::Result<()> {
    loop {
        client.sendall(queue.get().await.as_bytes()).await?;
    }
}

async fn speak(name: String, mut client: Stream<ReadHalf<TcpStream>>) -> io::Result<()> {
    let mut lines = client.lines();
    while let Some(line) = lines.next().await {
        SAID.put(format!("{name}: {}\n", line?)).await;
    }
    Ok(())
}

async fn guest(client: TcpStream, _: SocketAddr) -> io::Result<()> {
    client.sendall(b"Your name? ").await?;
    let (reader, writer) = client.into_split();
    let mut reader = Stream::new(reader);
    let name = String::from_utf8_lossy(&reader.readline().await?).trim().to_owned();
    if name.is_empty() {
        return Ok(());
    }
    let queue = Rc::new(Queue::unbounded());
    let visit = async {
        SAID.put(format!("* {name} has come\n")).await;
        let both = TaskGroup::with_wait(Wait::Any);
        both.spawn(hear(Rc::clone(&queue), writer));
        both.spawn(speak(name.clone(), reader));
        both.join().await
    };
    GUESTS.with_borrow_mut(|guests| guests.push(Rc::clone(&queue)));
    let visit = finally(visit, async |_| {
        GUESTS.with_borrow_mut(|guests| guests.retain(|other| !Rc::ptr_eq(other, &queue)));
        SAID.put(format!("* {name} has left\n")).await;
    });
    visit.await?.into_iter().collect()
}

async fn chat_server(listener: TcpListener) -> io::Result<()> {
    race((dispatcher(), run_server(listener, guest))).await
}

async fn enter(server: SocketAddr, name: &str) -> io::Result<Stream<TcpStream>> {
    let mut stream = Stream::new(TcpStream::connect(server).await?);
    stream.read_exactly("Your name? ".len()).await?;
    stream.write(format!("{name}\n").as_bytes()).await?;
    Ok(stream)
}

async fn look(name: &str, stream: &mut Stream<TcpStream>) -> io::Result<()> {
    print!("{name} sees: {}", String::from_utf8_lossy(&stream.readline().await?));
    Ok(())
}

async fn talk(server: SocketAddr) -> Result<(), Failure> {
    let mut ada = enter(server, "Ada").await?;
    look("Ada", &mut ada).await?;
    let mut linus = enter(server, "Linus").await?;
    look("Linus", &mut linus).await?;
    linus.write(b"hello, everybody\n").await?;
    look("Linus", &mut linus).await?;
    drop(linus);
    for _ in 0..3 {
        look("Ada", &mut ada).await?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_server(chat_server, talk))
}
