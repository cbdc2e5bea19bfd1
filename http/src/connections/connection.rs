//! One connection: the HTTP/1.1 state machine (`h1`) together with the stream that it runs over.
//!
//! `h1` does no I/O, and the stream knows no HTTP. Only this file has both. Its core is one loop, `poll_event`: ask `h1`
//! for the next event; if it needs bytes, read some from the stream into the space that it offers; ask again.
//!
//! Sending is more complex, because the two directions overlap. The head and the first chunk of the body are sent in one system
//! call, without copying what is in memory, and nothing is read meanwhile: there can be no response yet. The rest of the body is
//! sent chunk by chunk while the connection is watched for an early response, because a server that refuses an upload may respond
//! before its end (RFC 9112 §9.5). A 2xx is no refusal: the rest is then sent while the response is read
//! ([`Connection::send_on`]). With `Expect: 100-continue` the head is sent alone, and the body waits a moment for an interim
//! response (RFC 9110 §10.1.1). When sending fails, the server has often just sent a response that says why, so that is read first.
//!
//! Every future here may be dropped at any await: the state is in `h1` (what has been read) and in `out` (what is to be
//! sent). A connection that is dropped in the middle of an exchange is closed.

use crate::connections::deadline::Deadline;
use crate::connections::failure::{ConnectionContext, ExchangeError, ReadError};
use crate::connections::keep_alive;
use crate::connections::read_buffer::ReadBuffer;
use crate::connections::stream::{Look, SendBuffer, Stream};
use crate::connections::tls::TlsInfo;
use crate::error::Error;
use crate::h1::{self, Event, Framing};
use crate::request::upload::Upload;
use crate::trace::{Trace, Tracer};
use bytes::Bytes;
use curio::debug::phase;
use http::{HeaderMap, StatusCode};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

// Plain data, for files that may not know `h1` (`http/tests/laws.rs`).
pub(crate) use crate::h1::{BodyLength, CommonFields, Limits as ProtocolLimits, RequestHead, ResponseHead};

pub(crate) struct Connection {
    stream: Stream,
    h1: h1::Connection,
    out: SendBuffer,
    peer: Option<SocketAddr>,
    tls: Option<TlsInfo>,
    /// How long it was idle in the pool before this exchange; `None` for its first.
    idle_for: Option<Duration>,
    /// How long it may be idle by the server's last `Keep-Alive` field.
    server_keeps_for: Option<Duration>,
    /// Whether anything has ever been read.
    has_read: bool,
    /// Sending has failed: the connection is not reused, whatever the response.
    broken: bool,
    tracer: Tracer,
}

/// A part of a response body.
pub(crate) enum BodyEvent {
    Data(Bytes),
    /// With the trailer fields, which are rare, in a box: each part of a body is moved through several hands.
    End {
        trailers: Option<Box<HeaderMap>>,
    },
}

impl BodyEvent {
    pub(crate) fn end(trailers: Option<HeaderMap>) -> BodyEvent {
        BodyEvent::End { trailers: trailers.map(Box::new) }
    }
}

/// The outcome of an exchange when the head of the response has been received.
pub(crate) struct Exchanged {
    pub(crate) head: ResponseHead,
    /// When the last byte of the request was sent; for an early response, when that came.
    pub(crate) sent: Instant,
    /// The response came before the end of the request's body and did not refuse it: the rest is still to be sent.
    pub(crate) body_goes_on: bool,
}

/// How far the rest of a request's body has been sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendState {
    /// All of it has been sent, or the server takes no more.
    Over,
    /// Some of it has been sent, and more may be possible at once.
    Moved,
    /// The stream takes nothing now.
    Blocked,
    /// The body's source has no data now.
    WaitsForBody,
}

/// The outcome of sending while watching for a response.
enum SendOutcome<T> {
    Sent(T),
    /// The response, before the request was complete.
    EarlyResponse(ResponseHead),
}

impl Connection {
    pub(crate) fn new(
        stream: Stream,
        peer: Option<SocketAddr>,
        tls: Option<TlsInfo>,
        limits: ProtocolLimits,
        tracer: Tracer,
    ) -> Connection {
        Connection {
            stream,
            h1: h1::Connection::with_limits(limits),
            out: SendBuffer::for_heads(),
            peer,
            tls,
            idle_for: None,
            server_keeps_for: None,
            has_read: false,
            broken: false,
            tracer,
        }
    }

    /// For those who listen to what happens on the connection.
    pub(crate) fn note(&self, text: &str) {
        self.tracer.emit(|| Trace::Note(text));
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn tls(&self) -> Option<TlsInfo> {
        self.tls.clone()
    }

    pub(crate) fn idle_for(&self) -> Option<Duration> {
        self.idle_for
    }

    pub(crate) fn set_idle_for(&mut self, time: Duration) {
        self.idle_for = Some(time);
    }

    pub(crate) fn server_keeps_for(&self) -> Option<Duration> {
        self.server_keeps_for
    }

    /// Encodes the head of a request, with the `common` fields, into the send buffer; `exchange` sends it.
    pub(crate) fn begin(
        &mut self,
        head: &RequestHead<'_>,
        common: Option<&CommonFields>,
        length: BodyLength,
    ) -> Result<(), ExchangeError> {
        self.h1.start_with(head, common, length, &mut self.out.bytes)?;
        self.tracer.emit_request_head(self.out.unsent());
        Ok(())
    }

    /// Sends the request that was begun and waits for the head of its response. See the module's head for the order.
    pub(crate) async fn exchange(
        &mut self,
        upload: &mut Upload,
        deadline: &mut Deadline,
    ) -> Result<Exchanged, ExchangeError> {
        if let Some(wait) = upload.expect_continue_timeout()
            && let Some(refusal) = Box::pin(self.expect_continue(wait, deadline)).await?
        {
            self.remember_keep_alive(&refusal);
            return Ok(Exchanged { head: refusal, sent: curio::clock(), body_goes_on: false });
        }
        // The first chunk of the body is sent with the head, if it is available without waiting.
        if let Poll::Ready(framed) = poll_fn(|cx| Poll::Ready(self.poll_frame(cx, upload))).await {
            framed?;
        }
        // Nearly always the request is small and the socket takes all of it without waiting.
        let begun = poll_fn(|cx| Poll::Ready(self.stream.poll_send(cx, &mut self.out))).await;
        if !self.h1.request_complete() || !matches!(begun, Poll::Ready(Ok(()))) {
            let sending = Box::pin(phase("sending the request", self.keep_sending(begun, upload, deadline)));
            if let Some(early) = sending.await? {
                self.remember_keep_alive(&early);
                // With a 4xx or 5xx the body is not wanted; after a redirect or a challenge it is sent elsewhere or again.
                let body_goes_on = early.status.is_success()
                    && !self.broken
                    && !self.h1.is_upgraded()
                    && !self.h1.request_complete();
                return Ok(Exchanged { head: early, sent: curio::clock(), body_goes_on });
            }
        }
        upload.all_sent();
        let sent = curio::clock();
        deadline.begin(sent);
        let head = phase("waiting for the response", self.receive_head(deadline)).await?;
        self.remember_keep_alive(&head);
        Ok(Exchanged { head, sent, body_goes_on: false })
    }

    /// Takes one step with the rest of a request's body, whose response is being read at the same time. If the server takes no
    /// more, the response stands and the upload is over. An error comes from the body's source.
    pub(crate) fn send_on(&mut self, cx: &mut Context<'_>, upload: &mut Upload) -> Result<SendState, Error> {
        match self.stream.poll_send(cx, &mut self.out) {
            Poll::Pending => return Ok(SendState::Blocked),
            Poll::Ready(Ok(())) => upload.all_sent(),
            Poll::Ready(Err(cause)) => {
                self.broken = true;
                self.tracer.message(|| format!("The server reads no more of the request: {cause}"));
                return Ok(SendState::Over);
            }
        }
        if self.h1.request_complete() {
            return Ok(SendState::Over);
        }
        match self.poll_frame(cx, upload) {
            Poll::Pending => Ok(SendState::WaitsForBody),
            Poll::Ready(Ok(())) => Ok(SendState::Moved),
            Poll::Ready(Err(failed)) => Err(failed.error),
        }
    }

    /// Whether the server has announced that it closes the connection after its response.
    pub(crate) fn server_closes(&self) -> bool {
        self.h1.server_closes()
    }

    fn remember_keep_alive(&mut self, head: &ResponseHead) {
        self.server_keeps_for = head.keep_alive().and_then(keep_alive::hint);
    }

    /// The next part of the response body. `End` is the last.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        loop {
            return match ready!(self.poll_event(cx)) {
                Ok(Event::Data(data)) => Poll::Ready(Ok(BodyEvent::Data(data))),
                Ok(Event::End { trailers }) => Poll::Ready(Ok(BodyEvent::end(trailers))),
                Ok(Event::Interim(_) | Event::Head(_)) => continue,
                Err(error) => Poll::Ready(Err(self.context().body_failed(error))),
            };
        }
    }

    /// The next part, if it has been received already. Never reads from the stream.
    pub(crate) fn buffered_body_event(&mut self) -> Option<Result<BodyEvent, Error>> {
        match self.h1.next_event() {
            Ok(Some(Event::Data(data))) => Some(Ok(BodyEvent::Data(data))),
            Ok(Some(Event::End { trailers })) => Some(Ok(BodyEvent::end(trailers))),
            // After the final head there are no further heads.
            Ok(Some(Event::Interim(_) | Event::Head(_)) | None) => None,
            Err(error) => Some(Err(self.context().body_failed(ReadError::Remote(error)))),
        }
    }

    /// The length that the response's head declares for its body, if it declares one.
    pub(crate) fn declared_length(&self) -> Option<u64> {
        match self.h1.framing() {
            Some(Framing::Length(length)) => Some(length),
            _ => None,
        }
    }

    /// Whether the response has a body, perhaps an empty one. One to HEAD, a 204 and a 304 have none (RFC 9112 §6.3).
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.h1.framing(), None | Some(Framing::Empty | Framing::Upgraded))
    }

    /// Whether the connection now belongs to another protocol.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.h1.is_upgraded()
    }

    /// Whether, as far as is known, it can carry another exchange.
    pub(crate) fn may_be_kept(&self) -> bool {
        !self.broken && self.h1.close_reason().is_none()
    }

    /// Makes the connection ready for the pool, if it can carry another exchange.
    pub(crate) fn recycle(&mut self) -> bool {
        if self.broken || !self.out.is_empty() || !self.stream.is_reusable() || !self.h1.restart() {
            return false;
        }
        self.out.shrink();
        self.stream.release_buffers();
        self.idle_for = None;
        true
    }

    /// The stream and what came after the head, if it carries another protocol now: after a 101, or a 2xx to CONNECT.
    pub(crate) fn into_upgraded(self) -> Option<(Stream, Bytes)> {
        let leftover = self.h1.upgrade()?;
        Some((self.stream, leftover))
    }

    /// Whether nothing has been received on an idle connection: no byte, no end, no error.
    pub(crate) fn is_quiet(&mut self, look: Look) -> bool {
        self.stream.is_quiet(look)
    }

    /// Closes an idle connection: over TLS, with a close_notify.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.stream.poll_close(cx)).await
    }

    /// Sends the head alone and waits for the server to ask for the body. `Some`: a final response, so the body is not sent.
    /// If nothing comes within `wait`, the body is sent all the same: many servers ignore the expectation.
    async fn expect_continue(
        &mut self,
        wait: Duration,
        deadline: &mut Deadline,
    ) -> Result<Option<ResponseHead>, ExchangeError> {
        let sent = deadline.limit("sending the request", |cx| self.stream.poll_send(cx, &mut self.out));
        if let Err(cause) = sent.await? {
            return self.read_response_after_send_error(cause, deadline).await.map(Some);
        }
        self.tracer.emit(|| Trace::Note("Waiting for the server to ask for the body"));
        let limits = &deadline.limits;
        let doing = || "waiting for the server to ask for the request body".into();
        match limits.within(Some(wait), doing, poll_fn(|cx| self.poll_continue(cx))).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.context().head_failed(error)),
            Err(error) if limits.is_over() => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Waits for 100 (`None`) or a final response.
    fn poll_continue(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<ResponseHead>, ReadError>> {
        loop {
            match ready!(self.poll_event(cx))? {
                Event::Head(head) => return Poll::Ready(Ok(Some(head))),
                Event::Interim(head) if head.status == StatusCode::CONTINUE => return Poll::Ready(Ok(None)),
                Event::Interim(_) | Event::Data(_) | Event::End { .. } => {}
            }
        }
    }

    /// Sends the rest of the request while watching for a response. `Some` if one came before everything was sent.
    async fn keep_sending(
        &mut self,
        begun: Poll<io::Result<()>>,
        upload: &mut Upload,
        deadline: &mut Deadline,
    ) -> Result<Option<ResponseHead>, ExchangeError> {
        let mut progress = begun;
        loop {
            let sent = match progress {
                Poll::Ready(sent) => SendOutcome::Sent(sent),
                Poll::Pending => {
                    deadline.limit("sending the request", |cx| self.poll_send_or_response(cx)).await??
                }
            };
            match sent {
                SendOutcome::Sent(Ok(())) if self.h1.request_complete() => return Ok(None),
                SendOutcome::Sent(Ok(())) => upload.all_sent(),
                SendOutcome::Sent(Err(cause)) => {
                    return self.read_response_after_send_error(cause, deadline).await.map(Some);
                }
                SendOutcome::EarlyResponse(head) => return Ok(Some(head)),
            }
            // Only the timeout of the whole request applies to the body's source, which belongs to the caller.
            let chunk = poll_fn(|cx| self.poll_upload_or_response(cx, upload));
            let in_time =
                deadline.limits.within(None, || "waiting for the request body's reader".into(), chunk);
            if let SendOutcome::EarlyResponse(head) = in_time.await.map_err(ExchangeError::from)?? {
                return Ok(Some(head));
            }
            progress = Poll::Pending;
        }
    }

    fn poll_send_or_response(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SendOutcome<io::Result<()>>, ExchangeError>> {
        match self.stream.poll_send(cx, &mut self.out) {
            Poll::Ready(sent) => Poll::Ready(Ok(SendOutcome::Sent(sent))),
            Poll::Pending => self.poll_early_response(cx),
        }
    }

    fn poll_upload_or_response(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Upload,
    ) -> Poll<Result<SendOutcome<()>, ExchangeError>> {
        // First, because a server that takes all of the body at once would never let sending wait.
        if let Poll::Ready(early) = self.poll_early_response(cx) {
            return Poll::Ready(early);
        }
        self.poll_frame(cx, upload).map(|framed| framed.map(SendOutcome::Sent))
    }

    /// Frames the next chunk of the body, or its end, into `out`.
    fn poll_frame(&mut self, cx: &mut Context<'_>, upload: &mut Upload) -> Poll<Result<(), ExchangeError>> {
        let framed = match ready!(upload.poll_next(cx)) {
            Ok(true) => match upload.shared_chunk() {
                Some(chunk) => {
                    self.h1.body_shared(chunk, &mut self.out.bytes).map(|apart| self.out.attach(apart))
                }
                None => self.h1.body(upload.chunk(), &mut self.out.bytes),
            },
            Ok(false) => self.h1.end(&mut self.out.bytes),
            Err(error) => return Poll::Ready(Err(ExchangeError::from(error))),
        };
        Poll::Ready(framed.map_err(ExchangeError::from))
    }

    /// Watches for a final response while the body is being sent. If the server has ended its direction, none will come.
    fn poll_early_response<T>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SendOutcome<T>, ExchangeError>> {
        match ready!(self.poll_head(cx)) {
            Ok(head) => Poll::Ready(Ok(SendOutcome::EarlyResponse(head))),
            Err(ReadError::Remote(cause)) => {
                Poll::Ready(Err(self.context().head_failed(ReadError::Remote(cause))))
            }
            // If reading fails, sending fails too, and says why.
            Err(_) => Poll::Pending,
        }
    }

    /// After sending has failed: the response that the server may have sent before it stopped reading.
    async fn read_response_after_send_error(
        &mut self,
        cause: io::Error,
        deadline: &mut Deadline,
    ) -> Result<ResponseHead, ExchangeError> {
        self.broken = true;
        match deadline.limit("sending the request", |cx| self.poll_head(cx)).await {
            Ok(Ok(head)) => Ok(head),
            Ok(Err(alert)) if alert.is_tls() => Err(self.context().head_failed(alert)),
            _ => Err(self.context().send_failed(cause)),
        }
    }

    async fn receive_head(&mut self, deadline: &mut Deadline) -> Result<ResponseHead, ExchangeError> {
        loop {
            match deadline.limit("waiting for the response", |cx| self.poll_any_head(cx)).await? {
                Ok(Some(head)) => return Ok(head),
                // An interim response: the read timeout begins anew.
                Ok(None) => {}
                Err(error) => return Err(self.context().head_failed(error)),
            }
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, ReadError>> {
        loop {
            if let Some(head) = ready!(self.poll_any_head(cx))? {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// The head of the final response; `None` for an interim one.
    fn poll_any_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<ResponseHead>, ReadError>> {
        loop {
            match ready!(self.poll_event(cx))? {
                Event::Head(head) => return Poll::Ready(Ok(Some(head))),
                Event::Interim(_) => return Poll::Ready(Ok(None)),
                Event::Data(_) | Event::End { .. } => {}
            }
        }
    }

    /// The next event of the protocol. Reads from the stream as long as `h1` needs more bytes.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, ReadError>> {
        loop {
            if let Some(event) = self.h1.next_event().map_err(ReadError::Remote)? {
                if let Event::Head(head) | Event::Interim(head) = &event {
                    self.tracer.emit_response_head(head.as_bytes());
                }
                return Poll::Ready(Ok(event));
            }
            if !self.has_read {
                ready!(self.poll_first_bytes(cx))?;
                continue;
            }
            let n = ready!(self.stream.poll_read(cx, self.h1.space())).map_err(ReadError::Io)?;
            if n == 0 && self.stream.was_cut_off() && self.h1.framing() == Some(Framing::UntilClose) {
                return Poll::Ready(Err(ReadError::CutOff));
            }
            self.h1.filled(n);
        }
    }

    /// The first read uses the small shared buffer: thousands that wait for their first response need none of their own.
    fn poll_first_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReadError>> {
        let mut bytes = ReadBuffer::take_small();
        let n = ready!(self.stream.poll_read(cx, &mut bytes)).map_err(ReadError::Io)?;
        self.has_read = true;
        self.h1.feed(&bytes[..n]);
        Poll::Ready(Ok(()))
    }

    fn context(&self) -> ConnectionContext {
        ConnectionContext {
            peer: self.peer,
            idle_for: self.idle_for,
            received_any: self.h1.has_received_any(),
        }
    }
}
