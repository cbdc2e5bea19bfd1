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

use crate::connections::connection::BodyEvent;
use crate::connections::deadline::Deadline;
use crate::connections::pool::Lease;
use crate::connections::upgraded::Upgraded;
use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use http::HeaderMap;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// How much of an unwanted body is read so that the connection can be kept. Opening a new one costs about as much.
const WORTH_READING: u64 = 64 * 1024;

pub(crate) struct BodyReader {
    /// Pieces that came before anybody asked.
    first: Option<Bytes>,
    more: VecDeque<Bytes>,
    state: State,
    trailers: Option<HeaderMap>,
    ended_at: Option<Instant>,
}

enum State {
    Reading {
        lease: Lease,
        deadline: Box<Deadline>,
    },
    Ended,
    /// There is no body: the connection belongs to another protocol now.
    Upgraded(Lease),
    /// With the error, until somebody has been told.
    Failed(Option<Error>),
}

impl BodyReader {
    /// The body of the response whose head came on `lease` at `now`. The patience of the exchange goes on.
    pub(crate) fn new(lease: Lease, deadline: Deadline, now: Instant) -> BodyReader {
        let mut body = BodyReader {
            first: None,
            more: VecDeque::new(),
            state: State::Ended,
            trailers: None,
            ended_at: None,
        };
        body.take_what_is_at_hand(lease, deadline, now);
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
                    self.state = State::Reading { lease, deadline: Box::new(deadline) };
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
        let State::Reading { lease, deadline } = &mut self.state else { return Poll::Ready(None) };
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

    /// Reads and forgets the rest if there is not much of it, so that the connection can be used again; otherwise, or
    /// if that fails, closes it.
    pub(crate) async fn discard(&mut self) {
        self.first = None;
        self.more.clear();
        if let State::Reading { lease, .. } = &self.state
            && lease.connection.declared_length().is_none_or(|length| length <= WORTH_READING)
        {
            let mut read = 0;
            while let Some(Ok(data)) = poll_fn(|cx| self.poll_data(cx)).await {
                read += data.len() as u64;
                if read > WORTH_READING {
                    break;
                }
            }
        }
        self.state = State::Ended;
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
