//! [`RequestBuilder`], which makes a [`Request`] step by step and sends it when it is awaited.
//!
//! A whole request is one expression, `session.post(url).json(&person).timeout(limit).await?`. A mistake in one of the
//! steps (a malformed URL, a header value with a line break) needs no `?` of its own: the builder keeps the first one, and
//! the `await` reports it.
//!
//! `RequestBuilder` implements `IntoFuture`. The future owns what it needs and borrows nothing, so it can be given to
//! `curio::spawn` as it is. Nothing happens before the first poll. Dropping the future closes the connection that it was
//! using and frees its slot in the pool.

use crate::connections::proxy::Proxy;
use crate::error::{Error, ErrorKind};
use crate::exchange;
use crate::exchange::auth_flow::{Auth, Flow};
#[cfg(feature = "digest")]
use crate::exchange::digest_flow::DigestAuth;
use crate::exchange::shared::Shared;
use crate::request::Request;
use crate::request::auth;
use crate::request::body::Body;
#[cfg(feature = "digest")]
use crate::request::digest::Credentials;
use crate::request::form;
use crate::request::header::header_field;
use crate::request::multipart::Form;
use crate::request::options::RequestProxy;
use crate::request::retry_policy::Retry;
use crate::response::Response;
use crate::trace;
use crate::url::IntoUrl;
use curio::debug::region_at;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_core::Serialize;
use std::cell::RefCell;
use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A request that is being built. Await it to send it.
///
/// ```no_run
/// # async fn example() -> Result<(), curio_http::Error> {
/// let session = curio_http::ClientSession::new();
/// let mut response = session
///     .get("https://example.org/search")
///     .params(&[("q", "curio"), ("page", "2")])
///     .header("Accept-Language", "en")
///     .await?;
/// println!("{}", response.text().await?);
/// # Ok(()) }
/// ```
///
/// What is sent, seen by a [mock](crate::mock):
///
/// ```
/// # use curio_http::mock::{Answer, Mock};
/// # use curio_http::{Error, Form, HeaderMap, Part};
/// # let mock = Mock::new().otherwise(|_| Answer::text("ok"));
/// # curio::testing::run(async {
/// let session = mock.session();
/// session.post("http://test/").json(&serde_json::json!({ "name": "Ann" })).bearer_auth("4f1d").await?;
/// assert_eq!(mock.requests()[0].text(), r#"{"name":"Ann"}"#);
/// assert_eq!(mock.requests()[0].header("authorization"), Some("Bearer 4f1d"));
///
/// let mut fields = HeaderMap::new();
/// fields.insert("content-type", "text/csv".parse().unwrap());
/// session.put("http://test/").headers(fields).body("a;b\n").basic_auth("ann", Some("4f1d")).await?;
/// assert_eq!(mock.requests()[1].header("content-type"), Some("text/csv"));
///
/// let form = Form::new().text("to", "bob").part("file", Part::new("hello").file_name("a.txt"));
/// session.post("http://test/").multipart(form).on_progress(|sent, total| println!("{sent} of {total:?}")).await?;
/// assert!(mock.requests()[2].text().contains(r#"name="file"; filename="a.txt""#));
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
///
/// Settings for one request, in place of the session's:
///
/// ```
/// # use curio_http::mock::{Answer, Mock};
/// # use std::time::Duration;
/// # let mock = Mock::new().otherwise(|_| Answer::redirect("/elsewhere"));
/// # curio::testing::run(async {
/// # let session = mock.session();
/// let patient = session
///     .get("http://test/report")
///     .connect_timeout(Duration::from_secs(3))
///     .read_timeout(None)
///     .timeout(Duration::from_secs(600))
///     .retries(2)
///     .allow_redirects(false);
/// let again = patient.try_clone().expect("without a body from a reader it can be sent twice");
/// assert!(patient.await?.is_redirect());
/// assert_eq!(again.build()?.url().path(), "/report");
/// # Ok::<(), curio_http::Error>(())
/// # }).unwrap();
/// ```
///
/// # Cancellation
/// Dropping the future before it is done closes its connection; no other request is affected.
#[must_use = "a request is sent when it is awaited"]
pub struct RequestBuilder {
    pub(super) shared: Rc<Shared>,
    pub(super) request: Result<Box<Request>, Error>,
}

impl RequestBuilder {
    pub(crate) fn new(shared: Rc<Shared>, method: Method, url: impl IntoUrl) -> RequestBuilder {
        let made = match &shared.settings.url_defaults {
            None => url.into_url(None),
            Some(defaults) => defaults.complete(url),
        };
        let request = match made {
            Ok(url) => Ok(Box::new(Request::new(method, url))),
            Err(error) => Err(error.with_method(&method)),
        };
        RequestBuilder { shared, request }
    }

    /// Adds a header field. It replaces a default of the session with the same name; a field that is added twice is sent
    /// twice.
    pub fn header<K, V>(self, name: K, value: V) -> RequestBuilder
    where
        HeaderName: TryFrom<K>,
        HeaderValue: TryFrom<V>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.change(|request| {
            let (name, value) = header_field(name, value)?;
            request.headers.append(name, value);
            Ok(())
        })
    }

    /// Adds header fields; each name in the map replaces what this request had under it.
    pub fn headers(self, headers: HeaderMap) -> RequestBuilder {
        self.change(|request| {
            request.headers.extend(headers);
            Ok(())
        })
    }

    /// Adds to the URL's query, form-encoded: from pairs, a map or a struct. `None` values are left out. A value that is a list
    /// is written once for each of its elements, as by Python's requests and httpx.
    ///
    /// ```
    /// # let session = curio_http::ClientSession::new();
    /// let params = serde_json::json!({ "q": "curio", "tag": ["async", "http"], "page": null });
    /// let request = session.get("https://example.org/search").params(&params).build()?;
    /// assert_eq!(request.url().query(), Some("q=curio&tag=async&tag=http"));
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn params<T: Serialize + ?Sized>(self, params: &T) -> RequestBuilder {
        self.change(|request| {
            request.url.append_query(&form_encoded(params, "writing the query parameters")?);
            Ok(())
        })
    }

    /// Sends `value` as JSON, with the Content-Type `application/json` unless the request sets another.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> RequestBuilder {
        self.change(|request| {
            let bytes = serde_json::to_vec(value)
                .map_err(|cause| Error::new(ErrorKind::Request, "writing the body as JSON").because(cause))?;
            request.body = bytes.into();
            request.implied_type = Some(HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// Sends `fields` as a form: `application/x-www-form-urlencoded`, written like [`params`](RequestBuilder::params).
    pub fn form<T: Serialize + ?Sized>(self, fields: &T) -> RequestBuilder {
        self.change(|request| {
            request.body = form_encoded(fields, "writing the form")?.into();
            request.implied_type = Some(HeaderValue::from_static("application/x-www-form-urlencoded"));
            Ok(())
        })
    }

    /// Sends a form with files: `multipart/form-data` (RFC 7578). Files and readers in it are sent in
    /// chunks and never held in memory. Do not set a Content-Type: it names the boundary between the parts.
    pub fn multipart(self, form: Form) -> RequestBuilder {
        self.change(|request| {
            let (body, kind) = form.into_body()?;
            request.body = body;
            request.implied_type = Some(kind);
            Ok(())
        })
    }

    /// Sends this body as it is, without a Content-Type; the same as [`body`](RequestBuilder::body), under the name that it
    /// has in Python's `requests`.
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// session.post("https://example.org/log").data("one line\n").header("Content-Type", "text/plain").await?;
    /// # Ok(()) }
    /// ```
    pub fn data(self, body: impl Into<Body>) -> RequestBuilder {
        self.body(body)
    }

    /// Sends this body as it is, without a Content-Type.
    pub fn body(self, body: impl Into<Body>) -> RequestBuilder {
        self.change(|request| {
            request.body = body.into();
            request.implied_type = None;
            Ok(())
        })
    }

    /// HTTP Basic authentication (RFC 7617). Redirects to another origin are followed without it.
    pub fn basic_auth(self, user: impl AsRef<str>, password: Option<&str>) -> RequestBuilder {
        self.change(|request| {
            request.headers.insert(AUTHORIZATION, auth::basic(user.as_ref(), password)?);
            Ok(())
        })
    }

    /// A bearer token (RFC 6750). Redirects to another origin are followed without it.
    pub fn bearer_auth(self, token: impl AsRef<str>) -> RequestBuilder {
        self.change(|request| {
            request.headers.insert(AUTHORIZATION, auth::bearer(token.as_ref())?);
            Ok(())
        })
    }

    /// The timeout of the whole request, including redirects and reading the body; `None` for no timeout. Replaces the
    /// session's [`timeout`](crate::ClientSessionBuilder::timeout).
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.change(|request| {
            request.timeout = Some(limit.into());
            Ok(())
        })
    }

    /// With `false`, no redirect is followed, and a redirect is the response. Otherwise the session's policy decides.
    pub fn allow_redirects(self, follow: bool) -> RequestBuilder {
        self.change(|request| {
            request.allow_redirects = follow;
            Ok(())
        })
    }

    /// Calls `report` whenever a part of the request body has been sent, with the number of bytes so far and the total if
    /// it is known. When the request is sent again, after a redirect for example, the number starts again at 0.
    pub fn on_progress(self, report: impl FnMut(u64, Option<u64>) + 'static) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().progress = Some(Rc::new(RefCell::new(report)));
            Ok(())
        })
    }

    /// The connect timeout, instead of the session's
    /// [`connect_timeout`](crate::ClientSessionBuilder::connect_timeout).
    pub fn connect_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().connect_timeout = Some(limit.into());
            Ok(())
        })
    }

    /// The read timeout, instead of the session's
    /// [`read_timeout`](crate::ClientSessionBuilder::read_timeout).
    pub fn read_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().read_timeout = Some(limit.into());
            Ok(())
        })
    }

    /// Leaves the body of the response as the server sends it, with its content codings, and the header fields as they are:
    /// `Content-Encoding` and `Content-Length` belong to these bytes. No coding is asked for unless the request has an
    /// `Accept-Encoding` field. For bodies that are stored or sent on.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let request = session.get("https://example.org/data").header("Accept-Encoding", "gzip").no_decompression();
    /// let mut response = request.await?;
    /// let bytes = response.binary().await?;
    /// println!("{:?}: {} bytes", response.header("content-encoding"), bytes.len());
    /// # Ok(()) }
    /// ```
    pub fn no_decompression(self) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().no_decompression = true;
            Ok(())
        })
    }

    /// Sends the request through this proxy instead of the session's, with all its redirects, whatever the session and the
    /// environment say about proxies. The URL is like that of [`ClientSessionBuilder::proxy`](crate::ClientSessionBuilder::proxy). Its connections are
    /// kept and counted apart from those of other requests to the same host.
    ///
    /// # Errors
    /// Awaiting the request reports a malformed URL, and a session with a [`Connector`](crate::Connector) or a Unix socket,
    /// which make connections without a proxy.
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let through = session.get("https://example.org/").proxy("socks5h://127.0.0.1:9050").await?;
    /// let directly = session.get("https://example.org/").no_proxy().await?;
    /// # Ok(()) }
    /// ```
    pub fn proxy(self, url: impl AsRef<str>) -> RequestBuilder {
        self.change(|request| {
            Proxy::parse(url.as_ref())?;
            request.options_mut().proxy = Some(RequestProxy::Url(url.as_ref().into()));
            Ok(())
        })
    }

    /// Sends the request through no proxy, whatever the session and the environment say. The example is in
    /// [`proxy`](RequestBuilder::proxy).
    pub fn no_proxy(self) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().proxy = Some(RequestProxy::None);
            Ok(())
        })
    }

    /// HTTP Digest authentication (RFC 7616), with MD5 or SHA-256: the password itself is never sent. The first request
    /// to an origin gets a challenge and is sent again, so its body must be one that can be sent again, or be held back
    /// until the server asks for it (`Expect: 100-continue`). Later requests of the session answer the challenge in advance.
    /// Redirects to another origin are followed without the credentials. Needs the feature `digest`.
    #[cfg(feature = "digest")]
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let response = session.get("https://example.org/private").digest_auth("ann", "4f1d").await?;
    /// # Ok(()) }
    /// ```
    pub fn digest_auth(self, user: impl AsRef<str>, password: impl AsRef<str>) -> RequestBuilder {
        self.change(|request| {
            let digest = DigestAuth(Credentials::new(user.as_ref(), password.as_ref())?);
            request.options_mut().auth_flow = Some(Flow::of(digest));
            Ok(())
        })
    }

    /// Authenticates the request by an async function that sends it, and may look at the response and send it again: see
    /// [`Auth`]. No credentials of the URL or of the session are added. Redirects to another origin are followed without it.
    pub fn auth_flow(self, auth: impl Auth + 'static) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().auth_flow = Some(Flow::of(auth));
            Ok(())
        })
    }

    /// How the request is retried, instead of the session's [`retry`](crate::ClientSessionBuilder::retry);
    /// [`Retry`] has an example.
    ///
    /// # Errors
    /// Awaiting the request reports a policy that makes no sense.
    pub fn retry(self, policy: Retry) -> RequestBuilder {
        self.change(|request| {
            request.options_mut().retry = Some(policy.check()?);
            Ok(())
        })
    }

    /// How often the request is retried, instead of the session's [`retries`](crate::ClientSessionBuilder::retries); 0 is never.
    pub fn retries(self, n: u32) -> RequestBuilder {
        self.retry(Retry::new(n))
    }

    /// The request, for [`ClientSession::execute`](crate::ClientSession::execute).
    ///
    /// # Errors
    /// The first mistake in it: a malformed URL, an invalid header field, a value that cannot be serialised.
    pub fn build(self) -> Result<Request, Error> {
        let mut request = self.request?;
        request.add_implied_type();
        Ok(*request)
    }

    /// A copy of what has been built so far; `None` if the body can be sent only once, because it comes from a reader or a
    /// stream.
    pub fn try_clone(&self) -> Option<RequestBuilder> {
        let request = match &self.request {
            Ok(request) => Ok(Box::new(request.try_clone()?)),
            Err(mistake) => Err(mistake.repeat()),
        };
        Some(RequestBuilder { shared: Rc::clone(&self.shared), request })
    }

    /// Sends it; the same as awaiting the builder. [`ResponseFuture`] shows what it is good for.
    #[track_caller]
    pub fn send(self) -> ResponseFuture {
        self.into_future()
    }

    /// Applies one change, unless there is a mistake already. The error of a change names this request.
    pub(crate) fn change(mut self, apply: impl FnOnce(&mut Request) -> Result<(), Error>) -> RequestBuilder {
        if let Ok(request) = &mut self.request
            && let Err(error) = apply(request)
        {
            self.request = Err(error.on(&request.method, &request.url));
        }
        self
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Response, Error>;
    type IntoFuture = ResponseFuture;

    /// Pictures and traces of the program show the request at the line that awaits it, as a
    /// [region](curio::debug::region()).
    #[track_caller]
    fn into_future(self) -> ResponseFuture {
        match self.request {
            Ok(request) => ResponseFuture::send(self.shared, request),
            Err(error) => ResponseFuture { inner: Box::pin(std::future::ready(Err(error))) },
        }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestBuilder").field(&self.request).finish()
    }
}

/// The future of a request; ready when the response head has arrived. It can be given to what takes futures:
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) {
/// use futures_util::future::join_all;
///
/// let pages = (1..=3).map(|page| session.get(format!("https://example.org/{page}")).send());
/// let responses = join_all(pages).await; // all at the same time
/// # }
/// ```
#[must_use = "futures do nothing unless they are awaited"]
pub struct ResponseFuture {
    inner: Pin<Box<dyn Future<Output = Result<Response, Error>>>>,
}

impl ResponseFuture {
    #[track_caller]
    pub(crate) fn send(shared: Rc<Shared>, request: Box<Request>) -> ResponseFuture {
        let label = trace::region::of_request(&request.method, &request.url);
        ResponseFuture {
            inner: Box::pin(region_at(Location::caller(), label, exchange::send(shared, request))),
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

pub(super) fn form_encoded<T: Serialize + ?Sized>(value: &T, doing: &'static str) -> Result<String, Error> {
    form::to_string(value).map_err(|cause| Error::new(ErrorKind::Request, doing).because(cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::connection::Connection;
    use std::mem::{size_of, size_of_val};

    /// Ten thousand requests may wait at the same time; and allocators are quickest up to a kilobyte.
    #[test]
    fn what_a_request_holds_while_it_waits_is_small() {
        let session = crate::ClientSession::new();
        let builder = session.get("http://localhost/");
        let shared = Rc::clone(&builder.shared);
        let request = builder.build().expect("a good URL");
        let label = trace::region::of_request(&request.method, &request.url);
        let exchange = exchange::send(shared, Box::new(request));
        let future = size_of_val(&region_at(Location::caller(), label, exchange));
        assert!(future <= 1024, "the future is {future} bytes");
        let others = size_of::<Request>() + size_of::<Connection>();
        assert!(future + others <= 2048, "with request and connection it is {}", future + others);
    }
}
