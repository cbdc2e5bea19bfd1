//! The states of a connection, and every transition between them.
//!
//! The two directions are two state machines: a server may respond while the request is still being sent, and often does
//! when it refuses an upload (RFC 9112 §9.5). They are independent except in three functions: `start` begins both,
//! `close_reason` considers both, `restart` resets both.
//!
//! Nothing outside this file assigns to `sending` or `receiving`.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::body::{BodyDecoder, Progress};
use super::buffer::Buffer;
use super::close_reason::CloseReason;
use super::common_fields::CommonFields;
use super::encode::BodyEncoder;
use super::error::{LocalError, RemoteError};
use super::event::Event;
use super::framing::{self, Framing};
use super::head::{HeadReader, ResponseHead};
use super::limits::Limits;
use super::request::{self, Asked, BodyLength, RequestHead};

/// One HTTP/1.1 connection, seen from the client: requests become bytes, bytes become [`Event`]s.
///
/// It does no I/O and has no clock. The [module documentation](super) shows a whole exchange; the order of
/// calls is:
///
/// 1. [`start`](Connection::start), then [`body`](Connection::body) and [`end`](Connection::end) if there is
///    a body; after each, send what was appended to `out`;
/// 2. [`next_event`](Connection::next_event) until it returns [`Event::End`]; whenever it returns `None`,
///    read into [`space`](Connection::space) and pass the number of bytes to [`filled`](Connection::filled);
/// 3. [`restart`](Connection::restart): the connection is idle again, or has to be closed.
///
/// 1 and 2 may overlap.
/// An upload. The server refuses it before it has all of it, so the connection cannot be used again:
///
/// ```
/// use curio_http::h1::{BodyLength, CloseReason, Connection, Event, Framing, RequestHead};
/// use curio_http::{HeaderMap, Method};
///
/// let mut connection = Connection::new();
/// let mut headers = HeaderMap::new();
/// headers.insert("host", "example.com".parse()?);
/// let head = RequestHead { method: &Method::PUT, target: "/big", headers: &headers };
/// let mut out = Vec::new();
/// connection.start(&head, BodyLength::Known(1_000_000), &mut out)?;
/// connection.body(&[0; 1000], &mut out)?;
/// assert!(!connection.request_complete());
/// assert!(!connection.has_received_any()); // had it closed now, the request could be sent again elsewhere
///
/// connection.feed(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
/// let Some(Event::Head(head)) = connection.next_event()? else { panic!("no head") };
/// assert_eq!(head.status.as_u16(), 413);
/// assert_eq!(connection.framing(), Some(Framing::Length(0)));
/// assert!(!connection.server_closes()); // it would wait for the rest
/// assert_eq!(connection.next_event()?, Some(Event::End { trailers: None }));
/// assert!(connection.is_done() && connection.leftover().is_empty());
/// assert_eq!(connection.close_reason(), Some(CloseReason::RequestUnfinished));
/// assert!(!connection.restart());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`upgrade`](Connection::upgrade) shows a switch of protocols.
#[derive(Debug)]
pub struct Connection {
    sending: Sending,
    receiving: Receiving,
    exchange: Exchange,
    buffer: Buffer,
    limits: Limits,
}

/// The state of the request.
#[derive(Debug)]
enum Sending {
    Idle,
    Body(BodyEncoder),
    Complete,
    /// The body is longer or shorter than declared; the server cannot know where the request ends.
    Broken,
}

/// The state of the response.
#[derive(Debug)]
enum Receiving {
    Idle,
    Head(HeadReader),
    Body(BodyDecoder),
    Done,
    Upgraded,
    Failed(RemoteError),
}

/// What is known of the current exchange; reset by `restart`.
#[derive(Debug, Default)]
struct Exchange {
    asked: Asked,
    received_any: bool,
    interim: usize,
    framing: Option<Framing>,
    closing: Option<CloseReason>,
}

impl Default for Connection {
    fn default() -> Self {
        Connection::new()
    }
}

impl Connection {
    /// An idle connection with the default [`Limits`]. It allocates no memory for reading before the first
    /// [`space`](Self::space).
    pub fn new() -> Self {
        Connection::with_limits(Limits::default())
    }

    /// An idle connection with custom limits.
    pub fn with_limits(limits: Limits) -> Self {
        Connection {
            sending: Sending::Idle,
            receiving: Receiving::Idle,
            exchange: Exchange::default(),
            buffer: Buffer::new(),
            limits,
        }
    }

    /// Begins an exchange: appends the request head to `out`, with the field that frames the body if the
    /// caller has not set it (RFC 9112 §6).
    ///
    /// # Errors
    ///
    /// If the connection is not idle, or the request is invalid: see [`LocalError`]. `out` and the connection are then
    /// unchanged, and another request may be started.
    pub fn start(
        &mut self,
        head: &RequestHead<'_>,
        body: BodyLength,
        out: &mut Vec<u8>,
    ) -> Result<(), LocalError> {
        self.start_with(head, None, body, out)
    }

    /// [`start`](Self::start) with `common` fields beside those of the head, which then has no Host field.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub(crate) fn start_with(
        &mut self,
        head: &RequestHead<'_>,
        common: Option<&CommonFields>,
        body: BodyLength,
        out: &mut Vec<u8>,
    ) -> Result<(), LocalError> {
        // Bytes that arrived before the request cannot be its response.
        if !matches!(self.receiving, Receiving::Idle) || !self.buffer.is_empty() || self.buffer.is_closed() {
            return Err(LocalError::NotIdle);
        }
        let asked = request::write_head(head, common, body, self.limits.request_head, out)?;
        let encoder = BodyEncoder::new(body);
        self.exchange = Exchange { asked, ..Exchange::default() };
        self.sending = if encoder.is_full() { Sending::Complete } else { Sending::Body(encoder) };
        self.receiving = Receiving::Head(HeadReader::default());
        Ok(())
    }

    /// Appends data of the request body to `out`, framed as the head declares. Empty data appends nothing.
    ///
    /// # Errors
    ///
    /// [`BodyTooLong`](LocalError::BodyTooLong) or [`BodyAfterEnd`](LocalError::BodyAfterEnd) if there is
    /// more body than was declared: nothing of `chunk` is written, and the connection cannot be
    /// reused. [`LocalError::NotStarted`] if there is no request.
    pub fn body(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), LocalError> {
        match &mut self.sending {
            Sending::Idle => Err(LocalError::NotStarted),
            Sending::Broken => Err(LocalError::BodyBroken),
            Sending::Complete if chunk.is_empty() => Ok(()),
            Sending::Complete => self.break_request(LocalError::BodyAfterEnd),
            Sending::Body(encoder) => {
                let encoded = encoder.encode(chunk, out);
                self.body_was_encoded(encoded)
            }
        }
    }

    fn body_was_encoded(&mut self, encoded: Result<(), LocalError>) -> Result<(), LocalError> {
        match (encoded, &self.sending) {
            (Err(error), _) => return self.break_request(error),
            (Ok(()), Sending::Body(encoder)) if encoder.is_full() => self.sending = Sending::Complete,
            (Ok(()), _) => {}
        }
        Ok(())
    }

    /// The same for a chunk that can be shared. If it is large and needs no framing, it is not copied to `out` but returned, to be
    /// sent after what is in `out`.
    pub(crate) fn body_shared(
        &mut self,
        chunk: Bytes,
        out: &mut Vec<u8>,
    ) -> Result<Option<Bytes>, LocalError> {
        match &mut self.sending {
            Sending::Body(encoder) if encoder.leaves_apart(chunk.len()) => {
                let counted = encoder.count(chunk.len() as u64);
                self.body_was_encoded(counted).map(|()| Some(chunk))
            }
            _ => self.body(&chunk, out).map(|()| None),
        }
    }

    /// Ends the request body, and appends the last chunk to `out` if it is chunked. After the last byte of a known length,
    /// and without a body, it changes nothing and need not be called.
    ///
    /// # Errors
    ///
    /// [`LocalError::BodyTooShort`] if the declared length is not reached: the server waits for the rest, so the
    /// connection has to be closed. [`LocalError::NotStarted`] if there is no request.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LocalError> {
        match &self.sending {
            Sending::Idle => Err(LocalError::NotStarted),
            Sending::Broken => Err(LocalError::BodyBroken),
            Sending::Complete => Ok(()),
            Sending::Body(encoder) => match encoder.end(out) {
                Err(error) => self.break_request(error),
                Ok(()) => {
                    self.sending = Sending::Complete;
                    Ok(())
                }
            },
        }
    }

    /// Whether all of the request has been written to `out`.
    pub fn request_complete(&self) -> bool {
        matches!(self.sending, Sending::Complete)
    }

    /// The space for the next read: initialised and never empty. It has 4 KiB at first, grows up to 64 KiB while reads fill
    /// it, and has 4 KiB again after [`restart`](Self::restart).
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// `n` bytes were read into [`space`](Self::space). 0 is the end of the stream: the peer has closed its side
    /// regularly. (If TLS ended without close_notify, or the connection was reset, do not call this: a truncated body
    /// would be taken for complete if it ends with the connection.)
    ///
    /// A read that was cancelled needs no call: nothing is lost.
    ///
    /// # Panics
    ///
    /// If `n` is more than the length of the last `space`.
    pub fn filled(&mut self, n: usize) {
        self.buffer.filled(n);
        self.exchange.received_any |= n > 0;
    }

    /// Takes bytes that were read into other memory: the same as copying them into [`space`](Self::space) and calling
    /// [`filled`](Self::filled). Empty `bytes` are the end of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.append(bytes);
        self.exchange.received_any |= !bytes.is_empty();
    }

    /// The next event in the bytes that have arrived. `None` means that more bytes are needed; it is also the result if no
    /// event can follow: on an idle connection, after [`Event::End`]
    /// ([`is_done`](Self::is_done)), and after a switch of
    /// protocols ([`is_upgraded`](Self::is_upgraded)).
    ///
    /// # Errors
    ///
    /// If the server violates RFC 9112 or exceeds the [`Limits`]: see [`RemoteError`]. The events before the mistake have
    /// been returned before; every further call returns the same error.
    pub fn next_event(&mut self) -> Result<Option<Event>, RemoteError> {
        let event = match &mut self.receiving {
            Receiving::Idle if self.buffer.is_empty() => Ok(None),
            Receiving::Idle => Err(RemoteError::Unsolicited),
            Receiving::Head(reader) => match reader.read(&mut self.buffer, &self.limits) {
                Ok(Some(head)) => self.take_head(head).map(Some),
                Ok(None) => Ok(None),
                Err(error) => Err(self.empty_reply_or(error)),
            },
            Receiving::Body(decoder) => match decoder.decode(&mut self.buffer, &self.limits) {
                Ok(Progress::Data(data)) => Ok(Some(Event::Data(data))),
                Ok(Progress::End(trailers)) => Ok(Some(self.finish(trailers))),
                Ok(Progress::NeedsBytes) => Ok(None),
                Err(error) => Err(error),
            },
            Receiving::Done | Receiving::Upgraded => Ok(None),
            Receiving::Failed(error) => return Err(error.clone()),
        };
        event.map_err(|error| self.fail(error))
    }

    /// How the body of the response is framed, once its head has arrived.
    pub fn framing(&self) -> Option<Framing> {
        self.exchange.framing
    }

    /// Whether any byte of the current response has arrived. As long as none has, the server may not have seen the
    /// request.
    pub fn has_received_any(&self) -> bool {
        self.exchange.received_any
    }

    /// Whether the response is complete.
    pub fn is_done(&self) -> bool {
        matches!(self.receiving, Receiving::Done)
    }

    /// Whether the connection has become a tunnel or switched to another protocol: see
    /// [`upgrade`](Self::upgrade).
    pub fn is_upgraded(&self) -> bool {
        matches!(self.receiving, Receiving::Upgraded)
    }

    /// Bytes that have arrived and are not part of any event yet. After [`Event::End`] they belong to no response.
    pub fn leftover(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Why the connection has to be closed; `None` if there is no reason yet. The result is final when the response
    /// [is done](Self::is_done), because the reason may be in a part that has not arrived.
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self.receiving {
            Receiving::Failed(_) => return Some(CloseReason::Failed),
            Receiving::Upgraded => return Some(CloseReason::Upgraded),
            _ => {}
        }
        let answered = self.exchange.framing.is_some();
        match self.sending {
            Sending::Broken => return Some(CloseReason::RequestUnfinished),
            Sending::Body(_) if answered => return Some(CloseReason::RequestUnfinished),
            _ => {}
        }
        let between_responses = matches!(self.receiving, Receiving::Idle | Receiving::Done);
        if self.exchange.closing.is_some() {
            self.exchange.closing
        } else if between_responses && !self.buffer.is_empty() {
            Some(CloseReason::ExtraBytes)
        } else if self.buffer.is_closed() {
            Some(CloseReason::PeerClosed)
        } else {
            None
        }
    }

    /// Whether the head of the response says that the server closes the connection after it.
    pub fn server_closes(&self) -> bool {
        use CloseReason::{CloseDelimited, Http10, PeerAsked};
        matches!(self.exchange.closing, Some(PeerAsked | Http10 | CloseDelimited))
    }

    /// Makes the connection idle again for another request, if the response is done and there is no reason to close. Returns
    /// whether it is idle; if not, nothing has changed. Releases memory that a large response has allocated.
    #[must_use = "a connection that did not restart has to be closed"]
    pub fn restart(&mut self) -> bool {
        if !matches!(self.receiving, Receiving::Idle | Receiving::Done) || self.close_reason().is_some() {
            return false;
        }
        self.sending = Sending::Idle;
        self.receiving = Receiving::Idle;
        self.exchange = Exchange::default();
        self.buffer.shrink();
        true
    }

    /// Ends the HTTP part of the connection after a 101 that the request had asked for, or a 2xx response to CONNECT, and
    /// returns the bytes of the other protocol that have arrived already. `None` if the connection has not switched, or
    /// the request is not complete yet (RFC 9110 §7.8).
    /// ```
    /// use curio_http::h1::{BodyLength, Connection, Event, RequestHead};
    /// use curio_http::{HeaderMap, Method};
    ///
    /// let mut connection = Connection::new();
    /// let mut headers = HeaderMap::new();
    /// headers.insert("host", "example.com".parse()?);
    /// headers.insert("connection", "upgrade".parse()?);
    /// headers.insert("upgrade", "echo".parse()?);
    /// let head = RequestHead { method: &Method::GET, target: "/", headers: &headers };
    /// connection.start(&head, BodyLength::None, &mut Vec::new())?;
    ///
    /// connection.feed(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello");
    /// assert!(matches!(connection.next_event()?, Some(Event::Head(_))));
    /// assert!(connection.is_upgraded());
    /// assert_eq!(connection.upgrade().as_deref(), Some(&b"hello"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upgrade(mut self) -> Option<Bytes> {
        if !self.is_upgraded() || !self.request_complete() {
            return None;
        }
        let n = self.buffer.unread().len();
        Some(self.buffer.take(n))
    }

    fn take_head(&mut self, head: ResponseHead) -> Result<Event, RemoteError> {
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => self.switch_protocols(head),
            status if status.is_informational() => self.take_interim(head),
            _ => self.take_final(head),
        }
    }

    fn take_interim(&mut self, head: ResponseHead) -> Result<Event, RemoteError> {
        self.exchange.interim += 1;
        if self.exchange.interim > self.limits.interim {
            return Err(RemoteError::TooManyInterim { limit: self.limits.interim });
        }
        self.receiving = Receiving::Head(HeadReader::default());
        Ok(Event::Interim(head))
    }

    fn switch_protocols(&mut self, head: ResponseHead) -> Result<Event, RemoteError> {
        if !self.exchange.asked.offered(head.headers()) {
            return Err(RemoteError::UnexpectedUpgrade);
        }
        self.exchange.framing = Some(Framing::Upgraded);
        self.receiving = Receiving::Upgraded;
        Ok(Event::Head(head))
    }

    fn take_final(&mut self, head: ResponseHead) -> Result<Event, RemoteError> {
        let framing = framing::decide(&head, &self.exchange.asked)?;
        self.exchange.framing = Some(framing);
        self.exchange.closing = framing::reason_to_close(&head, framing, &self.exchange.asked);
        self.receiving = match framing {
            Framing::Upgraded => Receiving::Upgraded,
            _ => Receiving::Body(BodyDecoder::new(framing)),
        };
        Ok(Event::Head(head))
    }

    fn finish(&mut self, trailers: Option<HeaderMap>) -> Event {
        self.receiving = Receiving::Done;
        Event::End { trailers }
    }

    /// A connection that closes before any byte of a response is a separate error, because it may have been stale.
    fn empty_reply_or(&self, error: RemoteError) -> RemoteError {
        match error {
            RemoteError::HeadCutOff { .. } if !self.exchange.received_any => RemoteError::EmptyReply,
            error => error,
        }
    }

    fn fail(&mut self, error: RemoteError) -> RemoteError {
        self.receiving = Receiving::Failed(error.clone());
        error
    }

    fn break_request(&mut self, error: LocalError) -> Result<(), LocalError> {
        self.sending = Sending::Broken;
        Err(error)
    }
}
