//! One request and its response on a stream of a shared connection.
//!
//! Both directions go on independently (RFC 9113 §8.1): each poll sends what flow control allows of the request's body, and
//! then reads. A response that refuses the upload (3xx, 4xx, 5xx before its end) stops the sending; after a 2xx the body goes
//! on being sent while the response is read.
//!
//! What is read is given back to the window at once, so a caller that does not read slows the server down, for this response
//! only. Dropping an [`Http2Stream`] before the end of its response resets the stream and nothing else.

use crate::connections::connection::{BodyEvent, BodyLength, ResponseHead};
use crate::connections::deadline::Deadline;
use crate::connections::http2::failure::StreamFailure;
use crate::connections::http2::handles::{Handles, Open, Receive};
use crate::connections::http2::head::{self, RequestParts};
use crate::connections::http2::outgoing::{Outgoing, Sending};
use crate::connections::http2::shared::{SharedConnection, StreamPermit};
use crate::error::{Error, ErrorKind};
use crate::request::upload::Upload;
use crate::trace::Trace;
use curio::debug::phase;
use h2::{Reason, RecvStream};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, StatusCode};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

/// The most that is taken of a body that has arrived together with its head.
const MOST_AT_ONCE: usize = 64 * 1024;

pub(crate) struct Http2Stream {
    permit: StreamPermit,
    handles: Rc<Handles>,
    upload: Option<Outgoing>,
    waits_for_body: bool,
    interim: usize,
    is_head_request: bool,
    declared_length: Option<u64>,
    received: u64,
    has_body: bool,
    /// The request was complete with its head.
    is_all_sent: bool,
    /// And the end of its response has been read.
    is_complete: bool,
}

/// A response's head, and when the last byte of the request was sent.
pub(crate) struct Exchanged {
    pub(crate) head: ResponseHead,
    pub(crate) sent: Instant,
}

/// What a step of an exchange has led to.
enum Step {
    Sent,
    Interim(StatusCode),
    Head(ResponseHead),
}

impl Http2Stream {
    /// Opens a stream with the head of a request.
    pub(crate) fn begin(
        permit: StreamPermit,
        parts: &RequestParts<'_>,
        upload: Upload,
        length: BodyLength,
    ) -> Result<Http2Stream, (StreamFailure, Upload)> {
        let connection = permit.connection();
        let request = match head::request(parts, length) {
            Ok(request) => request,
            Err(error) => return Err((error.into(), upload)),
        };
        head::trace_request(&connection.tracer, &request);
        let is_all = matches!(length, BodyLength::None | BodyLength::Known(0));
        let handles = match connection.send_request(request, is_all) {
            Ok(opened) => opened,
            Err(cause) => return Err((StreamFailure::not_opened(connection, cause), upload)),
        };
        Ok(Http2Stream {
            permit,
            handles,
            upload: (!is_all).then(|| Outgoing::new(upload, length)),
            waits_for_body: false,
            interim: 0,
            is_head_request: *parts.method == Method::HEAD,
            declared_length: None,
            received: 0,
            has_body: false,
            is_all_sent: is_all,
            is_complete: false,
        })
    }

    pub(crate) fn connection(&self) -> &Rc<SharedConnection> {
        self.permit.connection()
    }

    /// Sends the request and waits for the head of its response.
    pub(crate) async fn exchange(&mut self, deadline: &mut Deadline) -> Result<Exchanged, StreamFailure> {
        let early = match self.upload.is_some() {
            true => phase("sending the request", self.send(deadline)).await?,
            false => None,
        };
        let sent = curio::clock();
        if let Some(head) = early {
            return Ok(Exchanged { head, sent });
        }
        deadline.begin(sent);
        let waiting = phase("waiting for the response", async {
            loop {
                if let Step::Head(head) = self.step("waiting for the response", deadline).await? {
                    return Ok::<_, StreamFailure>(head);
                }
            }
        });
        Ok(Exchanged { head: waiting.await?, sent })
    }

    /// Waits for the server to ask for the body (RFC 9110 §10.1.1). `Some`: it refuses it.
    pub(crate) async fn expect_continue(
        &mut self,
        wait: std::time::Duration,
        deadline: &mut Deadline,
    ) -> Result<Option<ResponseHead>, StreamFailure> {
        let Some(body) = self.upload.take() else { return Ok(None) };
        let tracer = self.connection().tracer.clone();
        tracer.emit(|| Trace::Note("Waiting for the server to ask for the body"));
        let doing = || "waiting for the server to ask for the request body".into();
        let asked = poll_fn(|cx| {
            loop {
                return match ready!(self.poll_step(cx)) {
                    Ok(Step::Interim(StatusCode::CONTINUE)) => Poll::Ready(Ok(None)),
                    Ok(Step::Interim(_) | Step::Sent) => continue,
                    Ok(Step::Head(head)) => Poll::Ready(Ok(Some(head))),
                    Err(failed) => Poll::Ready(Err(failed)),
                };
            }
        });
        let limits = deadline.limits;
        let refusal = match limits.within(Some(wait), doing, asked).await {
            Ok(answer) => answer?,
            Err(error) if limits.is_over() => return Err(error.into()),
            Err(_) => None,
        };
        self.upload = Some(body);
        Ok(refusal)
    }

    /// The source of a body that is not to be sent.
    pub(crate) fn take_upload(&mut self) -> Option<Upload> {
        self.upload.take().map(Outgoing::into_upload)
    }

    /// Sends the body. `Some`: the response came before its end.
    async fn send(&mut self, deadline: &mut Deadline) -> Result<Option<ResponseHead>, StreamFailure> {
        loop {
            match self.step("sending the request", deadline).await? {
                Step::Sent => return Ok(None),
                Step::Interim(_) => {}
                Step::Head(head) => {
                    // With a 4xx or 5xx the body is not wanted; after a redirect or a challenge it is sent elsewhere or again.
                    if !head.status.is_success() {
                        self.upload = None;
                    }
                    return Ok(Some(head));
                }
            }
        }
    }

    async fn step(&mut self, doing: &'static str, deadline: &mut Deadline) -> Result<Step, StreamFailure> {
        let step = poll_fn(|cx| {
            let polled = deadline.poll(cx, doing, |cx| self.poll_step(cx));
            deadline.set_waits_for_body(self.waits_for_body);
            polled
        });
        step.await.map_err(StreamFailure::from)?
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, StreamFailure>> {
        let connection = Rc::clone(self.connection());
        let handles = Rc::clone(&self.handles);
        connection.poll_with(Some(&handles), cx, |cx| self.poll_step_of_stream(cx))
    }

    fn poll_step_of_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, StreamFailure>> {
        let connection = Rc::clone(self.connection());
        let handles = Rc::clone(&self.handles);
        if let Some(interim) = handles.next_interim() {
            return Poll::Ready(self.interim(interim).map(Step::Interim));
        }
        let mut open = handles.open.borrow_mut();
        let Some(Open { send, receive: Receive::Head(response) }) = &mut *open else {
            let error =
                if handles.is_flooded.get() { too_many_interim(connection.limits.interim) } else { unread() };
            return Poll::Ready(Err(error.into()));
        };
        if let Poll::Ready(Some(Ok(interim))) = response.poll_informational(cx) {
            return Poll::Ready(self.interim(interim).map(Step::Interim));
        }
        if let Poll::Ready(response) = Pin::new(response).poll(cx) {
            let response = response.map_err(|cause| StreamFailure::head(&connection, cause))?;
            let (head, body) = head::response(response, &connection.limits, &connection.tracer)?;
            self.take_head(&head, &body);
            handles.read_at.set(curio::clock());
            if let Some(open) = &mut *open {
                open.receive = Receive::Body(body);
            }
            return Poll::Ready(Ok(Step::Head(head)));
        }
        let Some(upload) = &mut self.upload else { return Poll::Pending };
        handles.has_unsent.set(true);
        let sending = upload.poll_send(cx, send)?;
        self.waits_for_body = sending == Sending::WaitsForBody;
        if sending == Sending::Over {
            self.upload = None;
            return Poll::Ready(Ok(Step::Sent));
        }
        Poll::Pending
    }

    fn interim(&mut self, interim: http::Response<()>) -> Result<StatusCode, StreamFailure> {
        let connection = Rc::clone(self.connection());
        self.interim += 1;
        let limit = connection.limits.interim;
        if self.interim > limit {
            return Err(too_many_interim(limit).into());
        }
        let (head, ()) = head::response(interim, &connection.limits, &connection.tracer)?;
        Ok(head.status)
    }

    fn take_head(&mut self, head: &ResponseHead, body: &RecvStream) {
        let length = head.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let never_has_one = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self.has_body = !self.is_head_request && !never_has_one;
        self.declared_length = length.filter(|_| self.has_body);
        if body.is_end_stream() {
            self.declared_length = self.declared_length.map(|_| 0).or(self.has_body.then_some(0));
        }
    }

    /// The length that the response's head declares for its body, if it declares one.
    pub(crate) fn declared_length(&self) -> Option<u64> {
        self.declared_length
    }

    /// Whether the response has a body, though it may be an empty one.
    pub(crate) fn has_body(&self) -> bool {
        self.has_body
    }

    /// Whether a part of the request's body is still to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        self.upload.is_some()
    }

    /// Whether the request's body has no data now.
    pub(crate) fn waits_for_body(&self) -> bool {
        self.waits_for_body
    }

    /// The next part of the response body. `End` is the last. Sends the rest of the request meanwhile.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        let connection = Rc::clone(self.connection());
        self.handles.read_at.set(curio::clock());
        let handles = Rc::clone(&self.handles);
        connection.poll_with(Some(&handles), cx, |cx| {
            self.poll_send(cx)?;
            self.poll_body_of_stream(cx)
        })
    }

    /// Sends the rest of the request without reading: pending until all of it is sent.
    pub(crate) fn poll_upload(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let connection = Rc::clone(self.connection());
        let handles = Rc::clone(&self.handles);
        connection.poll_with(Some(&handles), cx, |cx| {
            self.poll_send(cx)?;
            if self.upload.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let mut open = self.handles.open.borrow_mut();
        let (Some(upload), Some(open)) = (&mut self.upload, &mut *open) else { return Ok(()) };
        self.handles.has_unsent.set(true);
        let sending = upload.poll_send(cx, &mut open.send)?;
        self.waits_for_body = sending == Sending::WaitsForBody;
        if sending == Sending::Over {
            self.upload = None;
        }
        Ok(())
    }

    /// The next part, if it has been received already.
    pub(crate) fn buffered_body_event(&mut self) -> Option<Result<BodyEvent, Error>> {
        if self.received > MOST_AT_ONCE as u64 {
            return None;
        }
        let connection = Rc::clone(self.connection());
        connection.step_at_once(|| match self.poll_body_of_stream(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        })
    }

    fn poll_body_of_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<BodyEvent, Error>> {
        let connection = Rc::clone(self.connection());
        let handles = Rc::clone(&self.handles);
        let mut open = handles.open.borrow_mut();
        let Some(Open { receive: Receive::Body(body), .. }) = &mut *open else {
            return Poll::Ready(Err(unread()));
        };
        let mut received = ready!(body.poll_data(cx));
        // Empty frames, such as one that only says that it is the last. h2 limits their number.
        while matches!(&received, Some(Ok(data)) if data.is_empty()) {
            received = ready!(body.poll_data(cx));
        }
        match received {
            Some(Ok(data)) => {
                // It cannot be more than was received.
                let _ = body.flow_control().release_capacity(data.len());
                self.received += data.len() as u64;
                if self.received > MOST_AT_ONCE as u64 {
                    // The server may be waiting to hear of the room that there is now.
                    handles.has_unsent.set(true);
                }
                Poll::Ready(Ok(BodyEvent::Data(data)))
            }
            Some(Err(cause)) if self.is_reset_after_the_end(&cause) => {
                Poll::Ready(Ok(BodyEvent::End { trailers: None }))
            }
            Some(Err(cause)) => Poll::Ready(Err(StreamFailure::body(&connection, cause))),
            None => match ready!(body.poll_trailers(cx)) {
                Ok(trailers) => Poll::Ready(self.end(trailers)),
                Err(cause) if self.is_reset_after_the_end(&cause) => {
                    Poll::Ready(Ok(BodyEvent::End { trailers: None }))
                }
                Err(cause) => Poll::Ready(Err(StreamFailure::body(&connection, cause))),
            },
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<BodyEvent, Error> {
        let limit = self.connection().limits.trailer_fields;
        if trailers.as_ref().is_some_and(|trailers| trailers.len() > limit) {
            let what = format!("reading the response body: more than {limit} trailer fields");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        self.is_complete = self.is_all_sent;
        Ok(BodyEvent::end(trailers))
    }

    /// With `NO_ERROR`, a server stops an upload after a complete response (RFC 9113 §8.1). That is no error of the response,
    /// unless less of it has come than its head declares.
    fn is_reset_after_the_end(&self, cause: &h2::Error) -> bool {
        cause.is_reset()
            && cause.reason() == Some(Reason::NO_ERROR)
            && self.declared_length.is_none_or(|length| length == self.received)
    }
}

impl Drop for Http2Stream {
    fn drop(&mut self) {
        self.connection().end_stream(&self.handles, self.is_complete);
    }
}

fn too_many_interim(limit: usize) -> Error {
    let what = format!("reading the response head: more than {limit} interim responses");
    Error::new(ErrorKind::TooLarge, what).under("max_interim_responses")
}

/// The handles were taken: see `handles.rs`.
fn unread() -> Error {
    let what = "the response was left unread for more than 30 s while other responses on its HTTP/2 connection needed the \
                room, so its stream was reset: read it, or drop it";
    Error::new(ErrorKind::Body, what)
}
