//! One hop: one request to one server. It waits for a connection slot of the origin, and `attempt.rs` does the rest.

use crate::connections::connection::ResponseHead;
use crate::connections::deadline::{Deadline, Limits};
use crate::connections::pool::{Origin, Slot};
use crate::connections::route::Route;
use crate::connections::timings::{Timings, since};
use crate::error::{Error, ErrorKind};
use crate::exchange::attempt::{self, ReceivedHead};
#[cfg(feature = "http2")]
use crate::exchange::http2;
use crate::exchange::shared::Shared;
use crate::exchange::{cookies, defaults};
use crate::request::Request;
use crate::response::{Response, ResponseParts};
use crate::trace::Trace;
use curio::debug::phase;
use std::rc::Rc;
use std::time::Instant;

/// One request to one server.
pub(crate) async fn hop(
    shared: &Rc<Shared>,
    request: &mut Request,
    deadline: &mut Deadline,
    started: Instant,
) -> Result<Response, Error> {
    if shared.settings.https_only && !request.url.is_https() {
        return Err(Error::new(ErrorKind::Url, "the session allows https only"));
    }
    if !shared.has_common_fields {
        defaults::add(&shared.settings, request);
    }
    cookies::add(&shared.settings, request);
    shared.settings.hooks.before_request(request);
    let origin = origin_of(shared, request)?;
    origin.route().adjust(&mut request.headers, &request.method, &request.url);
    defaults::complete(shared, request, &origin)?;
    let mut timings = Timings::default();
    if !request.body.is_in_memory() {
        // Before a slot is taken, because opening a file may take long, and a FIFO may never open.
        request.opened = Some(Box::new(attempt::open(&mut request.body, &deadline.limits).await?));
    }
    #[cfg(feature = "http2")]
    if http2::may_be_spoken(&shared.settings, &origin, request) {
        defaults::add_with_host(&shared.settings, request, &origin)?;
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
    if response.body().is_sending() {
        Box::pin(finish_upload(shared, &mut response)).await?;
    }
    Ok(response)
}

/// Where the request is sent to, and how.
#[inline]
pub(crate) fn origin_of(shared: &Shared, request: &Request) -> Result<Rc<Origin>, Error> {
    let (url, transport) = (&request.url, &shared.settings.transport);
    match request.own_proxy() {
        None => shared.pool.origin(&url.origin(), url, || Route::choose(transport, url)),
        Some(proxy) => {
            shared.pool.origin(&proxy.name_of_origin(url), url, || Route::of_request(transport, proxy))
        }
    }
}

/// To be called with the outcome of each hop: undoes what the hooks have changed in the request, and calls those for responses.
pub(crate) fn settle(
    shared: &Shared,
    request: &mut Request,
    outcome: Result<Response, Error>,
) -> Result<Response, Error> {
    request.undo_hooks();
    let outcome = outcome.map_err(|error| error.on(&request.method, &request.url));
    if let Ok(response) = &outcome {
        shared.settings.hooks.after_response(response);
    }
    outcome
}

/// The response of which the head has been received.
pub(crate) fn response_to(
    shared: &Rc<Shared>,
    request: &Request,
    received: ReceivedHead,
    deadline: &mut Deadline,
    timings: Timings,
    started: Instant,
) -> Response {
    let ReceivedHead { head, arrived, lease, upload } = received;
    head_has_arrived(shared, request, &head);
    let mut response = Response::new(ResponseParts {
        method: request.method.clone(),
        url: request.url.clone(),
        head,
        peer: lease.connection.peer(),
        tls: lease.connection.tls(),
        declared_length: lease.connection.declared_length(),
        has_body: lease.connection.has_body(),
        limits: deadline.limits,
        started,
        elapsed: arrived.saturating_duration_since(started),
        timings,
        max_body: shared.settings.max_body,
        decode: defaults::decodes(&shared.settings, request),
    });
    response.body().receive(lease, deadline, arrived, upload);
    if let Some(label) = &shared.settings.default_encoding {
        response.set_default_encoding(label);
    }
    response
}

pub(crate) async fn finish_upload(shared: &Shared, response: &mut Response) -> Result<(), Error> {
    let note = Trace::Note("The response has begun: sending the rest of the request");
    shared.settings.tracer.emit(|| note);
    response.body().finish_upload().await
}

/// Keeps the cookies; closes the pool if no request can follow.
pub(crate) fn head_has_arrived(shared: &Rc<Shared>, request: &Request, head: &ResponseHead) {
    cookies::keep(&shared.settings, &request.url, head);
    if head.status.is_success() && Rc::strong_count(shared) == 1 {
        // No request can follow: the connection is closed when it is done, and the pool need not look after it.
        shared.pool.close();
    }
}

pub(crate) async fn wait_for_slot(
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
