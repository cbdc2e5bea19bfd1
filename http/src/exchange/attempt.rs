//! One request on one connection: an idle one of the pool, or a new one.
//!
//! A connection that was idle may have been closed by the server a moment ago. The request then fails without an answer,
//! and whether the server has seen it cannot be known. It is sent once more, on a new connection, if that can do no harm:
//! the method is idempotent (RFC 9110 §9.2.2), the body can be sent again, no byte of a response has arrived, and the
//! connection was an idle one. On a new connection the same failure is an error, so no request is sent more than twice.

use crate::connections::connection::{BodyLength, Connection, Exchanged, RequestHead, ResponseHead};
use crate::connections::deadline::{Deadline, Limits};
use crate::connections::dialer::Offer;
use crate::connections::failure::ExchangeError;
use crate::connections::pool::{Lease, Origin, Slot};
use crate::connections::timings::Timings;
use crate::error::{Error, ErrorKind, Resend};
use crate::exchange::shared::Shared;
use crate::request::Request;
use crate::request::body::Body;
use crate::request::upload::{OpenBody, Progress, Upload, UploadOptions};
use crate::trace::Trace;
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{HeaderValue, Method};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

/// Makes the body ready. Only the limit for the whole request applies to what a file takes.
pub(crate) async fn open(body: &mut Body, limits: &Limits) -> Result<OpenBody, Error> {
    if let Some(in_memory) = Upload::in_memory(body) {
        return Ok(in_memory);
    }
    Box::pin(limits.within(None, || "opening the request body".into(), Upload::open(body))).await?
}

/// If nothing of the body was sent, a reader is as good as new.
pub(crate) fn put_back(request: &mut Request) {
    if let Some(unsent) = request.opened.take() {
        unsent.0.put_back(&mut request.body);
    }
}

/// A response whose head has been received, and the connection that its body comes on.
pub(crate) struct ReceivedHead {
    pub(crate) head: ResponseHead,
    pub(crate) arrived: Instant,
    pub(crate) lease: Lease,
    /// What is still to be sent of the request's body.
    pub(crate) upload: Option<Box<Upload>>,
}

/// Sends the request on an idle connection of the pool, or on a new one; on a new one, too, if the idle one was stale.
pub(crate) async fn exchange(
    shared: &Shared,
    request: &mut Request,
    origin: &Rc<Origin>,
    slot: Slot,
    deadline: &mut Deadline,
    timings: &mut Timings,
) -> Result<ReceivedHead, Error> {
    let mut began = curio::clock();
    let repeatable = request.is_idempotent() && request.body.is_replayable();
    if let Some(mut connection) = origin.take_idle(began, repeatable) {
        let idle = connection.idle_for().unwrap_or_default();
        shared.settings.tracer.emit(|| Trace::Reused { peer: connection.peer(), idle });
        match attempt(shared, &mut connection, origin, request, deadline, timings, &began).await {
            Ok((head, arrived, upload)) => {
                return Ok(ReceivedHead { head, arrived, lease: Lease::new(connection, slot), upload });
            }
            Err(failed) if failed.went_stale && repeatable => {
                shared.settings.tracer.emit(|| Trace::Note("The connection was stale: trying a new one"));
                drop(connection);
            }
            Err(failed) => return Err(failed.error),
        }
    }
    shared.pool.make_room(origin);
    let limit = shared.settings.timeouts.connect(request);
    let limits = &deadline.limits;
    let dialing = Box::pin(shared.dialer.dial(origin, &request.url, limit, limits, timings, Offer::Http1));
    let mut connection = shared.dialer.http1(dialing.await.map_err(never_seen)?);
    trace_connected(shared, request, connection.peer(), timings);
    began = curio::clock();
    match attempt(shared, &mut connection, origin, request, deadline, timings, &began).await {
        Ok((head, arrived, upload)) => {
            Ok(ReceivedHead { head, arrived, lease: Lease::new(connection, slot), upload })
        }
        Err(failed) => Err(failed.error),
    }
}

/// Sends the request on a connection that was made for it.
#[cfg(feature = "http2")]
pub(crate) async fn on_new_connection(
    shared: &Shared,
    request: &mut Request,
    origin: &Origin,
    (mut connection, slot): (Box<Connection>, Slot),
    deadline: &mut Deadline,
    timings: &mut Timings,
) -> Result<ReceivedHead, Error> {
    let began = curio::clock();
    match attempt(shared, &mut connection, origin, request, deadline, timings, &began).await {
        Ok((head, arrived, upload)) => {
            Ok(ReceivedHead { head, arrived, lease: Lease::new(connection, slot), upload })
        }
        Err(failed) => Err(failed.error),
    }
}

pub(crate) fn trace_connected(
    shared: &Shared,
    request: &Request,
    peer: Option<SocketAddr>,
    timings: &Timings,
) {
    shared.settings.tracer.emit(|| Trace::Connected {
        host: request.url.authority(),
        peer,
        took: [timings.dns, timings.connect, timings.tls].into_iter().flatten().sum(),
    });
}

/// No connection was made, so no server has seen the request.
pub(crate) fn never_seen(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Timeout => error.with_resend(Resend::Always),
        _ => error,
    }
}

async fn attempt(
    shared: &Shared,
    connection: &mut Connection,
    origin: &Origin,
    request: &mut Request,
    deadline: &mut Deadline,
    timings: &mut Timings,
    began: &Instant,
) -> Result<(ResponseHead, Instant, Option<Box<Upload>>), ExchangeError> {
    let (mut upload, length) = match request.opened.take() {
        Some(opened) => *opened,
        None => open(&mut request.body, &deadline.limits).await?,
    };
    let length = prepare_upload(shared, request, &mut upload, length);
    begin(connection, origin, request, length)?;
    let exchanged = connection.exchange(&mut upload, deadline).await;
    let rest = if matches!(exchanged, Ok(Exchanged { body_goes_on: true, .. })) {
        Some(Box::new(upload))
    } else {
        if upload.expect_continue_timeout().is_some() {
            upload.put_back(&mut request.body);
        }
        None
    };
    let Exchanged { head, sent, .. } = exchanged?;
    let arrived = curio::clock();
    timings.send = Some(sent.saturating_duration_since(*began));
    timings.first_byte = Some(arrived.saturating_duration_since(sent));
    Ok((head, arrived, rest))
}

/// Gives the upload its options; returns the length that is declared.
pub(crate) fn prepare_upload(
    shared: &Shared,
    request: &Request,
    upload: &mut Upload,
    length: BodyLength,
) -> BodyLength {
    let length = declared_by_caller(request, length);
    if length != BodyLength::None {
        add_upload_options(shared, request, upload, length);
    }
    length
}

/// Not part of `attempt`, so that its locals do not live in that future while it waits for the response.
fn begin(
    connection: &mut Connection,
    origin: &Origin,
    request: &Request,
    length: BodyLength,
) -> Result<(), ExchangeError> {
    let target = origin.route().target(&request.url);
    let head = RequestHead { method: &request.method, target: &target, headers: &request.headers };
    let common = if request.has_defaults { None } else { origin.common_fields() };
    connection.begin(&head, common, length)
}

fn add_upload_options(shared: &Shared, request: &Request, upload: &mut Upload, length: BodyLength) {
    let expects = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    let expects_continue = request.headers.get(EXPECT).is_some_and(expects);
    let report = request.options.as_ref().and_then(|options| options.progress.clone());
    if !expects_continue && report.is_none() {
        return;
    }
    let total = match length {
        BodyLength::None => Some(0),
        BodyLength::Known(total) => Some(total),
        BodyLength::Chunked => None,
    };
    upload.set_options(UploadOptions {
        progress: report.map(|report| Progress::new(total, report)),
        expect_continue_timeout: expects_continue.then_some(shared.settings.timeouts.expect_continue),
    });
}

/// A body of unknown length has the length of the caller's Content-Length field, if there is one; a body of known length is
/// sent in chunks if the caller has set a Transfer-Encoding field. (The protocol core checks that these fields are right.)
fn declared_by_caller(request: &Request, length: BodyLength) -> BodyLength {
    let headers = &request.headers;
    let declared = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    let takes_content = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    match length {
        BodyLength::Chunked => declared().map_or(length, BodyLength::Known),
        BodyLength::None if !takes_content => length,
        _ if headers.contains_key(TRANSFER_ENCODING) => BodyLength::Chunked,
        _ => length,
    }
}
