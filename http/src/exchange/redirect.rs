//! Redirects: whether one is followed, as which request, and with which fields.
//!
//! Three questions have to be answered for each redirect:
//!
//! * *Where to?* Only to `http` and `https`, from `https` to `http` only if the caller said so, and not more
//!   than a number of times ([`Policy`]).
//! * *As which request?* After a 303, and after a 301 or 302 to a POST, as a GET without a body. After a 307 or 308 as the
//!   same request (RFC 9110 §15.4), which needs a body that can be sent again.
//! * *With which fields?* Credentials are for one origin: when scheme, host or port changes, `Authorization`, `Cookie` and
//!   `Proxy-Authorization` are removed. They are removed from the request itself, so they do not come back when the chain
//!   returns to the first origin.
//!
//! Nothing here waits or sends: [`next`] looks at a response and changes the request for the next hop.

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Response;
use crate::settings::redirect_policy::{Attempt, Policy};
use crate::trace::Tracer;
use crate::url::Url;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE,
    COOKIE, EXPECT, HOST, LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

/// Turns `request` into the request for the next hop. `Ok(false)`: the response is the final one.
///
/// # Errors
/// Of kind [`Redirect`](ErrorKind::Redirect), when the response leads where the request may not follow.
pub(crate) fn next(
    policy: &Policy,
    request: &mut Request,
    previous: &[Url],
    response: &Response,
    tracer: &Tracer,
) -> Result<bool, Error> {
    if policy.follows_none() || !response.is_redirect() {
        return Ok(false);
    }
    let status = response.status();
    // A hook or an auth flow may have led this request to another server, for this time.
    let base = if request.url.same_origin(response.url()) { &request.url } else { response.url() };
    let url = destination(base, response.headers())?;
    if !policy.allows(&Attempt::new(status, &url.without_credentials(), previous)) {
        return Ok(false);
    }
    let limit = policy.limit();
    if previous.len() > limit {
        return Err(refused(format!("following more than {limit} redirects: {}", chain(previous, &url))));
    }
    if base.is_https() && !url.is_https() && !policy.allows_https_to_http() {
        let to = url.without_credentials();
        return Err(refused(format!(
            "a redirect from https to {to}, which is not encrypted, is not followed"
        )));
    }
    change_method(request, status);
    if !request.body.can_be_sent() {
        return Err(refused(format!(
            "a redirect ({status}) wants the request body again, and it came from a reader or stream that is used up"
        )));
    }
    if !request.url.same_origin(&url) {
        request.headers.remove(HOST);
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            if request.headers.remove(&name).is_some() {
                tracer.message(|| left_behind(&name, &request.url, &url));
            }
        }
        if request.forget_auth_flow() {
            tracer.message(|| {
                let (from, to) = (request.url.origin(), url.origin());
                format!("The redirect leads from {from} to {to}: the auth flow is not used there")
            });
        }
    }
    request.follow(url);
    Ok(true)
}

/// Explains the 401 that a server may respond with because credentials were dropped.
fn left_behind(name: &HeaderName, from: &Url, to: &Url) -> String {
    format!("The redirect leads from {} to {}: {name} is not sent there", from.origin(), to.origin())
}

fn destination(from: &Url, headers: &HeaderMap) -> Result<Url, Error> {
    let mut locations = headers.get_all(LOCATION).iter();
    let first = locations.next().ok_or_else(|| refused("a redirect without a destination"))?;
    if locations.any(|other| other != first) {
        return Err(refused("a redirect with two different destinations"));
    }
    let to = from.join_bytes(first.as_bytes());
    let mut to = to.map_err(|cause| refused("following a redirect").because(cause))?;
    if to.fragment().is_none() {
        to.set_encoded_fragment(from.fragment());
    }
    Ok(to)
}

/// RFC 9110 §15.4.2-15.4.4: 301 and 302 turn a POST into a GET, 303 everything but HEAD.
fn change_method(request: &mut Request, status: StatusCode) {
    let becomes_get = match status {
        StatusCode::SEE_OTHER => request.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method == Method::POST,
        _ => false,
    };
    if !becomes_get {
        return;
    }
    request.method = Method::GET;
    request.body = Default::default();
    let about_the_body: [HeaderName; 7] = [
        CONTENT_TYPE,
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
        CONTENT_LOCATION,
        TRANSFER_ENCODING,
        EXPECT,
    ];
    for name in about_the_body {
        request.headers.remove(name);
    }
}

fn chain(previous: &[Url], last: &Url) -> String {
    const SHOWN: usize = 5;
    let skipped = previous.len().saturating_sub(SHOWN);
    let mut text = if skipped > 0 { format!("({skipped} more) ") } else { String::new() };
    for url in &previous[skipped..] {
        text += url.without_credentials().as_str();
        text += " -> ";
    }
    text + last.without_credentials().as_str()
}

fn refused(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Redirect, what)
}
