//! An encrypted echo server.
//!
//! rustls does TLS without I/O: it is a state machine with ciphertext on one side and plaintext on the other. What remains is
//! to carry bytes between it and a socket, which `Tls` below does for client and server alike. The HTTP client does the same.
//!
//! Run it: `cargo run --example echo_tls` (it comes with its own client; the certificate is made at the start).
//!
//! Then break it: let the client ask for "elsewhere.test", or trust another authority, and read the error. Print the
//! ciphertext in `recv` to see what is sent.
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use curio::{TcpStream, run_server};
use curio_support::{Failure, TestAuthority, with_server};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

/// TLS over a socket, for client and server.
struct Tls {
    socket: TcpStream,
    machine: Connection,
}

impl Tls {
    /// Some of the data that the peer has sent; empty at the end. Completes the handshake first.
    async fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.flush().await?;
            match self.machine.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            let mut ciphertext = [0; 4096];
            let length = self.socket.recv(&mut ciphertext).await?;
            let mut arrived = &ciphertext[..length];
            loop {
                self.machine.read_tls(&mut arrived)?;
                if let Err(error) = self.machine.process_new_packets() {
                    // Sends the alert that tells the peer what it did wrong.
                    let _ = self.flush().await;
                    return Err(io::Error::other(error));
                }
                if arrived.is_empty() {
                    break;
                }
            }
        }
    }

    async fn sendall(&mut self, data: &[u8]) -> io::Result<()> {
        self.machine.writer().write_all(data)?;
        self.flush().await
    }

    /// Sends close_notify. Without it, the peer could not tell the end of the data from a truncation by an attacker.
    async fn close(&mut self) -> io::Result<()> {
        self.machine.send_close_notify();
        self.flush().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        let mut ciphertext = Vec::new();
        while self.machine.wants_write() {
            self.machine.write_tls(&mut ciphertext)?;
        }
        self.socket.sendall(&ciphertext).await
    }
}

async fn echo_client(socket: TcpStream, config: Arc<ServerConfig>) -> Result<(), Failure> {
    let mut client = Tls { socket, machine: ServerConnection::new(config)?.into() };
    let mut buffer = [0; 1000];
    loop {
        match client.recv(&mut buffer).await? {
            0 => return Ok(client.close().await?),
            length => client.sendall(&buffer[..length]).await?,
        }
    }
}

async fn talk(server: SocketAddr, config: Arc<ClientConfig>) -> Result<(), Failure> {
    let machine = ClientConnection::new(config, ServerName::try_from("localhost")?)?.into();
    let mut stream = Tls { socket: TcpStream::connect(server).await?, machine };
    let mut buffer = [0; 1000];
    for words in ["psst", "this is a secret"] {
        stream.sendall(words.as_bytes()).await?;
        let length = stream.recv(&mut buffer).await?;
        println!("{words} -> {}", String::from_utf8_lossy(&buffer[..length]));
    }
    println!("{:?}, {:?}", stream.machine.protocol_version(), stream.machine.handshake_kind());
    stream.close().await?;
    println!("at the end there come {} bytes", stream.recv(&mut buffer).await?);
    Ok(())
}

fn main() -> Result<(), Failure> {
    let authority = TestAuthority::new()?;
    let (shown, trusted) = (authority.localhost()?.server_config()?, authority.client_config()?);
    let serve =
        |listener| run_server(listener, async move |client, _| echo_client(client, Arc::clone(&shown)).await);
    curio::run(with_server(serve, async |address| talk(address, trusted).await))
}
