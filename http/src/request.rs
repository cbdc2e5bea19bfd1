//! Requests: [`RequestBuilder`], which collects what is wanted, and [`Request`], which is what goes out.
//!
//! A builder reads like the sentence it stands for, `session.post(url).json(&person).timeout(limit).await?`, and a
//! mistake in the middle of a sentence (a bad address, a header with a line break) must not need a `?` of its own.
//! So the builder keeps the first mistake and the `await` reports it.
//!
//! Awaiting it is what sends it: `RequestBuilder` implements `IntoFuture`. The future holds the session and borrows
//! nothing, so it can be given to `curio::spawn` as it is. Nothing happens before the first poll, and dropping the
//! future at any point closes the connection it was using and frees its place in the pool.

use crate::auth;
use crate::body::Body;
use crate::error::{Error, ErrorKind};
use crate::extras::Extras;
use crate::form;
use crate::multipart::Form;
use crate::response::Response;
use crate::send;
use crate::session::ClientSession;
use crate::url::{IntoUrl, Url};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_core::Serialize;
use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A request that is ready to be sent with [`ClientSession::execute`].
#[derive(Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The Content-Type that goes with the body, unless a header says otherwise.
    pub(crate) implied_type: Option<HeaderValue>,
    /// `None`: as the session has it. `Some(None)`: without a limit.
    pub(crate) timeout: Option<Option<Duration>>,
    pub(crate) allow_redirects: bool,
    /// The `Cookie` field comes from the session's jar, not from the caller.
    pub(crate) has_cookies_of_jar: bool,
    pub(crate) extras: Option<Box<Extras>>,
}

impl Request {
    fn new(method: Method, url: Url) -> Request {
        Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::default(),
            implied_type: None,
            timeout: None,
            allow_redirects: true,
            has_cookies_of_jar: false,
            extras: None,
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The header fields set so far. The session's defaults, and the fields that frame the message, are added when
    /// it is sent.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Sending it twice has the same effect as sending it once (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }
}

/// A request in the making. Await it to send it.
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
/// # Cancellation
/// Dropping the future before it is done closes its connection; no other request is affected.
#[must_use = "a request is sent when it is awaited"]
pub struct RequestBuilder {
    session: ClientSession,
    request: Result<Box<Request>, Error>,
}

impl RequestBuilder {
    pub(crate) fn new(session: ClientSession, method: Method, url: impl IntoUrl) -> RequestBuilder {
        let request = match url.into_url(session.base_url()) {
            Ok(url) => Ok(Box::new(Request::new(method, url))),
            Err(error) => Err(error.with_method(&method)),
        };
        RequestBuilder { session, request }
    }

    /// Adds a header field. A name that the session sets by default is replaced by what the request sets; a name
    /// given twice is sent twice.
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

    /// Adds to the address's query, form-encoded: from pairs, a map or a struct. `None` values are left out.
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

    /// Sends `fields` as a form: `application/x-www-form-urlencoded`.
    pub fn form<T: Serialize + ?Sized>(self, fields: &T) -> RequestBuilder {
        self.change(|request| {
            request.body = form_encoded(fields, "writing the form")?.into();
            request.implied_type = Some(HeaderValue::from_static("application/x-www-form-urlencoded"));
            Ok(())
        })
    }

    /// Sends a form with files: `multipart/form-data` (RFC 7578). Files and readers in it are sent in pieces and never
    /// held in memory. The Content-Type names the boundary between the parts, so it is better left alone.
    pub fn multipart(self, form: Form) -> RequestBuilder {
        self.change(|request| {
            let (body, kind) = form.into_body()?;
            request.body = body;
            request.implied_type = Some(kind);
            Ok(())
        })
    }

    /// Sends these bytes as they are, without a Content-Type of their own: what `requests` calls `data`.
    pub fn data(self, body: impl Into<Body>) -> RequestBuilder {
        self.body(body)
    }

    /// Sends this body as it is, without a Content-Type of its own.
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

    /// A limit for the whole request, redirects and reading of the body included; `None` for no limit. Replaces
    /// the session's [`timeout`](crate::ClientSessionBuilder::timeout).
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.change(|request| {
            request.timeout = Some(limit.into());
            Ok(())
        })
    }

    /// Whether redirects are followed, as the session's policy says. With `false`, a redirect is the response.
    pub fn allow_redirects(self, follow: bool) -> RequestBuilder {
        self.change(|request| {
            request.allow_redirects = follow;
            Ok(())
        })
    }

    /// The request, for [`ClientSession::execute`].
    ///
    /// # Errors
    /// The first mistake made on the way: a bad address, an unusable header, a value that does not serialise.
    pub fn build(self) -> Result<Request, Error> {
        let mut request = self.request?;
        add_implied_type(&mut request);
        Ok(*request)
    }

    /// Sends it; the same as awaiting the builder.
    pub fn send(self) -> ResponseFuture {
        self.into_future()
    }

    /// Applies one change, unless there was a mistake before; a mistake in it names this request.
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

    fn into_future(self) -> ResponseFuture {
        match self.request {
            Ok(request) => ResponseFuture::new(send::send(self.session, request)),
            Err(error) => ResponseFuture::new(std::future::ready(Err(error))),
        }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestBuilder").field(&self.request).finish()
    }
}

/// The future of a request under way; ready when the response's head has arrived.
#[must_use = "futures do nothing unless they are awaited"]
pub struct ResponseFuture {
    inner: Pin<Box<dyn Future<Output = Result<Response, Error>>>>,
}

impl ResponseFuture {
    pub(crate) fn new(future: impl Future<Output = Result<Response, Error>> + 'static) -> ResponseFuture {
        ResponseFuture { inner: Box::pin(future) }
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

const UNUSABLE_NAME: &str =
    "an unusable header name (letters, digits and - are fine, blanks and colons are not)";

/// A checked header field. The types of the `http` crate hold no line break and no NUL, so what passes here cannot
/// add lines to the head. Credentials are marked, so that `Debug` does not print them.
pub(crate) fn header_field<K, V>(name: K, value: V) -> Result<(HeaderName, HeaderValue), Error>
where
    HeaderName: TryFrom<K>,
    HeaderValue: TryFrom<V>,
    <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
    <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
{
    let name = HeaderName::try_from(name)
        .map_err(|cause| Error::new(ErrorKind::Request, UNUSABLE_NAME).because(cause.into()))?;
    let mut value = HeaderValue::try_from(value).map_err(|cause| {
        let what = format!(
            "an unusable value for the header {name} (a line break or another control character cannot be sent)"
        );
        Error::new(ErrorKind::Request, what).because(cause.into())
    })?;
    if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name) {
        value.set_sensitive(true);
    }
    Ok((name, value))
}

fn form_encoded<T: Serialize + ?Sized>(value: &T, doing: &'static str) -> Result<String, Error> {
    form::to_string(value).map_err(|cause| Error::new(ErrorKind::Request, doing).because(cause))
}

/// Adds the Content-Type that the kind of body implies.
pub(crate) fn add_implied_type(request: &mut Request) {
    if let Some(implied) = request.implied_type.take()
        && !request.headers.contains_key(CONTENT_TYPE)
    {
        request.headers.insert(CONTENT_TYPE, implied);
    }
}
