//! The way of a request: from what the caller asked for to the response, over redirects and, once, over a connection
//! that turned out to be dead.
//!
//! ```text
//! send        adds the session's defaults, then goes from hop to hop until a response is not a redirect
//!   hop       one request to one server: waits for a slot, takes a connection, tries again if that one was stale
//!     attempt sends the request on the connection and waits for the head
//! ```
//! Between hops, `retry.rs` decides whether the same request goes out once more because of how it went.
//!
//! # Sending a request twice
//! A connection that lay in the pool may have been closed by the server a moment ago; the request then dies without an
//! answer, and nobody can tell whether the server saw it. It is sent again, on a fresh connection, if that can do no
//! harm: the method is idempotent (RFC 9110 §9.2.2), the body can be had again, not a byte of an answer came, and the
//! connection was an old one. On a fresh connection the same failure is an error, so a request is never sent more than
//! twice.

mod redirect;
mod retry;

use crate::connections::connection::{BodyLength, Connection, RequestHead, ResponseHead};
use crate::connections::deadline::{Deadline, Limits};
use crate::connections::dialer;
use crate::connections::failure::ExchangeError;
use crate::connections::pool::{Lease, Origin, Slot};
use crate::connections::route::Route;
use crate::connections::timings::{Timings, since};
use crate::error::{Error, ErrorKind, Resend};
use crate::request::Request;
use crate::request::auth;
use crate::request::upload::{Progress, Upload, UploadOptions};
use crate::response::body_reader::BodyReader;
use crate::response::decode;
use crate::response::{Response, ResponseParts};
use crate::session::client::{ClientSession, Session};
use crate::settings::Settings;
use crate::trace::Trace;
use crate::url::Url;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use retry::{DISCARD_TIMEOUT, Tries};
use std::rc::Rc;
use std::time::Instant;

/// Sends `request`, and on to wherever it is redirected.
pub(crate) async fn send(handle: ClientSession, mut request: Box<Request>) -> Result<Response, Error> {
    let session = handle.inner();
    let mut started = curio::clock();
    let mut deadline = Deadline::new(session.limits(&request, started));
    prepare(session, &mut request).map_err(|error| error.on(&request.method, &request.url))?;
    let mut history = Vec::new();
    let mut tries = Tries::default();
    loop {
        let outcome = hop(session, &mut request, &mut deadline, started).await;
        let mut outcome = outcome.map_err(|error| error.on(&request.method, &request.url));
        if let Ok(response) = &outcome {
            session.settings.on_response.iter().for_each(|hook| hook(response));
        }
        if retry::may_retry(session, &outcome) {
            let considered = retry::consider(session, &mut request, outcome, &mut tries, &deadline.limits);
            match Box::pin(considered).await? {
                Some(response) => outcome = Ok(response),
                None => {
                    started = curio::clock();
                    continue;
                }
            }
        }
        let mut response = outcome?;
        if !request.allow_redirects || !response.is_redirect() {
            response.set_history(history);
            return Ok(response);
        }
        let follows = follow(session, &mut request, &response, &history);
        if !follows
            .map_err(|error| error.on(response.method(), response.url()).with_status(response.status()))?
        {
            response.set_history(history);
            return Ok(response);
        }
        // What a redirect says in its body is for people without a browser.
        let _ = curio::timeout_after(DISCARD_TIMEOUT, response.discard_body()).await;
        history.push(response);
        tries.challenges = 0;
        started = curio::clock();
    }
}

/// Adds what the session has for every request, and refuses what it does not allow.
fn prepare(session: &Session, request: &mut Request) -> Result<(), Error> {
    let settings = &session.settings;
    request.add_implied_type();
    check_method(&request.method)?;
    if !request.headers.contains_key(AUTHORIZATION)
        && !request.awaits_challenge()
        && let Some(credentials) = auth::from_url(&request.url)
            .or_else(|| settings.auth.clone())
            .or_else(|| from_netrc(settings, &request.url))
    {
        request.headers.insert(AUTHORIZATION, credentials);
    }
    add_defaults(&mut request.headers, &settings.headers);
    for (name, value) in [(USER_AGENT, AGENT), (ACCEPT, "*/*"), (ACCEPT_ENCODING, decode::ACCEPTED)] {
        request.headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    Ok(())
}

/// What nobody has written into the program comes last.
fn from_netrc(settings: &Settings, url: &Url) -> Option<HeaderValue> {
    let netrc = settings.netrc.as_ref()?;
    if settings.headers.contains_key(AUTHORIZATION) { None } else { netrc.credentials(url) }
}

pub(crate) const AGENT: &str = concat!("curio-http/", env!("CARGO_PKG_VERSION"));

/// A name that the request sets replaces the session's default for it, with all its values.
fn add_defaults(headers: &mut HeaderMap, defaults: &HeaderMap) {
    for name in defaults.keys() {
        if !headers.contains_key(name) {
            for value in defaults.get_all(name) {
                headers.append(name, value.clone());
            }
        }
    }
}

fn check_method(method: &Method) -> Result<(), Error> {
    if *method == Method::CONNECT {
        return Err(Error::new(
            ErrorKind::Request,
            "CONNECT asks a proxy for a tunnel; it is not a request for a resource",
        ));
    }
    Ok(())
}

/// Turns the request into the one that the redirect asks for. `Ok(false)`: it is not to be followed.
fn follow(
    session: &Session,
    request: &mut Request,
    response: &Response,
    history: &[Response],
) -> Result<bool, Error> {
    let mut previous: Vec<_> = history.iter().map(|response| response.url().clone()).collect();
    previous.push(request.url.clone());
    let policy = &session.settings.policy;
    let tracer = &session.settings.tracer;
    let follows = redirect::next(policy, request, &previous, response, tracer)?;
    let of_this_host = || {
        let netrc = session.settings.netrc.as_ref()?;
        netrc.credentials_after_redirect(response.url(), &request.url)
    };
    if follows
        && !request.headers.contains_key(AUTHORIZATION)
        && let Some(credentials) = auth::from_url(&request.url).or_else(of_this_host)
    {
        request.headers.insert(AUTHORIZATION, credentials);
    }
    Ok(follows)
}

/// One request to one server.
async fn hop(
    session: &Session,
    request: &mut Request,
    deadline: &mut Deadline,
    started: Instant,
) -> Result<Response, Error> {
    let settings = &session.settings;
    if settings.https_only && !request.url.is_https() {
        return Err(Error::new(ErrorKind::Url, "the session allows https only"));
    }
    session.add_cookies(request);
    settings.on_request.iter().for_each(|hook| hook(request));
    #[cfg(feature = "digest")]
    session.digests.authorize(request);
    let origin = session.pool.origin(&request.url, || Route::choose(&settings.transport, &request.url))?;
    origin.route().adjust(&mut request.headers, &request.url);
    if !request.headers.contains_key(HOST) {
        request.headers.insert(HOST, origin.host_field()?);
    }
    let mut timings = Timings::default();
    let slot = match origin.try_slot() {
        Some(slot) => slot,
        None => Box::pin(wait_for_slot(session, &origin, &deadline.limits, &mut timings)).await?,
    };
    let (head, arrived, lease) = exchange(session, request, &origin, slot, deadline, &mut timings).await?;
    session.keep_cookies(&request.url, &head.headers);
    Ok(Response::new(ResponseParts {
        method: request.method.clone(),
        url: request.url.clone(),
        head,
        peer: lease.connection.peer(),
        tls: lease.connection.tls(),
        declared_length: lease.connection.declared_length(),
        has_body: lease.connection.has_body(),
        body: BodyReader::new(lease, deadline.hand_over(), arrived),
        started,
        elapsed: arrived.saturating_duration_since(started),
        timings,
        max_body: settings.max_body,
    }))
}

async fn wait_for_slot(
    session: &Session,
    origin: &Rc<Origin>,
    limits: &Limits,
    timings: &mut Timings,
) -> Result<Slot, Error> {
    let began = curio::clock();
    let doing = || {
        let rules = &session.settings.pool_limits;
        let limits = [
            rules.connections_per_host.map(|n| format!("{n} to this host (max_connections_per_host)")),
            rules.connections.map(|n| format!("{n} in all (max_connections)")),
        ];
        let limits: Vec<_> = limits.into_iter().flatten().collect();
        format!("waiting for a free connection of {}", limits.join(" and "))
    };
    let slot = limits.within(session.settings.pool_timeout, doing, origin.slot()).await?;
    timings.pool_wait = Some(since(began));
    Ok(slot)
}

/// Takes a connection and makes the exchange on it; if it was a stale one, and that is allowed, once more on a new one.
async fn exchange(
    session: &Session,
    request: &mut Request,
    origin: &Rc<Origin>,
    slot: Slot,
    deadline: &mut Deadline,
    timings: &mut Timings,
) -> Result<(ResponseHead, Instant, Lease), Error> {
    let mut began = curio::clock();
    let repeatable = request.is_idempotent() && request.body.is_replayable();
    if let Some(mut connection) = origin.take_idle(began, repeatable) {
        let idle = connection.idle_for().unwrap_or_default();
        session.settings.tracer.emit(|| Trace::Reused { peer: connection.peer(), idle });
        match attempt(session, &mut connection, origin.route(), request, deadline, timings, &began).await {
            Ok((head, arrived)) => return Ok((head, arrived, Lease::new(connection, slot))),
            Err(failed) if failed.went_stale && repeatable => {
                session.settings.tracer.emit(|| Trace::Note("The connection was stale: trying a new one"));
                drop(connection);
            }
            Err(failed) => return Err(failed.error),
        }
    }
    session.pool.make_room(origin);
    let limit = request.connect_timeout(session);
    let connecting =
        Box::pin(dialer::connect(session, origin, &request.url, limit, &deadline.limits, timings));
    let mut connection = connecting.await.map_err(never_seen)?;
    session.settings.tracer.emit(|| Trace::Connected {
        host: request.url.authority(),
        peer: connection.peer(),
        took: [timings.dns, timings.connect, timings.tls].into_iter().flatten().sum(),
    });
    began = curio::clock();
    match attempt(session, &mut connection, origin.route(), request, deadline, timings, &began).await {
        Ok((head, arrived)) => Ok((head, arrived, Lease::new(connection, slot))),
        Err(failed) => Err(failed.error),
    }
}

/// No connection was made, so no server has seen the request.
fn never_seen(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Timeout => error.with_resend(Resend::Always),
        _ => error,
    }
}

async fn attempt(
    session: &Session,
    connection: &mut Connection,
    route: &Route,
    request: &mut Request,
    deadline: &mut Deadline,
    timings: &mut Timings,
    began: &Instant,
) -> Result<(ResponseHead, Instant), ExchangeError> {
    let (mut upload, length) = Upload::open(&mut request.body).await?;
    let length = declared_by_caller(&request.headers, length);
    if length != BodyLength::None {
        add_upload_options(session, request, &mut upload, length);
    }
    begin(connection, route, request, length)?;
    let exchanged = connection.exchange(&mut upload, deadline).await;
    if upload.expect_continue_timeout().is_some() {
        upload.put_back(&mut request.body);
    }
    let (head, sent) = exchanged?;
    let arrived = curio::clock();
    timings.send = Some(sent.saturating_duration_since(*began));
    timings.first_byte = Some(arrived.saturating_duration_since(sent));
    Ok((head, arrived))
}

/// Not part of `attempt`, so that nothing of it is kept while the answer is waited for.
fn begin(
    connection: &mut Connection,
    route: &Route,
    request: &Request,
    length: BodyLength,
) -> Result<(), ExchangeError> {
    let target = route.target(&request.url);
    connection
        .begin(&RequestHead { method: &request.method, target: &target, headers: &request.headers }, length)
}

fn add_upload_options(session: &Session, request: &Request, upload: &mut Upload, length: BodyLength) {
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
        expect_continue_timeout: expects_continue.then_some(session.settings.expect_timeout),
    });
}

/// A body of unknown length has the length that the caller's Content-Length gives it. (For all others the protocol
/// core checks that the caller's figure is right.)
fn declared_by_caller(headers: &HeaderMap, length: BodyLength) -> BodyLength {
    let declared = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    match length {
        BodyLength::Chunked => declared().map_or(length, BodyLength::Known),
        _ => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{size_of, size_of_val};

    /// Ten thousand requests may wait at the same time; and allocators are quickest up to a kilobyte.
    #[test]
    fn what_a_request_holds_while_it_waits_is_small() {
        let session = ClientSession::new();
        let request = session.get("http://localhost/").build().expect("a good address");
        let future = size_of_val(&send(session.clone(), Box::new(request)));
        assert!(future <= 1024, "the future is {future} bytes");
        let others = size_of::<Request>() + size_of::<Connection>();
        assert!(future + others <= 2048, "with request and connection it is {}", future + others);
    }
}
