//! One connection: the place where the protocol meets the socket.
//!
//! `h1` knows HTTP and cannot wait; the stream can wait and knows nothing. This is the only file that has both, and
//! what it does with them is one loop, [`Connection::poll_event`]: ask the protocol for the next event; if it needs
//! bytes, read some into the space it offers; ask again.
//!
//! Sending has more to it, because the two directions overlap. A head and a small body leave in one system call and
//! nothing is read meanwhile: there can be no answer yet. A body that takes longer is sent piece by piece while the
//! other direction is watched, because a server that refuses an upload says so at once and does not wait for the end
//! of it (RFC 9112 §9.5). And when sending fails, the reason has often been sent to us just before, so one more look
//! is taken before the failure is reported.
//!
//! Everything here may be dropped at any await. What has been read is in `h1`, what is to be sent is in `out`; a
//! connection that is dropped in the middle is closed.

use crate::error::{Error, ErrorKind};
use crate::h1::{self, BodyLength, Event, Framing, LocalError, RemoteError, RequestHead, ResponseHead};
use crate::patience::Patience;
use crate::stream::{SendBuffer, Stream};
use crate::upload::Upload;
use bytes::Bytes;
use http::HeaderMap;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// A body in memory of at most this many bytes leaves together with the head.
const SMALL_BODY: usize = 64 * 1024;
/// A server that keeps connections for less than this after the last response is not worth the race.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

pub(crate) struct Connection {
    stream: Stream,
    h1: h1::Connection,
    out: SendBuffer,
    peer: Option<SocketAddr>,
    /// How long it lay in the pool before this exchange; `None` for its first.
    idle_for: Option<Duration>,
    /// What the server's last `Keep-Alive` field allows.
    server_keeps_for: Option<Duration>,
    /// Sending has failed: whatever comes of this exchange, it is the last one.
    broken: bool,
}

/// What a response body is made of.
pub(crate) enum Piece {
    Data(Bytes),
    End { trailers: Option<HeaderMap> },
}

/// Why an exchange failed.
pub(crate) struct ExchangeError {
    pub(crate) error: Error,
    /// The server may never have seen the request: the connection was an old one, and no byte of an answer came.
    pub(crate) went_stale: bool,
}

/// What came of waiting for one direction while watching the other.
enum Heard<T> {
    Nothing(T),
    /// The response, before the request was complete.
    Early(ResponseHead),
}

/// Why no further event can be had.
enum ReadError {
    Io(io::Error),
    Remote(RemoteError),
    CutOff,
}

impl Connection {
    pub(crate) fn new(stream: Stream, peer: Option<SocketAddr>, limits: h1::Limits) -> Connection {
        Connection {
            stream,
            h1: h1::Connection::with_limits(limits),
            out: SendBuffer::default(),
            peer,
            idle_for: None,
            server_keeps_for: None,
            broken: false,
        }
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn set_idle_for(&mut self, time: Duration) {
        self.idle_for = Some(time);
    }

    pub(crate) fn server_keeps_for(&self) -> Option<Duration> {
        self.server_keeps_for
    }

    /// Sends a request and waits for the head of its response. Also returns when the last byte was sent.
    pub(crate) async fn exchange(
        &mut self,
        head: &RequestHead<'_>,
        length: BodyLength,
        upload: &mut Upload,
        patience: &mut Patience,
    ) -> Result<(ResponseHead, Instant), ExchangeError> {
        self.h1.start(head, length, &mut self.out.bytes).map_err(|cause| self.refused(cause))?;
        if let Some(body) = upload.take_in_memory(SMALL_BODY) {
            let framed =
                self.h1.body(&body, &mut self.out.bytes).and_then(|()| self.h1.end(&mut self.out.bytes));
            framed.map_err(|cause| self.refused(cause))?;
        }
        let early = if self.h1.request_complete() {
            self.send_at_once(patience).await?
        } else {
            Box::pin(self.send_piece_by_piece(upload, patience)).await?
        };
        let sent = curio::clock();
        let head = match early {
            Some(head) => head,
            None => self.receive_head(patience).await?,
        };
        self.server_keeps_for = keep_alive_hint(&head.headers);
        Ok((head, sent))
    }

    /// The next piece of the response body. Once it has been `End`, there are no more.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Error>> {
        loop {
            return match ready!(self.poll_event(cx)) {
                Ok(Event::Data(data)) => Poll::Ready(Ok(Piece::Data(data))),
                Ok(Event::End { trailers }) => Poll::Ready(Ok(Piece::End { trailers })),
                Ok(Event::Interim(_) | Event::Head(_)) => continue,
                Err(error) => Poll::Ready(Err(self.body_failed(error))),
            };
        }
    }

    /// The next piece, if it has come already. Never reads.
    pub(crate) fn piece_at_hand(&mut self) -> Option<Result<Piece, Error>> {
        match self.h1.next_event() {
            Ok(Some(Event::Data(data))) => Some(Ok(Piece::Data(data))),
            Ok(Some(Event::End { trailers })) => Some(Ok(Piece::End { trailers })),
            // No heads come after the head.
            Ok(Some(Event::Interim(_) | Event::Head(_)) | None) => None,
            Err(error) => Some(Err(self.body_failed(ReadError::Remote(error)))),
        }
    }

    /// The length that the response's head declares for its body, if it declares one.
    pub(crate) fn declared_length(&self) -> Option<u64> {
        match self.h1.framing() {
            Some(Framing::Length(length)) => Some(length),
            _ => None,
        }
    }

    /// Whether the connection now belongs to another protocol.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.h1.is_upgraded()
    }

    /// Makes the connection ready for the pool, if it can carry another exchange.
    pub(crate) fn rest(&mut self) -> bool {
        if self.broken || !self.out.is_empty() || !self.h1.restart() {
            return false;
        }
        self.out.shrink();
        self.stream.relax();
        self.idle_for = None;
        true
    }

    /// Whether an idle connection has nothing to say, as it should.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.stream.is_quiet()
    }

    /// Closes an idle connection with a goodbye.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.stream.poll_close(cx)).await
    }

    /// Sends what is in `out`. `Some` if a response came instead.
    async fn send_at_once(&mut self, patience: &mut Patience) -> Result<Option<ResponseHead>, ExchangeError> {
        // Nearly always the socket takes it all, and no timer is needed to wait for that.
        let sent = match poll_fn(|cx| Poll::Ready(self.stream.poll_send(cx, &mut self.out))).await {
            Poll::Ready(sent) => sent,
            Poll::Pending => self.keep_sending(patience).await?,
        };
        match sent {
            Ok(()) => Ok(None),
            Err(cause) => Box::pin(self.last_words(cause, patience)).await.map(Some),
        }
    }

    async fn keep_sending(&mut self, patience: &mut Patience) -> Result<io::Result<()>, ExchangeError> {
        let sending = |cx: &mut Context<'_>| self.stream.poll_send(cx, &mut self.out);
        poll_in_time(patience, "sending the request", sending).await
    }

    /// Sends head and body while watching for a response. `Some` if one came before the body was sent in full.
    async fn send_piece_by_piece(
        &mut self,
        upload: &mut Upload,
        patience: &mut Patience,
    ) -> Result<Option<ResponseHead>, ExchangeError> {
        // The first piece leaves with the head, if it is at hand.
        if let Poll::Ready(framed) = poll_fn(|cx| Poll::Ready(self.poll_frame(cx, upload))).await {
            framed?;
        }
        loop {
            let progress = |cx: &mut Context<'_>| self.poll_send_or_hear(cx);
            match poll_in_time(patience, "sending the request body", progress).await?? {
                Heard::Nothing(Ok(())) => {}
                Heard::Nothing(Err(cause)) => return self.last_words(cause, patience).await.map(Some),
                Heard::Early(head) => return Ok(Some(head)),
            }
            if self.h1.request_complete() && self.out.is_empty() {
                return Ok(None);
            }
            // The caller's reader may take its time: only the limit for the whole request applies to it.
            let piece = poll_fn(|cx| self.poll_upload_or_hear(cx, upload));
            let in_time =
                patience.limits.within(None, || "waiting for the request body's reader".into(), piece);
            if let Heard::Early(head) = in_time.await.map_err(ExchangeError::final_one)?? {
                return Ok(Some(head));
            }
        }
    }

    fn poll_send_or_hear(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Heard<io::Result<()>>, ExchangeError>> {
        match self.stream.poll_send(cx, &mut self.out) {
            Poll::Ready(sent) => Poll::Ready(Ok(Heard::Nothing(sent))),
            Poll::Pending => self.poll_early_head(cx),
        }
    }

    fn poll_upload_or_hear(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Upload,
    ) -> Poll<Result<Heard<()>, ExchangeError>> {
        match self.poll_frame(cx, upload) {
            Poll::Ready(framed) => Poll::Ready(framed.map(Heard::Nothing)),
            Poll::Pending => self.poll_early_head(cx),
        }
    }

    /// Frames the next piece of the body, or its end, into `out`.
    fn poll_frame(&mut self, cx: &mut Context<'_>, upload: &mut Upload) -> Poll<Result<(), ExchangeError>> {
        let framed = match ready!(upload.poll_piece(cx)) {
            Ok(Some(piece)) => self.h1.body(piece, &mut self.out.bytes),
            Ok(None) => self.h1.end(&mut self.out.bytes),
            Err(error) => return Poll::Ready(Err(ExchangeError::final_one(error))),
        };
        Poll::Ready(framed.map_err(|cause| self.refused(cause)))
    }

    /// Watches for a final response while the body is still being sent.
    fn poll_early_head<T>(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard<T>, ExchangeError>> {
        match ready!(self.poll_head(cx)) {
            Ok(head) => Poll::Ready(Ok(Heard::Early(head))),
            Err(ReadError::Remote(nonsense)) if !nonsense.is_cut_off() => {
                Poll::Ready(Err(self.head_failed(ReadError::Remote(nonsense))))
            }
            // The other direction may still work; if not, sending fails too, and is asked again when it does.
            Err(_) => Poll::Pending,
        }
    }

    /// Sending has failed. Perhaps the server has said why.
    async fn last_words(
        &mut self,
        cause: io::Error,
        patience: &mut Patience,
    ) -> Result<ResponseHead, ExchangeError> {
        self.broken = true;
        if let Ok(Ok(head)) = poll_in_time(patience, "sending the request", |cx| self.poll_head(cx)).await {
            return Ok(head);
        }
        let error =
            Error::new(ErrorKind::Send, format!("sending the request{}", self.whereto())).because(cause);
        Err(self.perhaps_stale(error))
    }

    async fn receive_head(&mut self, patience: &mut Patience) -> Result<ResponseHead, ExchangeError> {
        match poll_in_time(patience, "waiting for the response", |cx| self.poll_head(cx)).await? {
            Ok(head) => Ok(head),
            Err(error) => Err(self.head_failed(error)),
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, ReadError>> {
        loop {
            match ready!(self.poll_event(cx))? {
                Event::Head(head) => return Poll::Ready(Ok(head)),
                // 100 and 103 are news about an answer, not the answer.
                Event::Interim(_) => {}
                Event::Data(_) | Event::End { .. } => {}
            }
        }
    }

    /// The loop of this file.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, ReadError>> {
        loop {
            if let Some(event) = self.h1.next_event().map_err(ReadError::Remote)? {
                return Poll::Ready(Ok(event));
            }
            let n = ready!(self.stream.poll_read(cx, self.h1.space())).map_err(ReadError::Io)?;
            if n == 0 && self.stream.was_cut_off() && self.h1.framing() == Some(Framing::UntilClose) {
                return Poll::Ready(Err(ReadError::CutOff));
            }
            self.h1.filled(n);
        }
    }

    fn refused(&self, cause: LocalError) -> ExchangeError {
        ExchangeError::final_one(
            Error::new(ErrorKind::Request, "a request that cannot be sent like this").because(cause),
        )
    }

    fn head_failed(&self, error: ReadError) -> ExchangeError {
        let kind = match &error {
            ReadError::Remote(remote) if remote.is_too_large() => ErrorKind::TooLarge,
            _ => ErrorKind::Protocol,
        };
        let error = error.explain(Error::new(kind, format!("reading the response head{}", self.whereto())));
        self.perhaps_stale(error)
    }

    fn body_failed(&self, error: ReadError) -> Error {
        let kind = match &error {
            ReadError::Remote(remote) if remote.is_too_large() => ErrorKind::TooLarge,
            ReadError::Remote(remote) if !remote.is_cut_off() => ErrorKind::Protocol,
            _ => ErrorKind::Body,
        };
        error.explain(Error::new(kind, format!("reading the response body{}", self.whereto())))
    }

    fn perhaps_stale(&self, error: Error) -> ExchangeError {
        ExchangeError { error, went_stale: self.idle_for.is_some() && !self.h1.has_received_any() }
    }

    /// Who the peer is, and whether this connection is an old one: half of the explanation of many a failure.
    fn whereto(&self) -> Whereto {
        Whereto { peer: self.peer, idle_for: self.idle_for }
    }
}

impl ExchangeError {
    /// Not to be tried again.
    fn final_one(error: Error) -> ExchangeError {
        ExchangeError { error, went_stale: false }
    }
}

impl From<Error> for ExchangeError {
    fn from(error: Error) -> ExchangeError {
        ExchangeError::final_one(error)
    }
}

impl ReadError {
    fn explain(self, error: Error) -> Error {
        match self {
            ReadError::Io(cause) => error.because(cause),
            ReadError::Remote(cause) => error.because(cause),
            ReadError::CutOff => error.because(
                "the connection ended without the TLS goodbye that marks an end, so the body may have been cut short",
            ),
        }
    }
}

/// Waits for one direction of the connection, with patience.
async fn poll_in_time<T>(
    patience: &mut Patience,
    doing: &str,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T, ExchangeError> {
    poll_fn(|cx| patience.poll(cx, doing, &mut poll)).await.map_err(ExchangeError::final_one)
}

struct Whereto {
    peer: Option<SocketAddr>,
    idle_for: Option<Duration>,
}

impl fmt::Display for Whereto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(peer) = self.peer {
            write!(f, " ({peer}")?;
            if let Some(idle) = self.idle_for {
                write!(f, ", on a connection that had been idle for {:.1} s", idle.as_secs_f64())?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// How long the server says it keeps an idle connection (`Keep-Alive: timeout=5`, RFC 2068 §19.7.1.1), less a margin
/// for the time the news of its closing takes.
fn keep_alive_hint(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let timeout = value.split(',').find_map(|item| {
        let (name, value) = item.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().trim_matches('"'))
    })?;
    let seconds: u32 = timeout.parse().ok()?;
    Some(Duration::from_secs(seconds.into()).saturating_sub(KEEP_ALIVE_MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn hint(value: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert("keep-alive", HeaderValue::from_static(value));
        keep_alive_hint(&headers).map(|time| time.as_secs())
    }

    #[test]
    fn the_servers_keep_alive_hint_is_taken_less_a_second() {
        assert_eq!(hint("timeout=5"), Some(4));
        assert_eq!(hint("max=100, Timeout=20"), Some(19));
        assert_eq!(hint("timeout=0"), Some(0));
    }

    #[test]
    fn a_keep_alive_hint_that_makes_no_sense_is_ignored() {
        assert_eq!(hint("timeout=soon"), None);
        assert_eq!(hint("max=100"), None);
        assert_eq!(hint("timeout=-5"), None);
    }
}
