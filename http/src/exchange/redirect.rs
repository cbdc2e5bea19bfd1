//! Redirects: when to follow one, and what may go along.
//!
//! A redirect is a stranger telling us where to go next. Three questions have to be answered each time, and all
//! three have been answered wrongly by good clients:
//!
//! * *May we go there?* Only to `http` and `https`, from `https` to `http` only if the caller said so, and not more
//!   than a number of times ([`Policy`]).
//! * *As what?* A 303, and by long custom a 301 or 302 after a POST, becomes a GET without the body; 307 and 308
//!   repeat the request as it was (RFC 9110 §15.4), which needs a body that can be sent again.
//! * *With what?* Credentials were meant for the origin they were given for: when scheme, host or port changes,
//!   `Authorization`, `Cookie` and `Proxy-Authorization` are dropped. They are dropped from the request itself, so
//!   they do not come back when the chain returns to the first origin.
//!
//! Nothing here waits or sends: [`next`] looks at a response and changes the request for the next hop.

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::trace::Tracer;
use crate::url::Url;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE,
    COOKIE, EXPECT, HOST, LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use std::fmt;
use std::rc::Rc;

/// Where a chain ends even if a custom policy never ends it.
const LONGEST_CHAIN: usize = 100;

/// Which redirects a session follows. The default is [`Policy::limited`]`(10)`.
///
/// ```
/// use curio_http::{ClientSession, Policy};
///
/// let same_host = Policy::custom(|attempt| attempt.url().host_str() == attempt.previous()[0].host_str());
/// let session = ClientSession::builder().redirect(same_host).build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
#[derive(Clone)]
pub struct Policy {
    rule: Rule,
    https_to_http: bool,
}

#[derive(Clone)]
enum Rule {
    None,
    Limited(usize),
    Custom(Rc<dyn Fn(&Attempt<'_>) -> bool>),
}

impl Policy {
    /// Follows none: a redirect is the response.
    pub fn none() -> Policy {
        Policy { rule: Rule::None, https_to_http: false }
    }

    /// Follows at most `n` in a row; one more is an error of kind [`Redirect`](ErrorKind::Redirect).
    pub fn limited(n: usize) -> Policy {
        Policy { rule: Rule::Limited(n), https_to_http: false }
    }

    /// Asks `follow` about each one. If it says `false`, the redirect is the response. After 100 in a row the
    /// request fails all the same.
    pub fn custom(follow: impl Fn(&Attempt<'_>) -> bool + 'static) -> Policy {
        Policy { rule: Rule::Custom(Rc::new(follow)), https_to_http: false }
    }

    /// Whether a redirect from `https` to `http` is followed. By default it is an error: it would take a request
    /// that was meant to be private into the open.
    pub fn allow_https_to_http(mut self, allow: bool) -> Policy {
        self.https_to_http = allow;
        self
    }

    pub(crate) fn with_limit(self, n: usize) -> Policy {
        Policy { rule: Rule::Limited(n), ..self }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::limited(10)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule: &dyn fmt::Debug = match &self.rule {
            Rule::None => &"none",
            Rule::Limited(n) => n,
            Rule::Custom(_) => &"custom",
        };
        f.debug_struct("Policy").field("follow", rule).field("https_to_http", &self.https_to_http).finish()
    }
}

/// A redirect that a custom [`Policy`] is asked about.
#[derive(Debug)]
pub struct Attempt<'a> {
    status: StatusCode,
    url: &'a Url,
    previous: &'a [Url],
}

impl Attempt<'_> {
    /// The status of the response that redirects.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Where it leads.
    pub fn url(&self) -> &Url {
        self.url
    }

    /// The addresses asked so far, the first request's first. Never empty.
    pub fn previous(&self) -> &[Url] {
        self.previous
    }
}

/// Whether a response with this status and these fields leads somewhere else.
pub(crate) fn is_redirect(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
        && headers.get(LOCATION).is_some_and(|location| !location.is_empty())
}

/// Turns `request` into the request for the next hop. `Ok(false)`: the response is the final one.
///
/// # Errors
/// Of kind [`Redirect`](ErrorKind::Redirect), when the response leads where the request may not follow.
pub(crate) fn next(
    policy: &Policy,
    request: &mut Request,
    previous: &[Url],
    status: StatusCode,
    headers: &HeaderMap,
    tracer: &Tracer,
) -> Result<bool, Error> {
    if matches!(policy.rule, Rule::None) || !is_redirect(status, headers) {
        return Ok(false);
    }
    let url = destination(&request.url, headers)?;
    let limit = match &policy.rule {
        Rule::Limited(n) => *n,
        _ => LONGEST_CHAIN,
    };
    if let Rule::Custom(follow) = &policy.rule
        && !follow(&Attempt { status, url: &url, previous })
    {
        return Ok(false);
    }
    if previous.len() > limit {
        return Err(refused(format!("following more than {limit} redirects: {}", chain(previous, &url))));
    }
    if request.url.is_https() && !url.is_https() && !policy.https_to_http {
        let to = url.without_credentials();
        return Err(refused(format!(
            "a redirect from https to {to}, which is not encrypted, is not followed"
        )));
    }
    change_method(request, status);
    if !request.body.can_be_sent() {
        return Err(refused(format!(
            "a redirect ({status}) wants the request body again, and it came from a reader that is used up"
        )));
    }
    if !request.url.same_origin(&url) {
        request.headers.remove(HOST);
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            if request.headers.remove(&name).is_some() {
                tracer.message(|| left_behind(&name, &request.url, &url));
            }
        }
        request.forget_credentials();
    }
    request.url = url;
    Ok(true)
}

/// A server that misses credentials says "401" and nothing more: this tells why they did not come.
fn left_behind(name: &HeaderName, from: &Url, to: &Url) -> String {
    format!("The redirect leads from {} to {}: {name} is not sent there", from.origin(), to.origin())
}

fn destination(from: &Url, headers: &HeaderMap) -> Result<Url, Error> {
    let mut locations = headers.get_all(LOCATION).iter();
    let first = locations.next().ok_or_else(|| refused("a redirect without a destination"))?;
    if locations.any(|other| other != first) {
        return Err(refused("a redirect with two different destinations"));
    }
    let location = std::str::from_utf8(first.as_bytes())
        .map_err(|cause| refused("a redirect to an address that is not text").because(cause))?;
    let mut to = from.join(location).map_err(|cause| refused("following a redirect").because(cause))?;
    if to.fragment().is_none() {
        to.set_fragment(from.fragment());
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
