//! Reads a response body from its stream of HTTP/2, under the timeouts of its request.
//!
//! Both directions go on independently, so each read also sends what is left of the request's body. When the response is
//! complete and that body is not, the rest is sent before the end is reported.

use crate::connections::connection::BodyEvent;
use crate::connections::deadline::Deadline;
use crate::connections::http2::sharing::StreamLease;
use crate::error::Error;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

pub(crate) struct StreamReader {
    lease: StreamLease,
    deadline: Deadline,
    /// The end of the response has been received, with these trailers.
    end: Option<Option<Box<HeaderMap>>>,
}

impl StreamReader {
    pub(crate) fn new(lease: StreamLease, deadline: Deadline) -> StreamReader {
        StreamReader { lease, deadline, end: None }
    }

    /// The next part of the body. `End` is the last.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        if self.end.is_none() {
            let stream = &mut self.lease.stream;
            let event = self.deadline.poll(cx, "reading the response body", |cx| stream.poll_body(cx));
            self.deadline.set_waits_for_body(stream.is_sending() && stream.waits_for_body());
            match ready!(event)?? {
                BodyEvent::End { trailers } => self.end = Some(trailers),
                data => return Poll::Ready(Ok(data)),
            }
        }
        ready!(self.poll_rest_of_upload(cx))?;
        Poll::Ready(Ok(BodyEvent::End { trailers: self.end.take().flatten() }))
    }

    fn poll_rest_of_upload(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let stream = &mut self.lease.stream;
        if !stream.is_sending() {
            return Poll::Ready(Ok(()));
        }
        let sent = self.deadline.poll(cx, "sending the request", |cx| stream.poll_upload(cx));
        self.deadline.set_waits_for_body(stream.waits_for_body());
        Poll::Ready(ready!(sent)?)
    }

    /// Sends the rest of the request's body; what is received meanwhile is added to `kept`, up to about `most` bytes.
    pub(crate) fn poll_upload(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        kept: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), Error>> {
        while self.lease.stream.is_sending() {
            let is_full = kept.iter().map(Bytes::len).sum::<usize>() >= most;
            if is_full || self.end.is_some() {
                return self.poll_rest_of_upload(cx);
            }
            let stream = &mut self.lease.stream;
            let event = self.deadline.poll(cx, "reading the response body", |cx| stream.poll_body(cx));
            self.deadline.set_waits_for_body(stream.is_sending() && stream.waits_for_body());
            match event {
                Poll::Pending if self.lease.stream.is_sending() => return Poll::Pending,
                // The rest of the response is for the caller.
                Poll::Pending => break,
                Poll::Ready(event) => match event?? {
                    BodyEvent::Data(data) => kept.push_back(data),
                    BodyEvent::End { trailers } => self.end = Some(trailers),
                },
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next part, if it has been received already and nothing is to be sent.
    pub(crate) fn buffered(&mut self) -> Option<Result<BodyEvent, Error>> {
        if self.is_sending() || self.end.is_some() { None } else { self.lease.stream.buffered_body_event() }
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.lease.stream.is_sending()
    }

    pub(crate) fn declared_length(&self) -> Option<u64> {
        self.lease.stream.declared_length()
    }
}
