//! A response that comes in two packets, a second apart: first its head, then its body.
use curio::net::TcpListener;
use curio_http::{ClientSession, Error, Response};
use serde_json::Value;
use std::time::Duration;

async fn server(listener: TcpListener) -> std::io::Result<()> {
    let (client, _) = listener.accept().await?;
    client.recv(&mut [0; 1024]).await?;
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n").await?;
    curio::sleep(Duration::from_secs(1)).await;
    client.sendall(b"{\"ready\":true}").await
}

async fn fetch_one(url: String) -> Result<(Response, Value), Error> {
    let mut response = ClientSession::new().get(url).await?;
    let content = response.json().await?;
    Ok((response, content))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    curio::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        curio::spawn_named("server", server(listener)).detach();
        let (response, content) = curio::spawn(fetch_one(url)).join().await??;
        println!("{} {content}", response.status_code());
        Ok(())
    })
}
