//! A request, as data: what a [`RequestBuilder`](crate::RequestBuilder) makes, and what is sent.
//!
//! ```text
//! header.rs      a checked header field
//! options.rs     options that few requests set
//! retry_policy.rs  Retry: which failed requests are sent again, and when
//! body.rs        Body: bytes, a file, a reader, or a sequence of them
//! form/          query parameters and URL-encoded forms
//! multipart.rs   forms with files
//! upload/        reading a body while it is sent
//! auth.rs        Basic and Bearer credentials
//! digest.rs      answers to Digest challenges
//! netrc.rs       credentials from the netrc file
//! ```

pub(crate) mod auth;
pub(crate) mod body;
#[cfg(feature = "digest")]
pub(crate) mod digest;
pub(crate) mod form;
pub(crate) mod header;
pub(crate) mod multipart;
pub(crate) mod netrc;
pub(crate) mod options;
pub(crate) mod retry_policy;
pub(crate) mod upload;

use crate::trace::redaction::ShownHeaders;
use crate::url::Url;
use body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use options::RequestOptions;
use std::fmt;
use std::time::Duration;
use upload::OpenBody;

/// A request that is ready to be sent with [`ClientSession::execute`](crate::ClientSession::execute).
/// It can be looked at and changed before it is sent, and again in a hook for [each request](crate::ClientSessionBuilder::on_request)
/// that goes out, those of redirects included:
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use curio_http::{Body, ClientSession, Method};
///
/// let mock = Mock::new().on(Method::PUT, "/new", |_| Answer::new(204)).otherwise(|_| {
///     Answer::new(307).header("Location", "http://other.test/new")
/// });
/// let session = ClientSession::builder()
///     .connector(mock.clone())
///     .on_request(|request| {
///         let from = request.previous_url().map(|url| url.to_string());
///         println!("{} {} from {from:?}", request.method(), request.url());
///         if !request.has_left_origin() {
///             request.headers_mut().insert("x-key", "4f1d".parse().unwrap());
///         }
///     })
///     .build()?;
///
/// let mut request = session.post("http://test/old").body("a text").build()?;
/// *request.method_mut() = Method::PUT;
/// request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
/// assert_eq!(request.body().as_bytes(), Some(&b"a text"[..]));
/// *request.body_mut() = Body::from("another text");
/// assert_eq!(request.headers().len(), 1);
///
/// let response = curio::testing::run(async move { session.execute(request).await })?;
/// assert_eq!(response.history().len(), 1);
/// assert_eq!(mock.requests()[0].header("x-key"), Some("4f1d"));
/// assert_eq!(mock.requests()[1].header("x-key"), None);
/// assert_eq!(mock.requests()[1].text(), "another text");
/// # Ok::<(), curio_http::Error>(())
/// ```
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The body's file or reader, as long as it is open and nothing of it has been sent.
    pub(crate) opened: Option<Box<OpenBody>>,
    /// The Content-Type that goes with the body, unless a header says otherwise.
    pub(crate) implied_type: Option<HeaderValue>,
    /// Replaces the session's timeout. `Some(None)`: no timeout.
    pub(crate) timeout: Option<Option<Duration>>,
    pub(crate) allow_redirects: bool,
    /// The session's default fields are among `headers`: see `exchange/defaults.rs`.
    pub(crate) has_defaults: bool,
    /// The `Cookie` field was added from the session's jar, not by the caller.
    pub(crate) has_cookies_of_jar: bool,
    /// `None` for a request that no redirect has led to.
    pub(crate) redirects: Option<Box<Redirects>>,
    pub(crate) options: Option<Box<RequestOptions>>,
}

/// How a request came to be where it is.
#[derive(Clone, Debug)]
pub(crate) struct Redirects {
    followed: usize,
    previous: Url,
    left_origin: bool,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Request {
        Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::default(),
            implied_type: None,
            timeout: None,
            allow_redirects: true,
            opened: None,
            has_defaults: false,
            has_cookies_of_jar: false,
            redirects: None,
            options: None,
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How many redirects were followed to get here: 0 for the first request. For
    /// [`on_request`](crate::ClientSessionBuilder::on_request) hooks, which are called for each.
    pub fn redirects(&self) -> usize {
        self.redirects.as_ref().map_or(0, |redirects| redirects.followed)
    }

    /// The URL that redirected to this one, without user name and password.
    pub fn previous_url(&self) -> Option<&Url> {
        self.redirects.as_ref().map(|redirects| &redirects.previous)
    }

    /// Whether a redirect on the way here has led to another origin (scheme, host or port) than the first request's.
    /// Credentials that were meant for that one must not be added then, also if the chain has returned to it.
    pub fn has_left_origin(&self) -> bool {
        self.redirects.as_ref().is_some_and(|redirects| redirects.left_origin)
    }

    /// A redirect leads to `url`.
    pub(crate) fn follow(&mut self, url: Url) {
        let previous = std::mem::replace(&mut self.url, url);
        let left_origin = self.has_left_origin() || !previous.same_origin(&self.url);
        let previous = previous.into_without_credentials();
        self.redirects = Some(Box::new(Redirects { followed: self.redirects() + 1, previous, left_origin }));
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

    /// The method, to be changed.
    pub fn method_mut(&mut self) -> &mut Method {
        &mut self.method
    }

    /// The URL, to be changed. A hook or an [`Auth`](crate::Auth) that leads a request to another server has to look after its
    /// credentials itself: they have been chosen for this URL.
    pub fn url_mut(&mut self) -> &mut Url {
        &mut self.url
    }

    /// The body, to be changed. It has no Content-Type then, unless a header field says one.
    pub fn body_mut(&mut self) -> &mut Body {
        self.opened = None;
        &mut self.body
    }

    /// A copy with everything that was set; `None` if the body can be sent only once, because it comes from a reader or a
    /// stream. A file is not read for it.
    ///
    /// ```
    /// # use curio_http::{ClientSession, Error};
    /// # async fn example(session: &ClientSession) -> Result<(), Error> {
    /// let first = session.get("https://example.org/page/1").header("Accept", "text/html").build()?;
    /// if let Some(mut second) = first.try_clone() {
    ///     *second.url_mut() = "https://example.org/page/2".parse()?;
    ///     session.execute(second).await?;
    /// }
    /// session.execute(first).await?;
    /// # Ok(()) }
    /// ```
    pub fn try_clone(&self) -> Option<Request> {
        let mut options = self.options.clone();
        if let Some(options) = &mut options {
            // A hook that makes a copy has the request as it is now.
            options.before_hooks = None;
        }
        Some(Request {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.try_clone()?,
            opened: None,
            implied_type: self.implied_type.clone(),
            timeout: self.timeout,
            allow_redirects: self.allow_redirects,
            has_defaults: false,
            has_cookies_of_jar: self.has_cookies_of_jar,
            redirects: self.redirects.clone(),
            options,
        })
    }

    /// Sending it twice has the same effect as sending it once (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// Adds the Content-Type that the kind of body implies.
    pub(crate) fn add_implied_type(&mut self) {
        if let Some(implied) = self.implied_type.take()
            && !self.headers.contains_key(CONTENT_TYPE)
        {
            self.headers.insert(CONTENT_TYPE, implied);
        }
    }
}

/// Without credentials, wherever they stand.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &ShownHeaders(&self.headers))
            .field("body", &self.body)
            .field("timeout", &self.timeout)
            .field("allow_redirects", &self.allow_redirects)
            .field("redirects", &self.redirects)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
