//! WebSocket messages, on a connection that began as HTTP.
//!
//! The client requests the upgrade, and the server accepts it with `101 Switching Protocols` (RFC 6455 §4). `curio_http` does
//! this part: cookies, proxies, TLS and timeouts are those of the session. What follows is not HTTP. `Response::upgrade`
//! returns the raw stream, and the crate `async-tungstenite`, which does not know Curio, reads and writes messages on it: it
//! needs the traits of `futures_io`, which the stream implements. So does a `TcpStream`, which is what the server uses.
//!
//! Run it: `cargo run --example websocket` (an echo server in this process) or
//! `cargo run --example websocket -- URL` (another server; http or https instead of ws or wss).
//!
//! Then try: `socket.split()`, with one task that sends and another that receives. And what does the client report if the
//! server is `cargo run --example httpbin`?
use std::net::SocketAddr;

use async_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use async_tungstenite::tungstenite::protocol::Role;
use async_tungstenite::tungstenite::{self, Message};
use async_tungstenite::{WebSocketStream, accept_async};
use curio::{TcpListener, TcpStream, run_server};
use curio_http::{ClientSession, Upgraded};
use curio_support::Failure;
use futures_util::StreamExt;

async fn connect(session: &ClientSession, url: &str) -> Result<WebSocketStream<Upgraded>, Failure> {
    let key = generate_key();
    let request = session.get(url).header("Connection", "Upgrade").header("Upgrade", "websocket");
    let response = request.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", &key).await?;
    // It must be a WebSocket server that answers, and this question that it answers.
    let proof = response.header("Sec-WebSocket-Accept").map(str::to_owned);
    let stream = response.upgrade()?;
    if proof != Some(derive_accept_key(key.as_bytes())) {
        return Err("the server has switched to something that is no WebSocket".into());
    }
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

async fn talk(url: &str) -> Result<(), Failure> {
    let mut socket = connect(&ClientSession::new(), url).await?;
    for words in ["hello", "is anybody there?"] {
        socket.send(Message::text(words)).await?;
        let answer = socket.next().await.ok_or("the server has left")??;
        println!("{words} -> {answer}");
    }
    socket.close(None).await?;
    while let Some(message) = socket.next().await {
        if message?.is_close() {
            println!("Both have said goodbye");
        }
    }
    Ok(())
}

async fn echo(client: TcpStream, _: SocketAddr) -> Result<(), tungstenite::Error> {
    let mut socket = accept_async(client).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn main_task(url: Option<String>) -> Result<(), Failure> {
    if let Some(url) = url {
        return talk(&url).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let server = curio::spawn(run_server(listener, echo));
    let outcome = talk(&url).await;
    server.cancel().await;
    outcome
}

fn main() -> Result<(), Failure> {
    curio::run(main_task(std::env::args().nth(1)))
}
