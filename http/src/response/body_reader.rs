//! Reads a response body from its connection.
//!
//! [`BodyReader`] holds the lease of the connection in use, and returns the connection to the pool at the end of the body.
//! Anything else (an error, a timeout, being dropped) closes the connection, because the rest of the body would otherwise be
//! taken for the response to the next request.
//!
//! Most responses are small and have been received in full together with their head. So what is buffered is taken at once,
//! without waiting: the connection is then back in the pool before the caller sees the status, even if the caller never
//! reads the body.
//!
//! Reading is a poll function that keeps its state here: a caller may stop waiting for a chunk and ask again later.
//!
//! # Early responses
//! If a response came before the end of its request, the rest of the request's body is sent from here while the response is
//! read, until both directions are complete (RFC 9112 §9.5). A caller that looks only at the status must not abort the
//! upload by dropping the response, so the response is returned when all of the body has been sent
//! ([`finish_upload`](BodyReader::finish_upload)); what is received meanwhile is kept, up to 1 MiB. Only if the server sends
//! more and takes no more of the upload before that is read, the caller's reads drive the upload.

use crate::connections::connection::{BodyEvent, Connection, SendState};
use crate::connections::deadline::{Deadline, Limits};
#[cfg(feature = "http2")]
use crate::connections::http2::sharing::StreamLease;
use crate::connections::pool::Lease;
use crate::connections::upgraded::Upgraded;
use crate::error::{Error, ErrorKind};
use crate::request::upload::Upload;
#[cfg(feature = "http2")]
use crate::response::stream_reader::StreamReader;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The longest rest of a discarded body that is read so that the connection can be reused. Opening a new connection costs
/// about as much.
const WORTH_READING: u64 = 64 * 1024;
/// How much of an early response is kept while the rest of its request is being sent.
const MOST_KEPT_WHILE_SENDING: usize = 1024 * 1024;
/// How long reading the rest of a discarded body may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct BodyReader {
    /// Chunks that were received before the caller asked for one; most bodies have only the first.
    first: Option<Bytes>,
    more: VecDeque<Bytes>,
    state: BodyState,
    trailers: Option<Box<HeaderMap>>,
    ended_at: Option<Instant>,
    limits: Limits,
}

enum BodyState {
    Reading {
        lease: Lease,
        deadline: Box<Deadline>,
        upload: Option<Box<RestOfUpload>>,
    },
    Ended,
    /// On a stream of HTTP/2: see `stream_reader.rs`.
    #[cfg(feature = "http2")]
    Stream(Box<StreamReader>),
    /// There is no body: the connection belongs to another protocol now.
    Upgraded(Lease),
    /// With the error, until it has been returned.
    Failed(Option<Error>),
}

/// The rest of a request's body, after an early response.
struct RestOfUpload {
    upload: Upload,
    /// The end of the response has been received, with these trailers.
    response_end: Option<Option<Box<HeaderMap>>>,
}

/// The outcome of one step in either direction.
enum Step {
    Response(BodyEvent),
    Sent(SendState),
}

impl RestOfUpload {
    /// Sends, and reads if the response is not complete. Pending if neither is possible now; `waits_for_body` says whether
    /// that is because the body's source has no data.
    fn poll_step(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
        waits_for_body: &mut bool,
    ) -> Poll<Result<Step, Error>> {
        let sent = connection.send_on(cx, &mut self.upload)?;
        if sent != SendState::Over
            && self.response_end.is_none()
            && let Poll::Ready(event) = connection.poll_body(cx)
        {
            return Poll::Ready(event.map(Step::Response));
        }
        if matches!(sent, SendState::Over | SendState::Moved) {
            return Poll::Ready(Ok(Step::Sent(sent)));
        }
        *waits_for_body = sent == SendState::WaitsForBody;
        Poll::Pending
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        if let BodyState::Reading { lease, .. } = &self.state {
            lease
                .connection
                .note("Closing the connection: the response is dropped before its body was read to the end");
        }
    }
}

impl BodyReader {
    /// An empty body, until one is [received](Self::receive).
    pub(crate) fn new(limits: Limits) -> BodyReader {
        BodyReader {
            first: None,
            more: VecDeque::new(),
            state: BodyState::Ended,
            trailers: None,
            ended_at: None,
            limits,
        }
    }

    /// Begins with the body of the response whose head was received on `lease` at `now`. The deadline of the exchange
    /// continues. `upload` is the rest of the request's body, if the response came early.
    pub(crate) fn receive(
        &mut self,
        lease: Lease,
        deadline: &mut Deadline,
        now: Instant,
        upload: Option<Box<Upload>>,
    ) {
        match upload {
            None => self.take_buffered(lease, deadline, now),
            Some(upload) => {
                let upload = Some(Box::new(RestOfUpload { upload: *upload, response_end: None }));
                let deadline = Box::new(deadline.hand_over());
                self.state = BodyState::Reading { lease, deadline, upload };
            }
        }
    }

    /// Begins with the body of a response whose head was received on a stream of HTTP/2 at `now`.
    #[cfg(feature = "http2")]
    pub(crate) fn receive_stream(&mut self, lease: StreamLease, deadline: &mut Deadline, now: Instant) {
        self.state = BodyState::Stream(Box::new(StreamReader::new(lease, deadline.hand_over())));
        self.take_buffered_of_stream(now);
    }

    #[cfg(feature = "http2")]
    fn take_buffered_of_stream(&mut self, now: Instant) {
        while let BodyState::Stream(reader) = &mut self.state
            && let Some(event) = reader.buffered()
        {
            match event {
                Ok(BodyEvent::Data(data)) if self.first.is_none() => self.first = Some(data),
                Ok(BodyEvent::Data(data)) => self.more.push_back(data),
                Ok(BodyEvent::End { trailers }) => self.end_of_stream(trailers, now),
                Err(error) => self.state = BodyState::Failed(Some(error)),
            }
        }
    }

    /// The stream goes back to its connection.
    #[cfg(feature = "http2")]
    fn end_of_stream(&mut self, trailers: Option<Box<HeaderMap>>, now: Instant) {
        self.trailers = trailers;
        self.ended_at = Some(now);
        self.state = BodyState::Ended;
    }

    fn take_buffered(&mut self, mut lease: Lease, deadline: &mut Deadline, now: Instant) {
        if lease.connection.is_upgraded() {
            self.state = BodyState::Upgraded(lease);
            return;
        }
        loop {
            match lease.connection.buffered_body_event() {
                Some(Ok(BodyEvent::Data(data))) if self.first.is_none() => self.first = Some(data),
                Some(Ok(BodyEvent::Data(data))) => self.more.push_back(data),
                Some(Ok(BodyEvent::End { trailers })) => return self.end(lease, trailers, now),
                Some(Err(error)) => {
                    self.state = BodyState::Failed(Some(error));
                    return;
                }
                None => {
                    let deadline = Box::new(deadline.hand_over());
                    self.state = BodyState::Reading { lease, deadline, upload: None };
                    return;
                }
            }
        }
    }

    /// The next chunk; `None` after the last.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(data) = self.first.take().or_else(|| self.more.pop_front()) {
            return Poll::Ready(Some(Ok(data)));
        }
        match &mut self.state {
            BodyState::Ended | BodyState::Upgraded(_) => Poll::Ready(None),
            BodyState::Failed(error) => {
                let error = error.take();
                let read_after_error =
                    || Error::new(ErrorKind::Body, "reading the response body after it has failed");
                Poll::Ready(Some(Err(error.unwrap_or_else(read_after_error))))
            }
            BodyState::Reading { .. } => self.poll_connection(cx),
            #[cfg(feature = "http2")]
            BodyState::Stream(reader) => match ready!(reader.poll_data(cx)) {
                Ok(BodyEvent::Data(data)) => Poll::Ready(Some(Ok(data))),
                Ok(BodyEvent::End { trailers }) => {
                    self.end_of_stream(trailers, curio::clock());
                    Poll::Ready(None)
                }
                Err(error) => Poll::Ready(Some(Err(self.fail(error)))),
            },
        }
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let BodyState::Reading { lease, deadline, upload } = &mut self.state else {
            return Poll::Ready(None);
        };
        if upload.is_some() {
            return self.poll_both_ways(cx);
        }
        let connection = &mut lease.connection;
        match ready!(deadline.poll(cx, "reading the response body", |cx| connection.poll_body(cx))) {
            Ok(Ok(BodyEvent::Data(data))) => Poll::Ready(Some(Ok(data))),
            Ok(Ok(BodyEvent::End { trailers })) => {
                if let BodyState::Reading { lease, .. } = std::mem::replace(&mut self.state, BodyState::Ended)
                {
                    self.end(lease, trailers, curio::clock());
                }
                Poll::Ready(None)
            }
            Ok(Err(error)) | Err(error) => Poll::Ready(Some(Err(self.fail(error)))),
        }
    }

    /// Sends and reads until there is a chunk of the response or both directions are complete.
    fn poll_both_ways(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        while let BodyState::Reading { lease, deadline, upload: Some(rest) } = &mut self.state {
            let connection = &mut lease.connection;
            let doing = match rest.response_end {
                None => "reading the response body",
                Some(_) => "sending the request",
            };
            let mut waits_for_body = false;
            let step = deadline.poll(cx, doing, |cx| rest.poll_step(connection, cx, &mut waits_for_body));
            deadline.set_waits_for_body(waits_for_body);
            match ready!(step) {
                Ok(Ok(Step::Sent(SendState::Over))) => self.upload_is_over(),
                Ok(Ok(Step::Sent(_))) => {}
                Ok(Ok(Step::Response(BodyEvent::Data(data)))) => return Poll::Ready(Some(Ok(data))),
                Ok(Ok(Step::Response(BodyEvent::End { trailers }))) => {
                    let server_closes = connection.server_closes();
                    rest.response_end = Some(trailers);
                    if server_closes {
                        self.upload_is_over();
                    }
                }
                Ok(Err(error)) | Err(error) => return Poll::Ready(Some(Err(self.fail(error)))),
            }
        }
        self.poll_connection(cx)
    }

    /// The upload is complete or the server takes no more: from now on only the response is read.
    fn upload_is_over(&mut self) {
        match std::mem::replace(&mut self.state, BodyState::Ended) {
            BodyState::Reading { lease, mut deadline, upload } => {
                deadline.set_waits_for_body(false);
                match upload.and_then(|rest| rest.response_end) {
                    Some(trailers) => self.end(lease, trailers, curio::clock()),
                    None => self.state = BodyState::Reading { lease, deadline, upload: None },
                }
            }
            state => self.state = state,
        }
    }

    /// Whether a part of the request's body is still to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        #[cfg(feature = "http2")]
        if let BodyState::Stream(reader) = &self.state {
            return reader.is_sending();
        }
        matches!(self.state, BodyState::Reading { upload: Some(_), .. })
    }

    /// Sends the rest of the request's body, and keeps what is received of the response meanwhile, up to
    /// `MOST_KEPT_WHILE_SENDING`. Beyond that it only sends, as long as the server takes more.
    pub(crate) async fn finish_upload(&mut self) -> Result<(), Error> {
        #[cfg(feature = "http2")]
        if let BodyState::Stream(reader) = &mut self.state {
            let sent = poll_fn(|cx| reader.poll_upload(cx, MOST_KEPT_WHILE_SENDING, &mut self.more)).await;
            return sent.map_err(|error| self.fail(error));
        }
        let mut kept = 0;
        poll_fn(|cx| {
            while kept < MOST_KEPT_WHILE_SENDING && self.is_sending() {
                match self.poll_both_ways(cx) {
                    Poll::Ready(Some(Ok(data))) => {
                        kept += data.len();
                        self.more.push_back(data);
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Pending if self.is_sending() => return Poll::Pending,
                    Poll::Ready(None) | Poll::Pending => {}
                }
            }
            self.poll_send_only(cx)
        })
        .await?;
        match std::mem::replace(&mut self.state, BodyState::Ended) {
            BodyState::Reading { lease, mut deadline, upload: None } => {
                self.take_buffered(lease, &mut deadline, curio::clock());
            }
            state => self.state = state,
        }
        Ok(())
    }

    /// Sends without reading. Ready when the server takes no more for now.
    fn poll_send_only(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let BodyState::Reading { lease, deadline, upload: Some(rest) } = &mut self.state {
            deadline.set_waits_for_body(true);
            let sent = deadline.poll(cx, "sending the request", |cx| {
                match lease.connection.send_on(cx, &mut rest.upload) {
                    Ok(SendState::WaitsForBody) => Poll::Pending,
                    sent => Poll::Ready(sent),
                }
            });
            match ready!(sent) {
                Ok(Ok(SendState::Over)) => self.upload_is_over(),
                Ok(Ok(SendState::Moved)) => {}
                Ok(Ok(SendState::Blocked | SendState::WaitsForBody)) => break,
                Ok(Err(error)) | Err(error) => return Poll::Ready(Err(self.fail(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The timeout error of the whole request, if its time is up.
    pub(crate) fn overdue(&self) -> Option<Error> {
        self.limits.overdue("reading the response body")
    }

    /// Closes the connection and drops what has been received.
    pub(crate) fn give_up(&mut self) {
        self.first = None;
        self.more.clear();
        self.state = BodyState::Failed(None);
    }

    /// The connection, if it belongs to another protocol now.
    pub(crate) fn take_upgraded(&mut self) -> Option<Upgraded> {
        match std::mem::replace(&mut self.state, BodyState::Ended) {
            BodyState::Upgraded(lease) => Upgraded::new(lease),
            state => {
                self.state = state;
                None
            }
        }
    }

    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_deref()
    }

    /// When the end of the body was received.
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.ended_at
    }

    /// Reads and discards the rest of the body if it is short and comes soon, so that the connection can be reused; otherwise
    /// closes the connection. The slot is released in both cases, and also if this is dropped together with the response.
    pub(crate) async fn discard(&mut self) {
        self.first = None;
        self.more.clear();
        if self.is_worth_reading() {
            // After a timeout the connection is closed.
            let _ = curio::timeout_after(DISCARD_TIMEOUT, self.read_and_discard()).await;
        }
        self.state = BodyState::Ended;
    }

    fn is_worth_reading(&self) -> bool {
        // A reset would do as well, but servers count resets, and close the connections of clients that send many.
        #[cfg(feature = "http2")]
        if let BodyState::Stream(reader) = &self.state {
            return reader.declared_length().is_none_or(|length| length <= WORTH_READING);
        }
        let BodyState::Reading { lease, .. } = &self.state else { return false };
        let length = lease.connection.declared_length();
        lease.connection.may_be_kept() && length.is_none_or(|length| length <= WORTH_READING)
    }

    async fn read_and_discard(&mut self) {
        let mut read = 0;
        while read <= WORTH_READING
            && let Some(Ok(data)) = poll_fn(|cx| self.poll_data(cx)).await
        {
            read += data.len() as u64;
        }
    }

    fn end(&mut self, lease: Lease, trailers: Option<Box<HeaderMap>>, now: Instant) {
        self.trailers = trailers;
        self.ended_at = Some(now);
        lease.give_back(now);
    }

    /// Closes the connection.
    fn fail(&mut self, error: Error) -> Error {
        self.state = BodyState::Failed(None);
        error
    }
}
