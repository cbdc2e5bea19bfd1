//! A response body on its way in, and the connection it comes on.
//!
//! [`BodyReader`] is where a connection in use lives: it holds the lease, and the end of the body is the moment at which
//! it gives it back. Everything else (an error, a time limit, being dropped) ends the connection, because the bytes
//! that are still on their way would otherwise be taken for the answer to somebody else's question.
//!
//! Most responses are small and have arrived in full together with their head. So what is at hand is taken at once,
//! without waiting: the connection is then free before the caller has looked at the status, and free also if the
//! caller never looks at the body at all.
//!
//! Reading is a poll and nothing is lost between polls: a caller may give up waiting for a piece and ask again.
//!
//! # A response that came before the end of its request
//! The rest of the request's body is then sent from here, in step with reading, until both directions are complete
//! (RFC 9112 §9.5). A caller who looks only at the status must not lose the upload by that, so the response is handed out
//! when all of the body has left ([`finish_upload`](BodyReader::finish_upload)); what comes meanwhile is kept. Only if that
//! becomes too much, and the server takes no more before some of it is read, does the caller's reading drive the upload.

use crate::connections::connection::{BodyEvent, Connection, SendState};
use crate::connections::deadline::{Deadline, Limits};
use crate::connections::pool::Lease;
use crate::connections::upgraded::Upgraded;
use crate::error::{Error, ErrorKind};
use crate::request::upload::Upload;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// How much of an unwanted body is read so that the connection can be kept. Opening a new one costs about as much.
const WORTH_READING: u64 = 64 * 1024;
/// How much of a response is kept while the rest of its request is being sent.
const MOST_KEPT_WHILE_SENDING: usize = 1024 * 1024;
/// How long the rest of an unwanted body may take to come.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct BodyReader {
    /// Pieces that came before anybody asked.
    first: Option<Bytes>,
    more: VecDeque<Bytes>,
    state: State,
    trailers: Option<HeaderMap>,
    ended_at: Option<Instant>,
    limits: Limits,
}

enum State {
    Reading {
        lease: Lease,
        deadline: Box<Deadline>,
        upload: Option<Box<RestOfUpload>>,
    },
    Ended,
    /// There is no body: the connection belongs to another protocol now.
    Upgraded(Lease),
    /// With the error, until somebody has been told.
    Failed(Option<Error>),
}

/// What is left of a request's body when its response has begun.
struct RestOfUpload {
    upload: Upload,
    /// All of the response has come, with these trailers.
    response_end: Option<Option<HeaderMap>>,
}

/// What a step in either direction has brought.
enum Step {
    Response(BodyEvent),
    Sent(SendState),
}

impl RestOfUpload {
    /// Sends on, and reads on if the response is not complete. Pending if neither is possible now; `waits_for_body` says
    /// whether that is because the body has nothing to send.
    fn poll_step(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
        waits_for_body: &mut bool,
    ) -> Poll<Result<Step, Error>> {
        let sent = connection.send_on(cx, &mut self.upload)?;
        if sent != SendState::Over
            && self.response_end.is_none()
            && let Poll::Ready(piece) = connection.poll_body(cx)
        {
            return Poll::Ready(piece.map(Step::Response));
        }
        if matches!(sent, SendState::Over | SendState::Moved) {
            return Poll::Ready(Ok(Step::Sent(sent)));
        }
        *waits_for_body = sent == SendState::WaitsForBody;
        Poll::Pending
    }
}

impl BodyReader {
    /// The body of the response whose head came on `lease` at `now`. The deadline of the exchange goes on. `upload` is what
    /// is left of the request's body.
    pub(crate) fn new(
        lease: Lease,
        deadline: Deadline,
        now: Instant,
        upload: Option<Box<Upload>>,
    ) -> BodyReader {
        let mut body = BodyReader {
            first: None,
            more: VecDeque::new(),
            state: State::Ended,
            trailers: None,
            ended_at: None,
            limits: deadline.limits,
        };
        match upload {
            None => body.take_what_is_at_hand(lease, deadline, now),
            Some(upload) => {
                let upload = Some(Box::new(RestOfUpload { upload: *upload, response_end: None }));
                body.state = State::Reading { lease, deadline: Box::new(deadline), upload };
            }
        }
        body
    }

    fn take_what_is_at_hand(&mut self, mut lease: Lease, deadline: Deadline, now: Instant) {
        if lease.connection.is_upgraded() {
            self.state = State::Upgraded(lease);
            return;
        }
        loop {
            match lease.connection.buffered_body_event() {
                Some(Ok(BodyEvent::Data(data))) if self.first.is_none() => self.first = Some(data),
                Some(Ok(BodyEvent::Data(data))) => self.more.push_back(data),
                Some(Ok(BodyEvent::End { trailers })) => return self.end(lease, trailers, now),
                Some(Err(error)) => {
                    self.state = State::Failed(Some(error));
                    return;
                }
                None => {
                    self.state = State::Reading { lease, deadline: Box::new(deadline), upload: None };
                    return;
                }
            }
        }
    }

    /// The next piece; `None` after the last.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(data) = self.first.take().or_else(|| self.more.pop_front()) {
            return Poll::Ready(Some(Ok(data)));
        }
        match &mut self.state {
            State::Ended | State::Upgraded(_) => Poll::Ready(None),
            State::Failed(error) => {
                let error = error.take();
                let read_after_error =
                    || Error::new(ErrorKind::Body, "reading on after an error in the response body");
                Poll::Ready(Some(Err(error.unwrap_or_else(read_after_error))))
            }
            State::Reading { .. } => self.poll_connection(cx),
        }
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let State::Reading { lease, deadline, upload } = &mut self.state else { return Poll::Ready(None) };
        if upload.is_some() {
            return self.poll_both_ways(cx);
        }
        let connection = &mut lease.connection;
        match ready!(deadline.poll(cx, "reading the response body", |cx| connection.poll_body(cx))) {
            Ok(Ok(BodyEvent::Data(data))) => Poll::Ready(Some(Ok(data))),
            Ok(Ok(BodyEvent::End { trailers })) => {
                if let State::Reading { lease, .. } = std::mem::replace(&mut self.state, State::Ended) {
                    self.end(lease, trailers, curio::clock());
                }
                Poll::Ready(None)
            }
            Ok(Err(error)) | Err(error) => Poll::Ready(Some(Err(self.fail(error)))),
        }
    }

    /// Sends on and reads on, until there is a piece of the response or both directions are complete.
    fn poll_both_ways(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        while let State::Reading { lease, deadline, upload: Some(rest) } = &mut self.state {
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

    /// Nothing more is to be sent: only the response, if anything, is still to come.
    fn upload_is_over(&mut self) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Reading { lease, mut deadline, upload } => {
                deadline.set_waits_for_body(false);
                match upload.and_then(|rest| rest.response_end) {
                    Some(trailers) => self.end(lease, trailers, curio::clock()),
                    None => self.state = State::Reading { lease, deadline, upload: None },
                }
            }
            state => self.state = state,
        }
    }

    /// Whether a part of the request's body is still to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        matches!(self.state, State::Reading { upload: Some(_), .. })
    }

    /// Sends the rest of the request's body and keeps what comes of the response meanwhile: as much as is kept at most, and
    /// more only if the server goes on reading all the same.
    pub(crate) async fn finish_upload(&mut self) -> Result<(), Error> {
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
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Reading { lease, deadline, upload: None } => {
                self.take_what_is_at_hand(lease, *deadline, curio::clock());
            }
            state => self.state = state,
        }
        Ok(())
    }

    /// Sends what can be sent without reading. Ready when the server takes no more for now.
    fn poll_send_only(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let State::Reading { lease, deadline, upload: Some(rest) } = &mut self.state {
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

    /// The error that the limit for the whole request has passed, if it has.
    pub(crate) fn overdue(&self) -> Option<Error> {
        self.limits.overdue("reading the response body")
    }

    /// Closes the connection: what is still to come is not wanted.
    pub(crate) fn give_up(&mut self) {
        self.first = None;
        self.more.clear();
        self.state = State::Failed(None);
    }

    /// The connection, if it belongs to another protocol now.
    pub(crate) fn take_upgraded(&mut self) -> Option<Upgraded> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Upgraded(lease) => Upgraded::new(lease),
            state => {
                self.state = state;
                None
            }
        }
    }

    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// When the last byte had come.
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.ended_at
    }

    /// Reads and forgets the rest if there is not much of it and it comes soon, so that the connection can be used again;
    /// otherwise, or if that fails, closes the connection. Either way its slot is free afterwards, and also if this is
    /// dropped together with the response.
    pub(crate) async fn discard(&mut self) {
        self.first = None;
        self.more.clear();
        if self.is_worth_reading() {
            // What does not come in time costs the connection.
            let _ = curio::timeout_after(DISCARD_TIMEOUT, self.read_and_forget()).await;
        }
        self.state = State::Ended;
    }

    fn is_worth_reading(&self) -> bool {
        let State::Reading { lease, .. } = &self.state else { return false };
        let length = lease.connection.declared_length();
        lease.connection.may_be_kept() && length.is_none_or(|length| length <= WORTH_READING)
    }

    async fn read_and_forget(&mut self) {
        let mut read = 0;
        while read <= WORTH_READING
            && let Some(Ok(data)) = poll_fn(|cx| self.poll_data(cx)).await
        {
            read += data.len() as u64;
        }
    }

    fn end(&mut self, lease: Lease, trailers: Option<HeaderMap>, now: Instant) {
        self.trailers = trailers;
        self.ended_at = Some(now);
        lease.give_back(now);
    }

    /// Closes the connection.
    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Failed(None);
        error
    }
}
