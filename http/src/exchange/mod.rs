//! From a request to its response: over redirects, retries, and one stale connection.
//!
//! ```text
//! send       adds the session's defaults, then goes from hop to hop until a response is final
//!   hop.rs   one request to one server: waits for a connection slot, then hands over to …
//!     attempt.rs   … which takes a connection from the pool or makes one, sends the request and waits for the head
//! ```
//!
//! ```text
//! shared.rs           what the requests of a session share: settings, pool, dialer, digest challenges
//! defaults.rs         the header fields that a session adds
//! authentication.rs   credentials: of the request, its URL, the session, the netrc file
//! auth_flow.rs        Auth, AuthFlow: an async function around a hop, which may send the request again
//! digest_flow.rs      Digest authentication as an auth flow (feature `digest`)
//! cookies.rs          cookies for a hop and from a response
//! attempt.rs          one request on one connection; once more on a new one if the first was stale
//! http2.rs            one request on a stream of a shared connection (feature `http2`)
//! backoff.rs          waits that grow with each failure
//! retry.rs            whether the same request is sent again, and when
//! redirect.rs         whether a redirect is followed, and with which request
//! ```

mod attempt;
pub(crate) mod auth_flow;
mod authentication;
pub(crate) mod backoff;
mod cookies;
mod defaults;
#[cfg(feature = "digest")]
pub(crate) mod digest_flow;
mod hop;
#[cfg(feature = "http2")]
mod http2;
mod redirect;
mod retry;
pub(crate) mod shared;

use crate::connections::deadline::Deadline;
use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::settings::Settings;
use retry::Tries;
use shared::Shared;
use std::rc::Rc;

/// Sends `request`, follows redirects and retries, and returns the final response.
pub(crate) async fn send(shared: Rc<Shared>, mut request: Box<Request>) -> Result<Response, Error> {
    let mut started = curio::clock();
    let mut deadline = Deadline::new(shared.settings.timeouts.limits(&request, started));
    defaults::prepare(&shared.settings, &mut request)
        .map_err(|error| error.on(&request.method, &request.url))?;
    let mut history = Vec::new();
    let mut tries = Tries::default();
    loop {
        let mut outcome = if request.has_auth_flow() {
            defaults::add(&shared.settings, &mut request);
            Box::pin(auth_flow::run(&shared, &mut request, &mut deadline, started)).await
        } else {
            let outcome = hop::hop(&shared, &mut request, &mut deadline, started).await;
            hop::settle(&shared, &mut request, outcome)
        };
        if retry::may_retry(&shared, &request, &outcome) {
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
        defaults::add(&shared.settings, &mut request);
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
