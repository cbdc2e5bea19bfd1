//! One request on a stream of the connection that its origin shares.
//!
//! The request waits for its turn, and finds the connection or opens it ([`Sharing`]). If the server chooses HTTP/1.1, the
//! connection that was made is used for that.
//!
//! A request that the server has not processed, by its own word, is sent again whatever its method, at most twice. One whose
//! connection broke before a byte of the response is sent once more if that can do no harm, as over HTTP/1.1: the method is
//! idempotent, and the connection had carried requests before.

use crate::connections::connection::Connection;
use crate::connections::deadline::Deadline;
use crate::connections::dialer::Offer;
use crate::connections::http2::sharing::{Connected, Sharing, StreamLease, Turn};
use crate::connections::http2::stream::{Exchanged, Http2Stream};
use crate::connections::http2::{Again, RequestParts, StreamFailure, StreamPermit};
use crate::connections::pool::{Origin, Slot};
use crate::connections::timings::{Timings, since};
use crate::error::Error;
use crate::exchange::hop::{finish_upload, head_has_arrived, response_to, wait_for_slot};
use crate::exchange::shared::Shared;
use crate::exchange::{attempt, defaults};
use crate::request::Request;
use crate::request::body::Body;
use crate::response::{Response, ResponseParts};
use crate::settings::Settings;
use crate::trace::Trace;
use curio::debug::phase;
use http::header::UPGRADE;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How many times a request is sent at most.
const MOST_TRIES: usize = 3;

/// A stream, or what there is in its place.
enum Leased {
    Permit(StreamPermit, Rc<Slot>),
    Http1(Option<(Box<Connection>, Slot)>),
}

/// Whether the request may be sent over HTTP/2: to an `https` server that has not chosen HTTP/1.1 before, or to any if the
/// session knows that it speaks it. HTTP/2 has no upgrades (RFC 9113 §8.6).
pub(crate) fn may_be_spoken(settings: &Settings, origin: &Origin, request: &Request) -> bool {
    let url = &request.url;
    settings.http2.is_offered
        && (url.is_https() || (settings.http2.prior_knowledge && !origin.route().is_forwarded(url)))
        && !origin.sharing().is_http1()
        && !request.headers.contains_key(UPGRADE)
}

/// The response; `None` if the origin speaks HTTP/1.1.
pub(crate) async fn hop(
    shared: &Rc<Shared>,
    request: &mut Request,
    origin: &Rc<Origin>,
    deadline: &mut Deadline,
    timings: &mut Timings,
    started: Instant,
) -> Result<Option<Response>, Error> {
    for tries in 1.. {
        let (permit, slot) = match lease(shared, request, origin, deadline, timings).await? {
            Leased::Permit(permit, slot) => (permit, slot),
            Leased::Http1(None) => return Ok(None),
            Leased::Http1(Some(connection)) => {
                let exchanged =
                    attempt::on_new_connection(shared, request, origin, connection, deadline, timings);
                let received = exchanged.await?;
                let response = response_to(shared, request, received, deadline, *timings, started);
                return Ok(Some(sent_in_full(shared, response).await?));
            }
        };
        let failed = match send(shared, request, origin, permit, deadline, timings).await {
            Ok((stream, exchanged)) => {
                let lease = StreamLease { stream, _slot: slot };
                let response = respond(shared, request, lease, exchanged, deadline, *timings, started);
                return Ok(Some(sent_in_full(shared, response).await?));
            }
            Err(failed) => failed,
        };
        let may_be_sent = request.body.can_be_sent();
        let note = match failed.again {
            _ if tries == MOST_TRIES || !may_be_sent => return Err(failed.error),
            Again::NotProcessed => "The server has not processed the request: sending it again",
            Again::WentStale if tries == 1 && request.is_idempotent() => {
                "The connection was stale: trying a new one"
            }
            Again::OverHttp1 => {
                origin.sharing().set_http1();
                return Ok(None);
            }
            Again::No | Again::WentStale => return Err(failed.error),
        };
        shared.settings.tracer.emit(|| Trace::Note(note));
    }
    Ok(None)
}

/// A stream of the origin's connection, in the order of arrival.
async fn lease(
    shared: &Shared,
    request: &mut Request,
    origin: &Rc<Origin>,
    deadline: &Deadline,
    timings: &mut Timings,
) -> Result<Leased, Error> {
    let sharing = origin.sharing();
    let turn = match sharing.try_turn() {
        Some(turn) => turn,
        None => {
            // Thousands may wait here, and must not hold an open file each.
            request.opened.take_if(|body| body.0.can_be_opened_again());
            wait_for_turn(shared, sharing, deadline, timings).await?
        }
    };
    loop {
        if sharing.is_http1() {
            return Ok(Leased::Http1(None));
        }
        let Some(Connected { connection, slot }) = sharing.connected() else {
            match open(shared, request, origin, &turn, deadline, timings).await? {
                None => continue,
                http1 => return Ok(Leased::Http1(http1)),
            }
        };
        let idle = connection.idle_for(curio::clock());
        let rules = &shared.settings.pool_limits;
        let is_past_its_time = |idle| rules.idle_timeout.is_some_and(|most| idle >= most);
        if idle.is_some_and(|idle| rules.idle_per_host == 0 || is_past_its_time(idle)) {
            drop(sharing.take_idle());
            continue;
        }
        let permit = match connection.try_permit() {
            Some(permit) => permit,
            None => {
                let began = curio::clock();
                let doing = || "waiting for a stream of the HTTP/2 connection".into();
                let waiting =
                    deadline.limits.within(shared.settings.timeouts.pool, doing, connection.permit());
                let permit = phase("waiting for a connection", waiting).await?;
                timings.pool_wait = Some(timings.pool_wait.unwrap_or_default() + since(began));
                permit
            }
        };
        if connection.is_open() {
            if let Some(idle) = idle {
                shared.settings.tracer.emit(|| Trace::Reused { peer: connection.peer(), idle });
            }
            return Ok(Leased::Permit(permit, slot));
        }
    }
}

async fn wait_for_turn<'a>(
    shared: &Shared,
    sharing: &'a Sharing,
    deadline: &Deadline,
    timings: &mut Timings,
) -> Result<Turn<'a>, Error> {
    let began = curio::clock();
    let doing = || "waiting for the HTTP/2 connection that other requests wait for, too".into();
    let waiting = deadline.limits.within(shared.settings.timeouts.pool, doing, sharing.turn());
    let turn = phase("waiting for a connection", waiting).await??;
    timings.pool_wait = Some(since(began));
    Ok(turn)
}

/// Makes a connection. `Some`: the server has chosen HTTP/1.1.
async fn open(
    shared: &Shared,
    request: &Request,
    origin: &Rc<Origin>,
    turn: &Turn<'_>,
    deadline: &Deadline,
    timings: &mut Timings,
) -> Result<Option<(Box<Connection>, Slot)>, Error> {
    // The slot of a connection that takes no more streams is free as soon as its streams have ended.
    drop(origin.sharing().take());
    let slot = match origin.try_slot() {
        Some(slot) => slot,
        None => {
            let waiting = wait_for_slot(shared, origin, &deadline.limits, timings);
            phase("waiting for a connection", waiting).await?
        }
    };
    shared.pool.make_room(origin);
    let limit = shared.settings.timeouts.connect(request);
    let limits = &deadline.limits;
    let dialing = shared.dialer.dial(origin, &request.url, limit, limits, timings, Offer::Both);
    let dialed = match dialing.await.map_err(attempt::never_seen) {
        Ok(dialed) => dialed,
        Err(error) => {
            // That this request has no time left is no reason for the others to fail.
            if !limits.is_over() {
                turn.set_failed(&error);
            }
            return Err(error);
        }
    };
    attempt::trace_connected(shared, request, dialed.peer(), timings);
    if !dialed.chose_http2().unwrap_or(shared.settings.http2.prior_knowledge) {
        origin.sharing().set_http1();
        return Ok(Some((shared.dialer.http1(dialed), slot)));
    }
    let connection = shared.dialer.http2(dialed).await.map_err(attempt::never_seen)?;
    turn.set_connected(Connected { connection, slot: Rc::new(slot) });
    origin.watch_shared();
    Ok(None)
}

/// Sends the request on a stream, and waits for the head of the response.
async fn send(
    shared: &Shared,
    request: &mut Request,
    origin: &Origin,
    permit: StreamPermit,
    deadline: &mut Deadline,
    timings: &mut Timings,
) -> Result<(Http2Stream, (Exchanged, Instant)), StreamFailure> {
    let began = curio::clock();
    let (mut upload, length) = match request.opened.take() {
        Some(opened) => *opened,
        None => attempt::open(&mut request.body, &deadline.limits).await?,
    };
    let length = attempt::prepare_upload(shared, request, &mut upload, length);
    let expects = upload.expect_continue_timeout();
    let target = origin.route().target(&request.url);
    let parts = RequestParts {
        method: &request.method,
        is_https: request.url.is_https(),
        target: &target,
        headers: &request.headers,
    };
    let begun = Http2Stream::begin(permit, &parts, upload, length);
    drop(target);
    let mut stream = match begun {
        Ok(stream) => stream,
        Err((failed, upload)) => {
            upload.put_back(&mut request.body);
            return Err(failed);
        }
    };
    let exchanged = match exchange(&mut stream, expects, deadline, &mut request.body).await {
        Ok(exchanged) => exchanged,
        Err(failed) => {
            put_back(&mut stream, &mut request.body);
            return Err(failed);
        }
    };
    let arrived = curio::clock();
    timings.send = Some(exchanged.sent.saturating_duration_since(began));
    timings.first_byte = Some(arrived.saturating_duration_since(exchanged.sent));
    Ok((stream, (exchanged, arrived)))
}

async fn exchange(
    stream: &mut Http2Stream,
    expects: Option<Duration>,
    deadline: &mut Deadline,
    body: &mut Body,
) -> Result<Exchanged, StreamFailure> {
    if let Some(wait) = expects
        && let Some(head) = Box::pin(stream.expect_continue(wait, deadline)).await?
    {
        put_back(stream, body);
        return Ok(Exchanged { head, sent: curio::clock() });
    }
    stream.exchange(deadline).await
}

/// If nothing was taken of a reader, it is as good as new.
fn put_back(stream: &mut Http2Stream, body: &mut Body) {
    if let Some(upload) = stream.take_upload() {
        upload.put_back(body);
    }
}

/// Sends the rest of the request's body, if the response has come before its end.
async fn sent_in_full(shared: &Shared, mut response: Response) -> Result<Response, Error> {
    if response.body().is_sending() {
        finish_upload(shared, &mut response).await?;
    }
    Ok(response)
}

/// The response of which the head has been received on a stream.
fn respond(
    shared: &Rc<Shared>,
    request: &Request,
    lease: StreamLease,
    (exchanged, arrived): (Exchanged, Instant),
    deadline: &mut Deadline,
    timings: Timings,
    started: Instant,
) -> Response {
    head_has_arrived(shared, request, &exchanged.head);
    let stream = &lease.stream;
    let mut response = Response::new(ResponseParts {
        method: request.method.clone(),
        url: request.url.clone(),
        head: exchanged.head,
        peer: stream.connection().peer(),
        tls: stream.connection().tls(),
        declared_length: stream.declared_length(),
        has_body: stream.has_body(),
        limits: deadline.limits,
        started,
        elapsed: arrived.saturating_duration_since(started),
        timings,
        max_body: shared.settings.max_body,
        decode: defaults::decodes(&shared.settings, request),
    });
    response.body().receive_stream(lease, deadline, arrived);
    if let Some(label) = &shared.settings.default_encoding {
        response.set_default_encoding(label);
    }
    response.set_http2();
    response
}
