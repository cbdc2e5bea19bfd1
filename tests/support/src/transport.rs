//! A byte stream that is plain TCP or TLS over it.
//!
//! rustls does no I/O: it is a state machine. Ciphertext goes in (`read_tls`) and out (`write_tls`), plaintext comes out
//! (`reader`) and goes in (`writer`). [`Tls`] moves ciphertext between it and the socket. Each step moves bytes from the
//! socket into the state machine without an await in between, so that a read that is dropped loses nothing.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use curio::TcpStream;
use rustls::{ServerConfig, ServerConnection};

/// The server's end of a connection.
pub(crate) enum Transport {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<Tls>),
}

impl Transport {
    /// Reads what has arrived, at least one byte; 0 is the end of the stream.
    ///
    /// Cancel safe: a read that is dropped has taken nothing.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Plain(tcp) => tcp.recv(buffer).await,
            Transport::Tls(tls) => tls.read(buffer).await,
        }
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Transport::Plain(tcp) => tcp.sendall(bytes).await,
            Transport::Tls(tls) => tls.write_all(bytes).await,
        }
    }

    /// Ends the stream; over TLS, sends close_notify before.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        if let Transport::Tls(tls) = self {
            tls.machine.send_close_notify();
            tls.flush().await?;
        }
        self.tcp().shutdown(Shutdown::Write)
    }

    /// The socket below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Transport::Plain(tcp) => tcp,
            Transport::Tls(tls) => &tls.tcp,
        }
    }
}

/// A TLS server's side of one connection.
pub(crate) struct Tls {
    tcp: TcpStream,
    machine: ServerConnection,
    /// Ciphertext that has come, and that the machine has no room for yet: it takes no more while it holds a record's
    /// worth of plain text that has not been read.
    incoming: Vec<u8>,
    /// Ciphertext on its way to the socket. It is kept here and not in `flush`, so that a flush that is dropped
    /// does not tear a record apart.
    outgoing: Vec<u8>,
}

impl Tls {
    /// Performs the handshake.
    ///
    /// # Errors
    /// If the client violates the protocol, refuses the certificate or disconnects.
    pub(crate) async fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let machine = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut tls = Tls { tcp, machine, incoming: Vec::new(), outgoing: Vec::new() };
        while tls.machine.is_handshaking() {
            tls.flush().await?;
            if tls.machine.is_handshaking() && tls.receive().await? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the client left during the handshake",
                ));
            }
        }
        tls.flush().await?;
        Ok(tls)
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.machine.reader().read(buffer) {
                // No plain text yet: rustls wants another record.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            // After an end without close_notify, the reader above says UnexpectedEof.
            self.receive().await?;
            self.flush().await?;
        }
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        // In small parts, so that the state machine never holds much ciphertext.
        for piece in bytes.chunks(PIECE) {
            self.machine.writer().write_all(piece)?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Carries ciphertext from the socket into the machine; returns the number of bytes.
    async fn receive(&mut self) -> io::Result<usize> {
        if self.incoming.is_empty() {
            let mut ciphertext = vec![0; 4096];
            let n = self.tcp.recv(&mut ciphertext).await?;
            ciphertext.truncate(n);
            self.incoming = ciphertext;
        }
        let n = self.incoming.len();
        loop {
            let taken = self.machine.read_tls(&mut &self.incoming[..])?;
            self.incoming.drain(..taken);
            let waiting = match self.machine.process_new_packets() {
                Ok(state) => state.plaintext_bytes_to_read(),
                Err(error) => {
                    // The alert that tells the client what it did wrong is worth a try; the error is what counts.
                    let _ = self.flush().await;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            };
            if self.incoming.is_empty() || waiting > 0 {
                return Ok(n);
            }
        }
    }

    /// Carries all ciphertext that the machine holds into the socket.
    async fn flush(&mut self) -> io::Result<()> {
        while self.machine.wants_write() {
            self.machine.write_tls(&mut self.outgoing)?;
        }
        while !self.outgoing.is_empty() {
            let n = self.tcp.send(&self.outgoing).await?;
            self.outgoing.drain(..n);
        }
        Ok(())
    }
}

/// One TLS record's worth of plain text.
const PIECE: usize = 16 * 1024;
