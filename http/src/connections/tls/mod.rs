//! TLS over another stream: rustls as a state machine without I/O, connected to the stream.
//!
//! ```text
//! trust.rs           which certificates are trusted; the configuration of rustls
//! verify.rs          certificate verifiers
//! pins.rs            pinned public keys
//! pem.rs             certificates and keys in PEM text
//! certificate.rs     reading the dates and names of a certificate
//! record_buffer.rs   ciphertext that is not decrypted yet
//! error.rs           readable messages for TLS failures
//! info.rs            TlsInfo: version, cipher suite, certificates
//! key_log.rs         TLS secrets in a file, for debugging
//! ```
//!
//! The unbuffered API of rustls owns no buffers and makes no system calls: it gets the bytes that have arrived, and returns
//! what is to be done next. So this client can choose both buffers:
//!
//! * *Incoming* bytes are read in large amounts, as many records at a time as the socket has, into a block that all
//!   connections of the thread share. A connection that waits stores only the beginning of an incomplete record, so one that
//!   waits for a response needs no more memory than rustls itself.
//! * *Outgoing* records are collected and sent in one system call. The client's last handshake message is sent together with
//!   the first request.
//!
//! [`TlsStream::turn`] runs the state machine until it has output or needs input.
//!
//! # The end of a stream
//! TLS ends with an alert, close_notify (RFC 8446 §6.1); an end without it may be a truncation by an attacker. Many servers
//! omit it, and for a message with a declared length it does not matter. For one that ends with the connection it
//! distinguishes a complete message from a truncated one, so the two ends are told apart here, and the code that knows the
//! framing decides.

mod certificate;
mod error;
mod info;
mod key_log;
mod pem;
mod pins;
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

/// The overhead of a record: header, nonce, tag, content type.
const RECORD_OVERHEAD: usize = 64;
/// The most content of a record (RFC 8446 §5.1).
const RECORD: usize = 16 * 1024;
/// The most content that is encrypted before the records are sent.
const ENCRYPTED_AT_ONCE: usize = 4 * RECORD;

pub(crate) struct TlsStream {
    below: Stream,
    machine: UnbufferedClientConnection,
    incoming: RecordBuffer,
    /// Decrypted data that did not fit into the caller's memory.
    decrypted: Vec<u8>,
    taken: usize,
    outgoing: SendBuffer,
    /// The peer has sent close_notify.
    received_close_notify: bool,
    /// The socket has no more bytes.
    ended: bool,
    /// The error of the state machine, which must not be used again.
    failed: Option<rustls::Error>,
}

/// Why the state machine stopped.
#[derive(PartialEq, Eq)]
enum Stopped {
    /// The memory given to it is full, or there is nothing more to decrypt for now.
    Made(usize),
    /// It needs bytes from the peer; the handshake is not complete.
    InHandshake,
    /// It needs bytes from the peer; requests may be sent.
    Established,
}

impl TlsStream {
    /// Performs the handshake. The client's last message may still be in the buffer afterwards, to be sent with the first
    /// request. `early` are bytes of the server that arrived after a proxy's response to CONNECT.
    ///
    /// # Errors
    /// Of kind [`Tls`](ErrorKind::Tls), with a message that says what is wrong, for example with the certificate.
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

    /// Reads decrypted bytes; 0 at the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if self.taken < self.decrypted.len() {
                return Poll::Ready(Ok(self.take_decrypted(space)));
            }
            if !self.incoming.is_empty() || self.failed.is_some() {
                let stopped = self.turn(space).map_err(as_io)?;
                // A response to a key update, for example. What the socket does not accept now is sent before the next
                // request. If sending fails, the next request gets the error: the data that has arrived is valid in any
                // case, and may contain the reason.
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

    /// Encrypts everything in `out` and sends as much as the socket accepts now.
    pub(crate) fn try_send(&mut self, out: &mut SendBuffer) {
        while !out.is_empty() && self.encrypt_next(out).is_ok() {}
        self.below.try_send(&mut self.outgoing);
    }

    /// Encrypts everything in `out`, appends it to what is still to be sent, and sends it all. A large body is encrypted and
    /// sent in parts.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut SendBuffer) -> Poll<io::Result<()>> {
        loop {
            while !out.is_empty() && self.outgoing.unsent().len() < ENCRYPTED_AT_ONCE {
                self.encrypt_next(out)?;
            }
            ready!(self.below.poll_send(cx, &mut self.outgoing))?;
            if out.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Encrypts the next part of `out`.
    fn encrypt_next(&mut self, out: &mut SendBuffer) -> io::Result<()> {
        let n = out.unsent().len().min(ENCRYPTED_AT_ONCE);
        self.encrypt(&out.unsent()[..n])?;
        out.advance(n);
        Ok(())
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.outgoing.is_empty() && self.below.is_flushed()
    }

    /// Whether neither side has ended the stream, as far as is known without asking the socket.
    pub(crate) fn is_open(&self) -> bool {
        !self.received_close_notify && !self.ended && self.failed.is_none() && self.below.is_open()
    }

    /// Whether nothing has arrived since the last read. Session tickets, which may arrive late, are processed and do not
    /// count.
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

    /// As [`Stream::has_arrived`].
    #[cfg(feature = "http2")]
    pub(crate) fn has_arrived(&self) -> Option<bool> {
        let has_kept_some = self.taken < self.decrypted.len() || !self.incoming.is_empty();
        if has_kept_some { Some(true) } else { self.below.has_arrived() }
    }

    /// Updates the readiness of the underlying socket, so that the next read finds what has arrived.
    fn ask_socket(&self) {
        match &self.below {
            Stream::Plain(tcp) => {
                tcp.is_quiet_now();
            }
            Stream::Tls(tls) => tls.ask_socket(),
            Stream::Foreign(_) => {}
        }
    }

    /// The negotiated parameters; `known` are those of an earlier connection to the same server.
    pub(crate) fn info(&self, known: Option<TlsInfo>) -> Option<TlsInfo> {
        TlsInfo::of(&self.machine, known)
    }

    /// Whether the server has chosen HTTP/2 of the protocols that were offered.
    #[cfg(feature = "http2")]
    pub(crate) fn chose_http2(&self) -> bool {
        self.machine.alpn_protocol() == Some(trust::HTTP2)
    }

    /// Whether the stream ended without close_notify.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.ended && !self.received_close_notify
    }

    /// Releases memory that an idle connection does not need.
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

    /// Runs the state machine until it has filled `space` or needs something. Decrypted bytes that do not fit, or all of them
    /// if there is no space, are stored in `decrypted`. What was decrypted before an error is returned first, and the error
    /// by the next call.
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

    /// The state machine has failed, and may have prepared an alert that tells the peer why. The next call returns it; a call
    /// after that would process the bad message again.
    fn take_alert(&mut self) {
        let UnbufferedStatus { state, .. } = self.machine.process_tls_records(self.incoming.unread());
        if let Ok(ConnectionState::EncodeTlsData(mut alert)) = state {
            let _ = append(&mut self.outgoing.bytes, 0, |room| encode(&mut alert, room));
        }
    }

    /// Adds the number of bytes in `space` to `made`.
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
                    append(&mut self.outgoing.bytes, 0, |room| encode(&mut message, room))?;
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

    /// Runs the state machine until it accepts content to send, and lets `write` append to `outgoing`.
    fn when_established(
        &mut self,
        content: usize,
        mut write: impl FnMut(&mut WriteTraffic<'_>, &mut [u8]) -> Result<Result<usize, usize>, rustls::Error>,
    ) -> io::Result<()> {
        // What has arrived meanwhile is decrypted first, into `decrypted`, to be read later.
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

    /// Sends the alert that tells the peer why the handshake ends, if the socket accepts it at once.
    async fn send_alert(&mut self) {
        poll_fn(|cx| {
            let _ = self.below.poll_send(cx, &mut self.outgoing);
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for TlsStream {
    /// Sends close_notify (required by RFC 9112 §9.8) if the socket accepts it at once. After an error, the alert that
    /// tells the server why is sent instead.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.failed.is_none() {
            // Refused during a handshake, and after `poll_close`, which has sent it already.
            let _ = self.queue_close_notify();
        }
        self.below.try_send(&mut self.outgoing);
    }
}

type WriteTraffic<'a> = rustls::unbuffered::WriteTraffic<'a, ClientConnectionData>;
type EncodeTlsData<'a> = rustls::unbuffered::EncodeTlsData<'a, ClientConnectionData>;

/// Writes a message of the state machine into `room`; the inner error is the space that it needs.
fn encode(message: &mut EncodeTlsData<'_>, room: &mut [u8]) -> Result<Result<usize, usize>, rustls::Error> {
    match message.encode(room) {
        Ok(n) => Ok(Ok(n)),
        Err(EncodeError::InsufficientSize(size)) => Ok(Err(size.required_size)),
        Err(EncodeError::AlreadyEncoded) => Ok(Ok(0)),
    }
}

/// Lets `write` append to `bytes`, and provides more space if it says that there was too little. All of the space is cleared, so
/// the estimate should not be much too large.
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
                    "the TLS library asks for less space than it was given".into(),
                ));
            }
            Err(error) => {
                bytes.truncate(end);
                return Err(error);
            }
        }
    }
}

/// The name for SNI and for the verification of the certificate: an IP address, or a name without a trailing dot (RFC 6066
/// §3).
fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    ServerName::try_from(bare.to_owned()).map_err(|cause| {
        Error::new(ErrorKind::Tls, format!("{host} cannot be the name in a certificate")).because(cause)
    })
}

fn as_io(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Explained::from(error))
}
