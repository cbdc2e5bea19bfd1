//! The requests to a mock, read from the bytes that the client sends.
//!
//! httparse reads the head. The body has one of the two framings that responses have, too, and is read by the same
//! decoder.

use crate::h1::{BodyDecoder, Buffer, Framing, Limits, Progress};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_core::de::DeserializeOwned;
use std::fmt;
use std::io;
use std::str::FromStr;

/// The most fields a request may have.
const FIELDS: usize = 256;

/// A request that a [`Mock`](super::Mock) has received.
/// A rule looks at it to make the response, and a test looks at it afterwards:
///
/// ```
/// use curio_http::Method;
/// use curio_http::mock::{Answer, Mock};
/// use serde_json::{Value, json};
///
/// // Too busy at first; and only for those who say who they are.
/// let mock = Mock::new().on(Method::POST, "/orders", |request| match request.header("authorization") {
///     None => Answer::new(401),
///     Some(_) if request.nth() == 0 => Answer::new(503).header("Retry-After", "1"),
///     Some(_) => Answer::json(&json!({ "received": request.body().len() })),
/// });
///
/// curio::testing::run(async {
///     let order = mock.session().post("https://shop.test/orders?dry_run=1").bearer_auth("4f1d");
///     let mut response = order.json(&json!({ "item": 7 })).retry(
///         curio_http::Retry::new(1).methods([Method::POST])
///     ).await?;
///     assert_eq!(response.json::<Value>().await?, json!({ "received": 10 }));
///     Ok::<(), curio_http::Error>(())
/// }).unwrap();
///
/// let requests = mock.requests();
/// assert_eq!(requests.len(), 2);
/// let last = &requests[1];
/// assert_eq!((last.method(), last.path(), last.query()), (&Method::POST, "/orders", Some("dry_run=1")));
/// assert_eq!((last.host(), last.is_https()), ("shop.test", true));
/// assert_eq!(last.headers()["content-type"], "application/json");
/// assert_eq!(last.json::<Value>().unwrap(), json!({ "item": 7 }));
/// ```
#[derive(Clone)]
pub struct MockRequest {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    https: bool,
    nth: usize,
}

impl MockRequest {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, percent-encoded as it was sent, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, percent-encoded as it was sent; `None` without a `?`.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The host, with the port if it is not the default port of the scheme.
    pub fn host(&self) -> &str {
        self.header("host").unwrap_or_default()
    }

    /// Whether it was sent to an `https` URL.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The value of a header field, if it is present and is text; the first one if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; invalid UTF-8 becomes `U+FFFD`.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not JSON, or not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// How many requests with the same method and path came before: 0 for the first. For responses that differ from one
    /// attempt to the next.
    pub fn nth(&self) -> usize {
        self.nth
    }

    pub(super) fn set_nth(&mut self, nth: usize) {
        self.nth = nth;
    }
}

impl fmt::Debug for MockRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &self.headers)
            .field("body", &self.body)
            .finish()
    }
}

/// Reads the requests of one connection, one after the other.
pub(super) struct RequestReader {
    https: bool,
    buffer: Buffer,
    unfinished: Option<Unfinished>,
}

struct Unfinished {
    request: MockRequest,
    decoder: BodyDecoder,
    body: Vec<u8>,
}

/// What has been received.
pub(super) enum Received {
    /// A head whose sender waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    Expecting,
    Request(MockRequest),
}

impl RequestReader {
    pub(super) fn new(https: bool) -> RequestReader {
        RequestReader { https, buffer: Buffer::new(), unfinished: None }
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.buffer.space();
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.buffer.filled(now.len());
            bytes = later;
        }
    }

    /// # Errors
    /// If it is not a request, which would be a mistake of this client, or of an `on_request` hook.
    pub(super) fn next(&mut self) -> io::Result<Option<Received>> {
        let Some(unfinished) = &mut self.unfinished else {
            let Some((length, unfinished)) = head(self.buffer.unread(), self.https)? else { return Ok(None) };
            self.buffer.consume(length);
            let expects = unfinished.request.headers.contains_key(EXPECT);
            self.unfinished = Some(unfinished);
            return if expects { Ok(Some(Received::Expecting)) } else { self.next() };
        };
        loop {
            match unfinished.decoder.decode(&mut self.buffer, &Limits::default()).map_err(io::Error::other)? {
                Progress::NeedsBytes => return Ok(None),
                Progress::Data(data) => unfinished.body.extend_from_slice(&data),
                Progress::End(_) => break,
            }
        }
        Ok(self.unfinished.take().map(|Unfinished { mut request, body, .. }| {
            request.body = body.into();
            Received::Request(request)
        }))
    }
}

/// The head at the beginning of `bytes`, and its length; `None` if it is not complete.
fn head(bytes: &[u8], https: bool) -> io::Result<Option<(usize, Unfinished)>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(length) = parsed.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let mut headers = HeaderMap::new();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_str(field.name).map_err(io::Error::other)?;
        headers.append(name, HeaderValue::from_bytes(field.value).map_err(io::Error::other)?);
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let framing = match text(CONTENT_LENGTH) {
        Some(length) => Framing::Length(length.parse().map_err(io::Error::other)?),
        None if text(TRANSFER_ENCODING).is_some() => Framing::Chunked,
        None => Framing::Empty,
    };
    if text(HOST).is_none() {
        return Err(io::Error::other("a request without a Host field"));
    }
    let request = MockRequest {
        method: Method::from_str(parsed.method.unwrap_or_default()).map_err(io::Error::other)?,
        target: parsed.path.unwrap_or_default().to_owned(),
        headers,
        body: Bytes::new(),
        https,
        nth: 0,
    };
    Ok(Some((length, Unfinished { request, decoder: BodyDecoder::new(framing), body: Vec::new() })))
}
