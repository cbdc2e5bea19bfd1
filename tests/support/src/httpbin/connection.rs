//! One connection: the only place where the reader and the routes meet a socket.
//!
//! The loop implements persistent connections (RFC 9112 §9.3): read a request, respond, repeat. Requests that arrive while
//! one is processed (pipelining, §9.3.2) wait in the reader and are processed in order.
//!
//! While a response is delayed (`/delay`), the connection watches for the client: one that disconnects must not be counted as
//! open for the rest of the delay. So the wait is a read with a timeout.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use curio::TcpStream;
use rustls::ServerConfig;

use super::counters::{Counters, InProgress};
use super::reader::{Event, Reader, Refusal};
use super::reply::{Answer, Body, End, Reply};
use super::request::Request;
use super::routes::{self, Context};
use crate::transport::{Tls, Transport};

/// What all connections of a server share.
pub(super) struct Settings {
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) idle_timeout: Duration,
    pub(super) max_requests: u64,
    pub(super) counters: Counters,
}

/// A connection that is being served.
pub(super) struct Connection {
    transport: Transport,
    reader: Reader,
    peer: SocketAddr,
    settings: Arc<Settings>,
}

impl Connection {
    /// Serves one client until it disconnects or is disconnected.
    ///
    /// # Errors
    /// Those that no client can cause: a client that disconnects at any time is not an error.
    pub(super) async fn serve(tcp: TcpStream, peer: SocketAddr, settings: Arc<Settings>) -> io::Result<()> {
        let _open = settings.counters.connection();
        tcp.set_nodelay(true)?;
        let transport = match &settings.tls {
            None => Transport::Plain(tcp),
            Some(config) => {
                match curio::timeout_after(settings.idle_timeout, Tls::accept(tcp, config.clone())).await {
                    Ok(Ok(tls)) => Transport::Tls(Box::new(tls)),
                    _ => {
                        settings.counters.failed_handshake();
                        return Ok(());
                    }
                }
            }
        };
        let mut connection = Connection { transport, reader: Reader::new(), peer, settings };
        connection.converse().await.or_else(|error| if is_departure(&error) { Ok(()) } else { Err(error) })
    }

    async fn converse(&mut self) -> io::Result<()> {
        let mut served = 0;
        loop {
            let keep_alive = match self.next_request().await? {
                Incoming::Nothing => return Ok(()),
                Incoming::Request(request) => {
                    served += 1;
                    self.answer(request, served < self.settings.max_requests).await?
                }
                Incoming::Refused(refusal) => {
                    self.refuse(refusal).await?;
                    false
                }
            };
            if !keep_alive {
                return self.leave().await;
            }
        }
    }

    /// Reads until a request is complete.
    async fn next_request(&mut self) -> io::Result<Incoming> {
        loop {
            match self.reader.next() {
                Ok(Some(Event::Request(request))) => return Ok(Incoming::Request(request)),
                Ok(Some(Event::Continue)) => {
                    self.transport.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                    continue;
                }
                Ok(None) => {}
                Err(refusal) => return Ok(Incoming::Refused(refusal)),
            }
            let read = self.transport.read(self.reader.space());
            match curio::ignore_after(self.settings.idle_timeout, read).await {
                Some(n) => match n? {
                    0 if self.reader.is_inside_request() => {
                        return Ok(Incoming::Refused(Refusal::new(400, "the request ends in the middle")));
                    }
                    0 => return Ok(Incoming::Nothing),
                    n => self.reader.filled(n),
                },
                None if self.reader.is_inside_request() => {
                    return Ok(Incoming::Refused(Refusal::new(408, "the rest of the request did not come")));
                }
                // RFC 9112 §9.5: an idle connection may be closed at any time.
                None => return Ok(Incoming::Nothing),
            }
        }
    }

    /// Responds to a request. Returns whether the connection is kept open.
    async fn answer(&mut self, request: Request, more_allowed: bool) -> io::Result<bool> {
        let (progress, number) = self.settings.counters.request();
        let context = Context { https: self.settings.tls.is_some(), peer: self.peer.ip(), number };
        let answer = Answer {
            minor_version: request.minor_version,
            to_head: request.method == "HEAD",
            keep_alive: more_allowed && request.wants_keep_alive(),
        };
        let reply = routes::reply(&request, &context);
        // A large body is not needed while the response is delayed or sent slowly.
        drop(request);
        self.send(reply, &answer, Some(progress)).await
    }

    async fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        let answer = Answer { minor_version: 1, to_head: false, keep_alive: false };
        self.send(Reply::from(refusal), &answer, None).await.map(|_| ())
    }

    /// Sends a response according to its plan.
    async fn send(
        &mut self,
        reply: Reply,
        answer: &Answer,
        progress: Option<InProgress>,
    ) -> io::Result<bool> {
        self.wait(reply.wait).await?;
        let (reply, (mut bytes, end)) = match reply.head(answer, SystemTime::now()) {
            Ok(head) => (reply, head),
            Err(refusal) => {
                let reply = Reply::from(refusal);
                let head =
                    reply.head(answer, SystemTime::now()).map_err(|refusal| io::Error::other(refusal.why))?;
                (reply, head)
            }
        };
        match reply.body {
            _ if !reply.has_body(answer) => self.transport.write_all(&bytes).await?,
            Body::Whole(body) => {
                // Head and body go out together: one packet where they fit into one.
                bytes.extend_from_slice(&body);
                self.transport.write_all(&bytes).await?;
            }
            Body::Pieces { pieces, .. } => {
                for piece in pieces {
                    if !piece.wait.is_zero() {
                        self.transport.write_all(&std::mem::take(&mut bytes)).await?;
                        self.wait(piece.wait).await?;
                    }
                    append(&mut bytes, &piece.bytes, end);
                    if bytes.len() >= FLUSH {
                        self.transport.write_all(&bytes).await?;
                        bytes.clear();
                    }
                }
                if end == End::Chunks {
                    bytes.extend_from_slice(b"0\r\n\r\n");
                }
                self.transport.write_all(&bytes).await?;
            }
        }
        if let Some(progress) = progress {
            progress.served();
        }
        Ok(answer.keep_alive && end != End::Close)
    }

    /// Waits, and notices meanwhile if the client disconnects.
    async fn wait(&mut self, duration: Duration) -> io::Result<()> {
        let end = curio::clock() + duration;
        loop {
            let left = end.saturating_duration_since(curio::clock());
            if left.is_zero() {
                return Ok(());
            }
            if self.reader.unused() >= PIPELINED {
                // Enough has been read ahead: the rest is read later.
                curio::sleep(left).await;
                return Ok(());
            }
            match curio::ignore_after(left, self.transport.read(self.reader.space())).await {
                None => return Ok(()),
                Some(n) => match n? {
                    0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the client left")),
                    n => self.reader.filled(n),
                },
            }
        }
    }

    /// Closes so that the client can read the whole response: a socket that is closed with unread bytes is reset, and the
    /// client may see the reset before the response (RFC 9112 §9.6).
    async fn leave(&mut self) -> io::Result<()> {
        self.transport.finish().await?;
        let mut scrap = vec![0; 4096];
        let drain = async {
            let mut left = DRAIN;
            while left > 0 {
                match self.transport.tcp().recv(&mut scrap).await {
                    Ok(n @ 1..) => left -= left.min(n),
                    _ => return,
                }
            }
        };
        // A timeout counts as the end.
        let _ = curio::ignore_after(LINGER, drain).await;
        Ok(())
    }
}

enum Incoming {
    Request(Request),
    Refused(Refusal),
    /// The client disconnected between two requests, or sent nothing for too long.
    Nothing,
}

fn append(bytes: &mut Vec<u8>, piece: &[u8], end: End) {
    // A chunk of size 0 would be the last one.
    if end == End::Chunks && !piece.is_empty() {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    } else {
        bytes.extend_from_slice(piece);
    }
}

/// Whether the error means that the client disconnected, or sent something other than TLS.
fn is_departure(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, NotConnected, TimedOut, UnexpectedEof,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionReset
            | InvalidData
            | NotConnected
            | TimedOut
            | UnexpectedEof
    )
}

/// How much is collected before it is written.
const FLUSH: usize = 16 * 1024;
/// How much is read ahead while a response is delayed.
const PIPELINED: usize = 64 * 1024;
/// How much, and for how long, is read and discarded after the last response.
const DRAIN: usize = 1024 * 1024;
const LINGER: Duration = Duration::from_secs(1);
