//! A server that writes frames byte by byte, and so can write what h2 never would.

use curio::TcpStream;
use std::io;

/// Frame types (RFC 9113 §6).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// Flags.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A header block with `:status: 200` (RFC 7541, static table).
pub(crate) const STATUS_200: &[u8] = &[0x88];

const PREFACE: usize = 24;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A frame that was received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The server's end of a connection.
pub(crate) struct Raw {
    tcp: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    /// Reads the preface and sends empty settings.
    pub(crate) async fn accept(tcp: TcpStream) -> io::Result<Raw> {
        Raw::with_settings(tcp, &[]).await
    }

    /// Reads the preface and sends settings: pairs of identifier and value.
    pub(crate) async fn with_settings(tcp: TcpStream, settings: &[(u16, u32)]) -> io::Result<Raw> {
        let mut raw = Raw { tcp, received: Vec::new() };
        raw.fill(PREFACE).await?;
        raw.received.drain(..PREFACE);
        let encode = |&(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = settings.iter().flat_map(encode).collect();
        raw.send(&frame(SETTINGS, 0, 0, &payload)).await?;
        Ok(raw)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tcp.sendall(bytes).await
    }

    /// Ends the stream, and reads until the client does, too: closing a socket with unread bytes would reset it.
    pub(crate) async fn end(&mut self) {
        let _ = self.tcp.shutdown(std::net::Shutdown::Write);
        self.rest().await;
    }

    async fn fill(&mut self, n: usize) -> io::Result<()> {
        while self.received.len() < n {
            let mut space = [0; 16 * 1024];
            match self.tcp.recv(&mut space).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => self.received.extend_from_slice(&space[..n]),
            }
        }
        Ok(())
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> io::Result<Frame> {
        self.fill(9).await?;
        let length = usize::from(self.received[0]) << 16
            | usize::from(self.received[1]) << 8
            | usize::from(self.received[2]);
        self.fill(9 + length).await?;
        let bytes: Vec<u8> = self.received.drain(..9 + length).collect();
        let stream = u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]) & 0x7fff_ffff;
        Ok(Frame { kind: bytes[3], flags: bytes[4], stream, payload: bytes[9..].to_vec() })
    }

    /// The next frame of this type; others are passed over, settings are acknowledged.
    pub(crate) async fn next_of(&mut self, kind: u8) -> io::Result<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Ok(frame);
            }
            if frame.kind == SETTINGS && frame.flags & ACK == 0 {
                self.send(&self::frame(SETTINGS, ACK, 0, &[])).await?;
            }
        }
    }

    /// Reads until the client closes the connection; returns the frames.
    pub(crate) async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Ok(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}
