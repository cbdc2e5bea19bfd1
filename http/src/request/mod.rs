//! A request, as data: what a [`RequestBuilder`](crate::RequestBuilder) makes, and what is sent.
//!
//! ```text
//! header.rs      a checked header field
//! options.rs     options that few requests set
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
pub(crate) mod upload;

use crate::url::Url;
use body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use options::RequestOptions;
use std::time::Duration;
use upload::OpenBody;

/// A request that is ready to be sent with [`ClientSession::execute`](crate::ClientSession::execute).
#[derive(Debug)]
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
    /// The `Cookie` field was added from the session's jar, not by the caller.
    pub(crate) has_cookies_of_jar: bool,
    pub(crate) options: Option<Box<RequestOptions>>,
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
            has_cookies_of_jar: false,
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

    /// Adds the Content-Type that the kind of body implies.
    pub(crate) fn add_implied_type(&mut self) {
        if let Some(implied) = self.implied_type.take()
            && !self.headers.contains_key(CONTENT_TYPE)
        {
            self.headers.insert(CONTENT_TYPE, implied);
        }
    }
}
