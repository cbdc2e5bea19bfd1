//! TLS over another stream: rustls as a machine without I/O, and the socket that feeds it.
//!
//! ```text
//! trust.rs           which certificates are trusted; the configuration of rustls
//! verify.rs          verifiers that explain, or accept anything
//! pem.rs             certificates and keys out of PEM text
//! certificate.rs     the dates and names of a certificate
//! record_buffer.rs   ciphertext that is not decrypted yet
//! error.rs           TLS failures in words
//! info.rs            TlsInfo: version, cipher suite, certificates
//! key_log.rs         secrets in a file, for Wireshark
//! ```
//!
//! rustls has a form that owns no buffer and makes no call: it is given the bytes that have come, and says what is to
//! be done next. That suits us, because both buffers can then be what this client wants them to be:
//!
//! * *Incoming* bytes are read in large pieces, as many records at a time as the socket has, into a block that all
//!   connections of the thread share. A connection that waits keeps only the beginning of a record whose rest has not
//!   come, so one that waits for its answer costs no more than rustls itself.
//! * *Outgoing* records are written behind each other and sent in one system call. The client's last handshake
//!   message is not sent on its own either: it leaves together with the first request.
//!
//! The machine is driven in one place, [`TlsStream::turn`]: it runs until it has made something or needs something.
//!
//! # The end of a stream
//! TLS says goodbye with an alert, `close_notify` (RFC 8446 §6.1); an end without it may have been made by somebody in
//! between. Many servers omit it, and for a message that carries its own length it does not matter. For one that ends
//! with the connection it is the difference between whole and cut short, so the two ends are told apart here and
//! judged by whoever knows the framing.

mod certificate;
mod error;
mod info;
mod key_log;
mod pem;
mod record_buffer;
pub(crate) mod trust;
mod verify;

pub(crate) use error::Explained;
pub use info::TlsInfo;

use crate::connections::stream::{Look, SendBuffer, Stream};
use crate::error::{Error, ErrorKind};
use record_buffer::RecordBuffer;
use rustls::ClientConfig;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// What one record adds to its content: header, nonce, tag, content type.
const RECORD_OVERHEAD: usize = 64;
/// The most content a record holds (RFC 8446 §5.1).
const RECORD: usize = 16 * 1024;

pub(crate) struct TlsStream {
    below: Stream,
    machine: UnbufferedClientConnection,
    incoming: RecordBuffer,
    /// Decrypted, but there was no room for it.
    decrypted: Vec<u8>,
    taken: usize,
    outgoing: SendBuffer,
    /// The other side has said goodbye.
    received_close_notify: bool,
    /// The socket has no more bytes.
    ended: bool,
    /// Why the machine can't go on. It must not be asked again.
    failed: Option<rustls::Error>,
}

/// Why the machine stopped.
#[derive(PartialEq, Eq)]
enum Stopped {
    /// The memory given to it is full, or there is nothing more to decrypt for now.
    Made(usize),
    /// It needs bytes from the other side; the handshake is not over.
    InHandshake,
    /// It needs bytes from the other side; requests may be sent.
    Established,
}

impl TlsStream {
    /// Makes the handshake. The last message of ours may still be in the buffer afterwards: the first request takes it
    /// along. `early` has come from the server already, behind a proxy's consent to the tunnel; it is for the machine
    /// to judge.
    ///
    /// # Errors
    /// Of kind [`Tls`](ErrorKind::Tls), in words that say what is wrong with the certificate.
    pub(crate) async fn handshake(
        below: Stream,
        config: Arc<ClientConfig>,
        host: &str,
        early: &[u8],
    ) -> Result<Box<TlsStream>, Error> {
        let failed = |cause: Explained| {
            Error::new(ErrorKind::Tls, format!("TLS handshake with {host}")).because(cause)
        };
        let name = server_name(host)?;
        let machine = UnbufferedClientConnection::new(config, name)
            .map_err(|cause| failed(Explained::new(cause, host)))?;
        let mut stream = Box::new(TlsStream {
            below,
            machine,
            incoming: RecordBuffer::default(),
            decrypted: Vec::new(),
            taken: 0,
            outgoing: SendBuffer::default(),
            received_close_notify: false,
            ended: false,
            failed: None,
        });
        if !early.is_empty() {
            let accepted = stream.incoming.put(early);
            accepted.map_err(|cause| failed(Explained::broken(cause)))?;
        }
        loop {
            match stream.turn(&mut []) {
                Ok(Stopped::InHandshake) => {}
                Ok(_) => return Ok(stream),
                Err(_) if stream.incoming.starts_with(b"HTTP/") => {
                    return Err(failed(Explained::plain_http()));
                }
                Err(cause) => {
                    stream.send_alert().await;
                    return Err(failed(Explained::new(cause, host)));
                }
            }
            match poll_fn(|cx| stream.poll_exchange(cx)).await {
                Ok(()) if !stream.ended => {}
                Ok(()) => return Err(failed(Explained::closed())),
                Err(cause) => return Err(failed(Explained::broken(cause))),
            }
        }
    }

    /// Sends what is to be sent and reads what there is to read.
    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.below.poll_send(cx, &mut self.outgoing))?;
        self.poll_fill(cx)
    }

    /// Reads decrypted bytes; none at the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if self.taken < self.decrypted.len() {
                return Poll::Ready(Ok(self.take_decrypted(space)));
            }
            if !self.incoming.is_empty() || self.failed.is_some() {
                let stopped = self.turn(space).map_err(as_io)?;
                // An answer to a key update, say. What the socket does not take now goes out before the next request. If
                // sending fails, the next request finds out: what has come is good all the same, and may be the reason.
                let _ = self.below.poll_send(cx, &mut self.outgoing);
                if let Stopped::Made(n) = stopped {
                    return Poll::Ready(Ok(n));
                }
            }
            if self.received_close_notify || self.ended {
                return Poll::Ready(Ok(0));
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    /// Encrypts everything in `out` and sends as much as the socket takes now.
    pub(crate) fn try_send(&mut self, out: &mut SendBuffer) {
        if !out.is_empty() && self.encrypt(out.unsent()).is_ok() {
            out.clear();
        }
        self.below.try_send(&mut self.outgoing);
    }

    /// Encrypts everything in `out`, behind what is still to be sent, and sends it all.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut SendBuffer) -> Poll<io::Result<()>> {
        if !out.is_empty() {
            self.encrypt(out.unsent())?;
            out.clear();
        }
        self.below.poll_send(cx, &mut self.outgoing)
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.outgoing.is_empty() && self.below.is_flushed()
    }

    /// Whether neither side has ended the stream, as far as is known without a look at the socket.
    pub(crate) fn is_open(&self) -> bool {
        !self.received_close_notify && !self.ended && self.failed.is_none() && self.below.is_open()
    }

    /// Whether nothing has come since the last read. Session tickets, which may come late, are taken in and do not count.
    pub(crate) fn is_quiet(&mut self, look: Look) -> bool {
        if !self.is_open() {
            return false;
        }
        if look == Look::AtSocket {
            self.ask_socket();
        }
        if let Stream::Plain(tcp) = &self.below
            && tcp.is_quiet()
        {
            return self.decrypted.is_empty() && self.incoming.is_empty();
        }
        let mut cx = Context::from_waker(Waker::noop());
        let quiet = self.poll_read(&mut cx, &mut [0]).is_pending();
        self.release_buffers();
        quiet
    }

    /// Brings the readiness of the socket at the bottom up to date, so that the next read finds what has come.
    fn ask_socket(&self) {
        match &self.below {
            Stream::Plain(tcp) => {
                tcp.is_quiet_now();
            }
            Stream::Tls(tls) => tls.ask_socket(),
            Stream::Foreign(_) => {}
        }
    }

    /// What the handshake has agreed on; `known` is what an earlier one with the same server has.
    pub(crate) fn info(&self, known: Option<TlsInfo>) -> Option<TlsInfo> {
        TlsInfo::of(&self.machine, known)
    }

    /// The stream ended without the alert that marks its end.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.ended && !self.received_close_notify
    }

    /// Gives back what an idle connection does not need.
    pub(crate) fn release_buffers(&mut self) {
        if self.taken == self.decrypted.len() {
            self.decrypted = Vec::new();
            self.taken = 0;
        }
        self.outgoing.shrink();
        self.below.release_buffers();
    }

    /// Sends `close_notify` and closes the sending side.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.queue_close_notify()?;
        ready!(self.below.poll_send(cx, &mut self.outgoing))?;
        self.below.poll_close(cx)
    }

    /// Runs the machine until it has filled `space` or needs something. Decrypted bytes that do not fit go to
    /// `decrypted`; if there is no space at all, everything that has come does. What was decrypted before an error is
    /// returned first, and the error by the next call.
    fn turn(&mut self, space: &mut [u8]) -> Result<Stopped, rustls::Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut made = 0;
        let stopped = self.run(space, &mut made);
        if let Err(error) = &stopped {
            self.failed = Some(error.clone());
            self.take_alert();
        }
        if made > 0 { Ok(Stopped::Made(made)) } else { stopped }
    }

    /// The machine has failed, and may have prepared an alert that tells the other side why. It comes out of the next
    /// call; a call after that would look at the bad message again.
    fn take_alert(&mut self) {
        let UnbufferedStatus { state, .. } = self.machine.process_tls_records(self.incoming.unread());
        if let Ok(ConnectionState::EncodeTlsData(mut alert)) = state {
            let _ = append(&mut self.outgoing.bytes, RECORD, |room| encode(&mut alert, room));
        }
    }

    /// Counts in `made` what it has put into `space`.
    fn run(&mut self, space: &mut [u8], made: &mut usize) -> Result<Stopped, rustls::Error> {
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.machine.process_tls_records(self.incoming.unread());
            let mut stopped = None;
            let state = match state {
                Ok(state) => state,
                Err(error) => {
                    self.incoming.consume(discard);
                    return Err(error);
                }
            };
            match state {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        let fits = record.payload.len().min(space.len() - *made);
                        space[*made..*made + fits].copy_from_slice(&record.payload[..fits]);
                        *made += fits;
                        self.decrypted.extend_from_slice(&record.payload[fits..]);
                    }
                    if *made == space.len() && *made > 0 {
                        stopped = Some(Stopped::Made(*made));
                    }
                }
                ConnectionState::EncodeTlsData(mut message) => {
                    append(&mut self.outgoing.bytes, RECORD, |room| encode(&mut message, room))?;
                }
                // It is in `outgoing`, which is sent before anything else.
                ConnectionState::TransmitTlsData(transmit) => transmit.done(),
                ConnectionState::PeerClosed => self.received_close_notify = true,
                ConnectionState::BlockedHandshake => stopped = Some(Stopped::InHandshake),
                ConnectionState::WriteTraffic(_) | ConnectionState::Closed => {
                    stopped = Some(Stopped::Established)
                }
                _ => return Err(rustls::Error::General("an unexpected state of the TLS machine".into())),
            }
            self.incoming.consume(discard);
            if let Some(stopped) = stopped {
                return Ok(stopped);
            }
        }
    }

    fn encrypt(&mut self, content: &[u8]) -> io::Result<()> {
        self.when_established(content.len(), |traffic, room| match traffic.encrypt(content, room) {
            Err(EncryptError::InsufficientSize(size)) => Ok(Err(size.required_size)),
            Err(EncryptError::EncryptExhausted) => Err(rustls::Error::EncryptError),
            Ok(n) => Ok(Ok(n)),
        })
    }

    fn queue_close_notify(&mut self) -> io::Result<()> {
        self.when_established(0, |traffic, room| match traffic.queue_close_notify(room) {
            Err(EncryptError::InsufficientSize(size)) => Ok(Err(size.required_size)),
            Err(EncryptError::EncryptExhausted) => Err(rustls::Error::EncryptError),
            Ok(n) => Ok(Ok(n)),
        })
    }

    /// Gets the machine into the state in which it takes content to send, and lets `write` append to `outgoing`.
    fn when_established(
        &mut self,
        content: usize,
        mut write: impl FnMut(&mut WriteTraffic<'_>, &mut [u8]) -> Result<Result<usize, usize>, rustls::Error>,
    ) -> io::Result<()> {
        // What has come in the meantime is decrypted first, into `decrypted`, to be read later.
        if self.turn(&mut []).map_err(as_io)? == Stopped::InHandshake {
            return Err(io::Error::other("the TLS handshake is not complete"));
        }
        let estimate = content + (content / RECORD + 1) * RECORD_OVERHEAD;
        let UnbufferedStatus { discard, state } = self.machine.process_tls_records(self.incoming.unread());
        let written = match state.map_err(as_io)? {
            ConnectionState::WriteTraffic(mut traffic) => {
                append(&mut self.outgoing.bytes, estimate, |room| write(&mut traffic, room)).map_err(as_io)
            }
            _ => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the TLS connection is closed")),
        };
        self.incoming.consume(discard);
        written
    }

    /// Reads from the socket. At the end of the stream, sets `ended`.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Poll::Ready(read) = self.below.poll_read(cx, self.incoming.space()?) else {
            self.incoming.release_block();
            return Poll::Pending;
        };
        let n = read?;
        self.ended = n == 0;
        self.incoming.filled(n);
        Poll::Ready(Ok(()))
    }

    fn take_decrypted(&mut self, space: &mut [u8]) -> usize {
        let waiting = &self.decrypted[self.taken..];
        let n = waiting.len().min(space.len());
        space[..n].copy_from_slice(&waiting[..n]);
        self.taken += n;
        if self.taken == self.decrypted.len() {
            self.decrypted.clear();
            self.taken = 0;
        }
        n
    }

    /// Tells the other side why the handshake ends, if that can be done without waiting.
    async fn send_alert(&mut self) {
        poll_fn(|cx| {
            let _ = self.below.poll_send(cx, &mut self.outgoing);
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for TlsStream {
    /// Sends `close_notify` (RFC 9112 §9.8: a client must) if the socket takes it at once; nothing is waited for. After an
    /// error, the alert that tells the server why has its place.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.failed.is_none() {
            // Refused in the middle of a handshake, and after `poll_close`, which has sent it already.
            let _ = self.queue_close_notify();
        }
        self.below.try_send(&mut self.outgoing);
    }
}

type WriteTraffic<'a> = rustls::unbuffered::WriteTraffic<'a, ClientConnectionData>;
type EncodeTlsData<'a> = rustls::unbuffered::EncodeTlsData<'a, ClientConnectionData>;

/// Writes one of the machine's own messages into `room`; the inner error is the room that it needs.
fn encode(message: &mut EncodeTlsData<'_>, room: &mut [u8]) -> Result<Result<usize, usize>, rustls::Error> {
    match message.encode(room) {
        Ok(n) => Ok(Ok(n)),
        Err(EncodeError::InsufficientSize(size)) => Ok(Err(size.required_size)),
        Err(EncodeError::AlreadyEncoded) => Ok(Ok(0)),
    }
}

/// Lets `write` fill the room behind `bytes`, and gives it the room it asks for if it says that was too little.
fn append(
    bytes: &mut Vec<u8>,
    estimate: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<Result<usize, usize>, rustls::Error>,
) -> Result<(), rustls::Error> {
    let end = bytes.len();
    let mut room = estimate;
    loop {
        bytes.resize(end + room, 0);
        match write(&mut bytes[end..]) {
            Ok(Ok(n)) => {
                bytes.truncate(end + n);
                return Ok(());
            }
            Ok(Err(required)) if required > room => room = required,
            Ok(Err(_)) => {
                bytes.truncate(end);
                return Err(rustls::Error::General(
                    "the TLS machine asks for less room than it was given".into(),
                ));
            }
            Err(error) => {
                bytes.truncate(end);
                return Err(error);
            }
        }
    }
}

/// The name to ask for (SNI) and to find in the certificate: an IP address as such, a name without the dot that may
/// end it (RFC 6066 §3).
fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    ServerName::try_from(bare.to_owned()).map_err(|cause| {
        Error::new(ErrorKind::Tls, format!("{host} cannot be the name on a certificate")).because(cause)
    })
}

fn as_io(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Explained::from(error))
}
