//! From a request to its response: over redirects, retries, and one stale connection.
//!
//! ```text
//! send       adds the session's defaults, then goes from hop to hop until a response is final
//!   hop      one request to one server: waits for a connection slot, then hands over to …
//!     attempt.rs   … which takes a connection from the pool or makes one, sends the request and waits for the head
//! ```
//!
//! ```text
//! shared.rs           what the requests of a session share: settings, pool, dialer, digest challenges
//! defaults.rs         the header fields that a session adds
//! authentication.rs   credentials: of the request, its URL, the session, the netrc file; Digest challenges
//! cookies.rs          cookies for a hop and from a response
//! attempt.rs          one request on one connection; once more on a new one if the first was stale
//! http2.rs            one request on a stream of a shared connection (feature `http2`)
//! retry.rs            whether the same request is sent again, and when
//! redirect.rs         whether a redirect is followed, and with which request
//! ```

mod attempt;
mod authentication;
mod cookies;
mod defaults;
#[cfg(feature = "http2")]
mod http2;
mod redirect;
mod retry;
pub(crate) mod shared;

use crate::connections::connection::ResponseHead;
use crate::connections::deadline::{Deadline, Limits};
use crate::connections::pool::{Origin, Slot};
use crate::connections::route::Route;
use crate::connections::timings::{Timings, since};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::body_reader::BodyReader;
use crate::response::{Response, ResponseParts};
use crate::settings::Settings;
use crate::trace::Trace;
use attempt::ReceivedHead;
use curio::debug::phase;
use http::header::HOST;
use retry::Tries;
use shared::Shared;
use std::rc::Rc;
use std::time::Instant;

/// Sends `request`, follows redirects and retries, and returns the final response.
pub(crate) async fn send(shared: Rc<Shared>, mut request: Box<Request>) -> Result<Response, Error> {
    let mut started = curio::clock();
    let mut deadline = Deadline::new(shared.settings.timeouts.limits(&request, started));
    defaults::prepare(&shared.settings, &mut request)
        .map_err(|error| error.on(&request.method, &request.url))?;
    let mut history = Vec::new();
    let mut tries = Tries::default();
    loop {
        let outcome = hop(&shared, &mut request, &mut deadline, started).await;
        request.undo_hooks();
        let mut outcome = outcome.map_err(|error| error.on(&request.method, &request.url));
        if let Ok(response) = &outcome {
            shared.settings.hooks.after_response(response);
        }
        if retry::may_retry(&shared, &outcome) {
            let considered = retry::consider(&shared, &mut request, outcome, &mut tries, &deadline.limits);
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
        let follows = follow(&shared.settings, &mut request, &response, &history);
        if !follows
            .map_err(|error| error.on(response.method(), response.url()).with_status(response.status()))?
        {
            response.set_history(history);
            return Ok(response);
        }
        // The body of a redirect is a page for people; nothing here reads it.
        response.discard_body().await;
        history.push(response);
        tries.challenges = 0;
        started = curio::clock();
    }
}

/// Changes `request` into the one that the redirect leads to. `Ok(false)`: it is not followed.
fn follow(
    settings: &Settings,
    request: &mut Request,
    response: &Response,
    history: &[Response],
) -> Result<bool, Error> {
    let mut previous: Vec<_> = history.iter().map(|response| response.url().clone()).collect();
    previous.push(request.url.without_credentials());
    let follows = redirect::next(&settings.policy, request, &previous, response, &settings.tracer)?;
    if follows {
        authentication::add_credentials_after_redirect(settings, request, response.url());
    }
    Ok(follows)
}

/// One request to one server.
async fn hop(
    shared: &Rc<Shared>,
    request: &mut Request,
    deadline: &mut Deadline,
    started: Instant,
) -> Result<Response, Error> {
    if shared.settings.https_only && !request.url.is_https() {
        return Err(Error::new(ErrorKind::Url, "the session allows https only"));
    }
    cookies::add(&shared.settings, request);
    shared.settings.hooks.before_request(request);
    #[cfg(feature = "digest")]
    authentication::answer_known_challenge(&shared.digests, request);
    let origin =
        shared.pool.origin(&request.url, || Route::choose(&shared.settings.transport, &request.url))?;
    origin.route().adjust(&mut request.headers, &request.url);
    if !request.headers.contains_key(HOST) {
        request.headers.insert(HOST, origin.host_field()?);
    }
    let mut timings = Timings::default();
    if !request.body.is_in_memory() {
        // Before a slot is taken, because opening a file may take long, and a FIFO may never open.
        request.opened = Some(Box::new(attempt::open(&mut request.body, &deadline.limits).await?));
    }
    #[cfg(feature = "http2")]
    if http2::may_be_spoken(&shared.settings, &origin, request) {
        let outcome = Box::pin(http2::hop(shared, request, &origin, deadline, &mut timings, started)).await;
        attempt::put_back(request);
        if let Some(response) = outcome? {
            return Ok(response);
        }
    }
    let slot = match origin.try_slot() {
        Some(slot) => slot,
        None => {
            // Thousands may wait here, and must not hold an open file each.
            request.opened.take_if(|body| body.0.can_be_opened_again());
            let waiting = wait_for_slot(shared, &origin, &deadline.limits, &mut timings);
            Box::pin(phase("waiting for a connection", waiting))
                .await
                .inspect_err(|_| attempt::put_back(request))?
        }
    };
    let exchanged = attempt::exchange(shared, request, &origin, slot, deadline, &mut timings).await;
    attempt::put_back(request);
    let mut response = response_to(shared, request, exchanged?, deadline, timings, started);
    if response.is_sending() {
        Box::pin(finish_upload(shared, &mut response)).await?;
    }
    Ok(response)
}

/// The response of which the head has been received.
fn response_to(
    shared: &Rc<Shared>,
    request: &Request,
    received: ReceivedHead,
    deadline: &mut Deadline,
    timings: Timings,
    started: Instant,
) -> Response {
    let ReceivedHead { head, arrived, lease, upload } = received;
    head_has_arrived(shared, request, &head);
    Response::new(ResponseParts {
        method: request.method.clone(),
        url: request.url.clone(),
        head,
        peer: lease.connection.peer(),
        tls: lease.connection.tls(),
        declared_length: lease.connection.declared_length(),
        has_body: lease.connection.has_body(),
        body: BodyReader::new(lease, deadline.hand_over(), arrived, upload),
        started,
        elapsed: arrived.saturating_duration_since(started),
        timings,
        max_body: shared.settings.max_body,
    })
}

async fn finish_upload(shared: &Shared, response: &mut Response) -> Result<(), Error> {
    let note = Trace::Note("The response has begun: sending the rest of the request");
    shared.settings.tracer.emit(|| note);
    response.finish_upload().await
}

/// Keeps the cookies; closes the pool if no request can follow.
fn head_has_arrived(shared: &Rc<Shared>, request: &Request, head: &ResponseHead) {
    cookies::keep(&shared.settings, &request.url, &head.headers);
    if head.status.is_success() && Rc::strong_count(shared) == 1 {
        // No request can follow: the connection is closed when it is done, and the pool need not look after it.
        shared.pool.close();
    }
}

async fn wait_for_slot(
    shared: &Shared,
    origin: &Rc<Origin>,
    limits: &Limits,
    timings: &mut Timings,
) -> Result<Slot, Error> {
    let settings = &shared.settings;
    // An idle connection of HTTP/2 keeps its slot, because it may have a stream again at any time.
    #[cfg(feature = "http2")]
    shared.pool.close_idle_shared();
    let began = curio::clock();
    let doing = || {
        let rules = &settings.pool_limits;
        let limits = [
            rules.connections_per_host.map(|n| format!("{n} to this host (max_connections_per_host)")),
            rules.connections.map(|n| format!("{n} in all (max_connections)")),
        ];
        let limits: Vec<_> = limits.into_iter().flatten().collect();
        let limits = limits.join(" and ");
        format!(
            "waiting for a free connection of {limits}; a response keeps its connection until its body is read to the \
             end, or it is dropped"
        )
    };
    let slot = limits.within(settings.timeouts.pool, doing, origin.slot()).await?;
    timings.pool_wait = Some(since(began));
    Ok(slot)
}
