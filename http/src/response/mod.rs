//! The response, and reading its body.
//!
//! ```text
//! body_reader.rs     reads the body from its connection, which it returns to the pool at the end
//! stream_reader.rs   reads the body from a stream of HTTP/2 (feature `http2`)
//! content.rs         the body decoded and counted; as a whole or in chunks
//! decode/            content codings
//! text.rs            the body as text, and in which character set
//! charset.rs         decoding of character sets
//! chunks.rs          Chunks: the body in chunks of bytes
//! owned.rs           BytesStream, ResponseReader: the body as a stream that owns the response
//! lines.rs           Lines: the body line by line
//! line_splitter.rs   from bytes to lines of text
//! event_stream.rs    Events: the body as server-sent events
//! sse.rs             the parser of server-sent events
//! poll_budget.rs     how much work is done on a body before other tasks run
//! download.rs        the body into a file or a writer
//! file_name.rs       the name of a file that is downloaded, made harmless
//! link_header.rs     Link fields
//! error_context.rs   names the response in errors
//! ```
//!
//! A [`Response`] exists as soon as its head has been received; the body is read when the caller asks for it, in one of two
//! ways: as a whole (`text`, `json`, `binary`), which is kept for further calls, or in chunks as they come (`iter_chunked`,
//! `iter_lines`, `iter_events`, `download`), which are not kept.
//!
//! A body passes through three layers: `connections/connection.rs` reads it from the stream, `body_reader.rs` returns the
//! connection to the pool at the end, and `content.rs` decodes it and counts its bytes. A response owns all of them: it may
//! outlive its session or be returned from a task, and dropping it half-read closes its connection.

pub(crate) mod body_reader;
mod charset;
pub(crate) mod chunks;
pub(crate) mod content;
pub(crate) mod decode;
pub(crate) mod download;
mod error_context;
pub(crate) mod event_stream;
mod file_name;
mod line_splitter;
pub(crate) mod lines;
pub(crate) mod link_header;
pub(crate) mod owned;
mod poll_budget;
pub(crate) mod sse;
#[cfg(feature = "http2")]
mod stream_reader;
pub(crate) mod text;

use crate::connections::connection::ResponseHead;
use crate::connections::deadline::Limits;
use crate::connections::timings::Timings;
use crate::connections::tls::TlsInfo;
use crate::connections::upgraded::Upgraded;
use crate::cookies::{self, Cookie};
use crate::error::{Error, ErrorKind};
use crate::trace::redaction::ShownHeaders;
use crate::trace::region::{self, Label};
use crate::url::Url;
use body_reader::BodyReader;
use bytes::Bytes;
use chunks::Chunks;
use content::Content;
use curio::debug::region_at;
use error_context::ErrorContext;
use event_stream::Events;
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use lines::Lines;
use link_header::Link;
use serde_core::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use text::TextEncoding;

/// A response: the head as it has arrived, and the body to be read.
///
/// ```
/// # use curio_http::{Error, StatusCode, mock::{Answer, Mock}};
/// # let mock = Mock::new().otherwise(|request| match request.path() {
/// #     "/" => Answer::redirect("/sizes"),
/// #     _ => Answer::json(&[1, 2]),
/// # });
/// # curio::testing::run(async {
/// # let session = mock.session();
/// let mut response = session.get("http://test/").await?;
/// response.raise_for_status()?;
/// assert_eq!((response.status_code(), response.status()), (200, StatusCode::OK));
/// assert_eq!((response.http_version(), response.reason()), ("1.1", "OK"));
/// assert_eq!(response.url().path(), "/sizes");
/// assert!(response.ok() && response.history()[0].is_redirect());
/// assert_eq!(response.header("content-type"), Some("application/json"));
/// assert_eq!((response.headers().len(), response.content_length()), (2, Some(5)));
/// println!("{:?} from {:?}", response.version(), response.header_text("Server"));
/// println!("after {:?}", response.elapsed());
/// assert_eq!(response.json::<Vec<u32>>().await?, [1, 2]);
/// assert_eq!(response.binary().await?, "[1,2]"); // it is kept
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
///
/// A body is read in parts with [`Chunks`], [`Lines`] and [`Events`], and saved under its [`file_name`](Self::file_name) or by
/// [`download_into`](Self::download_into). Further examples: [`Cookie`], [`Link`], [`Timings`], [`TlsInfo`], [`Upgraded`].
///
/// # Dropping
/// A response whose body has been read, or has arrived in full with its head, has given its connection back to the pool
/// already. Any other closes its connection when it is dropped.
pub struct Response {
    inner: Box<Inner>,
}

struct Inner {
    method: Method,
    url: Url,
    head: ResponseHead,
    history: Vec<Response>,
    peer: Option<SocketAddr>,
    tls: Option<TlsInfo>,
    content_length: Option<u64>,
    started: Instant,
    elapsed: Duration,
    timings: Timings,
    content: Content,
    /// What the program says about the character set.
    encoding: Option<Box<TextEncoding>>,
    #[cfg(feature = "http2")]
    is_http2: bool,
}

/// The arguments of `Response::new`.
pub(crate) struct ResponseParts {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) head: ResponseHead,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) tls: Option<TlsInfo>,
    pub(crate) declared_length: Option<u64>,
    pub(crate) has_body: bool,
    pub(crate) limits: Limits,
    pub(crate) started: Instant,
    pub(crate) elapsed: Duration,
    pub(crate) timings: Timings,
    pub(crate) max_body: Option<u64>,
    /// Whether content codings are to be decoded.
    pub(crate) decode: bool,
}

impl Response {
    /// A response whose [body](Self::body) is still to be received.
    pub(crate) fn new(mut parts: ResponseParts) -> Response {
        let head = &mut parts.head;
        let declared_length = match parts.method {
            Method::HEAD => length_of_get(head.headers()),
            _ => parts.declared_length,
        };
        let content = if parts.has_body {
            // Of a part of a representation nothing is decoded: a range counts coded bytes (RFC 9110 §14), and only all of
            // them together can be decoded.
            let decode = parts.decode && head.status != StatusCode::PARTIAL_CONTENT;
            Content::new(parts.limits, head, declared_length, parts.max_body, decode)
        } else {
            Content::empty(parts.limits)
        };
        let content_length = declared_length.filter(|_| !content.is_decoded());
        Response {
            inner: Box::new(Inner {
                method: parts.method,
                url: parts.url.into_without_credentials(),
                head: parts.head,
                history: Vec::new(),
                peer: parts.peer,
                tls: parts.tls,
                content_length,
                started: parts.started,
                elapsed: parts.elapsed,
                timings: parts.timings,
                content,
                encoding: None,
                #[cfg(feature = "http2")]
                is_http2: false,
            }),
        }
    }

    pub(crate) fn set_history(&mut self, history: Vec<Response>) {
        self.inner.history = history;
    }

    /// It came over HTTP/2.
    #[cfg(feature = "http2")]
    pub(crate) fn set_http2(&mut self) {
        self.inner.is_http2 = true;
    }

    pub(crate) fn method(&self) -> &Method {
        &self.inner.method
    }

    /// The status code, as a number.
    pub fn status_code(&self) -> u16 {
        self.inner.head.status.as_u16()
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.inner.head.status
    }

    /// The reason phrase after the status code. It has no meaning in HTTP, and may be empty.
    pub fn reason(&self) -> &str {
        self.inner.head.reason()
    }

    /// The HTTP version of the response.
    pub fn version(&self) -> http::Version {
        match self.http_version() {
            "2" => http::Version::HTTP_2,
            "1.0" => http::Version::HTTP_10,
            _ => http::Version::HTTP_11,
        }
    }

    /// The HTTP version of the response as text: `"1.0"`, `"1.1"` or `"2"`.
    pub fn http_version(&self) -> &str {
        #[cfg(feature = "http2")]
        if self.inner.is_http2 {
            return "2";
        }
        self.inner.head.version.as_str()
    }

    /// The header fields. If the body is decoded, `Content-Encoding` and `Content-Length` are removed, because they describe
    /// the coded form and not the content that is read here.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.head.headers()
    }

    /// The value of a header field, if it is present and is printable ASCII; of several, the first.
    /// [`header_text`](Response::header_text) gives any value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.head.ascii_value(name)
    }

    /// The value of a header field as text, if it is present; of several, the first. It is decoded as UTF-8 if it is valid
    /// UTF-8, and as ISO-8859-1 otherwise: HTTP allows only ASCII in new fields (RFC 9110 §5.5), but servers send both.
    /// [`headers`](Response::headers) has the bytes.
    pub fn header_text(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(charset::header_text(self.inner.head.value(name)?))
    }

    /// The URL of the last request, after redirects, without user name and password.
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// The redirects that were followed, the first one first. Their bodies have been discarded.
    pub fn history(&self) -> &[Response] {
        &self.inner.history
    }

    /// Whether this is a redirect: a 301, 302, 303, 307 or 308 with a `Location` field.
    pub fn is_redirect(&self) -> bool {
        let leads_on = matches!(self.status_code(), 301 | 302 | 303 | 307 | 308);
        leads_on && self.headers().get(LOCATION).is_some_and(|location| !location.is_empty())
    }

    /// Whether the status is below 400.
    pub fn ok(&self) -> bool {
        self.status_code() < 400
    }

    /// An error if the status is 400 or above.
    ///
    /// # Errors
    /// Of kind [`Status`](ErrorKind::Status), with the status code and the reason phrase.
    pub fn raise_for_status(&self) -> Result<(), Error> {
        if self.ok() {
            return Ok(());
        }
        let whose = if self.status_code() < 500 { "the request was refused" } else { "the server failed" };
        let what = format!("{whose} with status {} {}", self.status_code(), self.reason());
        Err(self.located(Error::new(ErrorKind::Status, what.trim_end().to_owned())))
    }

    /// The length of the body in bytes, if the head declares it and the body is not decoded. For a HEAD request, the length
    /// that the body of a GET would have.
    pub fn content_length(&self) -> Option<u64> {
        self.inner.content_length
    }

    /// The cookies of the `Set-Cookie` fields, whether or not the session's [jar](crate::CookieJar) has accepted them.
    /// Malformed ones are left out. A `Max-Age` is counted from this call.
    pub fn cookies(&self) -> Vec<Cookie> {
        cookies::of(self.headers(), SystemTime::now())
    }

    /// The links in the `Link` fields (RFC 8288), resolved against this response's URL. Malformed ones are left out.
    pub fn links(&self) -> Vec<Link> {
        link_header::of(self.headers(), self.url())
    }

    /// The IP address and port of the connection's peer: the server, or the proxy in front of it. `None` for a Unix socket
    /// and for the streams of a [`Connector`](crate::Connector).
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.inner.peer
    }

    /// TLS version, cipher suite and certificates of the connection to the server. `None` for `http`.
    pub fn tls(&self) -> Option<TlsInfo> {
        self.inner.tls.clone()
    }

    /// The time from the start of this exchange until its response head was received.
    pub fn elapsed(&self) -> Duration {
        self.inner.elapsed
    }

    /// The trailer fields of a chunked body, once it has been read to its end.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.inner.content.trailers()
    }

    /// How long each phase of the request took.
    pub fn timings(&self) -> Timings {
        let total =
            self.inner.content.ended_at().map(|end| end.saturating_duration_since(self.inner.started));
        Timings { total, ..self.inner.timings }
    }

    /// The body, parsed as JSON. It is kept: `text` and `binary` work afterwards.
    ///
    /// # Errors
    /// Of kind [`Json`](ErrorKind::Json) if it is not JSON, or cannot be deserialised into `T`; otherwise as
    /// [`binary`](Response::binary).
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&mut self) -> impl Future<Output = Result<T, Error>> {
        region_at(Location::caller(), self.body_label(), async move { self.parse_json().await })
    }

    async fn parse_json<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let bytes = self.whole().await?;
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(json).map_err(|cause| {
            let found = self.header("content-type").filter(|kind| !kind.contains("json"));
            let found = match found.map(|kind| format!(" (its type is {kind:?})")) {
                _ if json.is_empty() => " (it is empty)".to_owned(),
                found => found.unwrap_or_default(),
            };
            self.located(
                Error::new(ErrorKind::Json, format!("reading the body as JSON{found}")).because(cause),
            )
        })
    }

    /// The body. It is kept: a second call, or `text` or `json`, gives the same one.
    ///
    /// # Errors
    /// Of kind [`Body`](ErrorKind::Body) if the body ends early or has been read in chunks before, [`Timeout`] if the server
    /// sends nothing for too long, [`TooLarge`] beyond [`max_body`], [`Decode`](ErrorKind::Decode) if the compressed data is
    /// damaged, [`Protocol`](ErrorKind::Protocol) if the framing is invalid.
    ///
    /// # Cancellation
    /// If the future is dropped, what has been read is kept, and the next call continues from there.
    ///
    /// [`Timeout`]: ErrorKind::Timeout
    /// [`TooLarge`]: ErrorKind::TooLarge
    /// [`max_body`]: crate::ClientSessionBuilder::max_body
    #[track_caller]
    pub fn binary(&mut self) -> impl Future<Output = Result<Bytes, Error>> {
        region_at(Location::caller(), self.body_label(), self.whole())
    }

    async fn whole(&mut self) -> Result<Bytes, Error> {
        let whole = std::future::poll_fn(|cx| self.inner.content.poll_whole(cx)).await;
        whole.map_err(|error| self.located(error))
    }

    /// Reads the body in chunks of at most `maxsize` bytes, as they come. They are not kept. If the body has been read as a
    /// whole before, the chunks start at its beginning, and it stays kept.
    pub fn iter_chunked(&mut self, maxsize: usize) -> Chunks<'_> {
        let (content, context, _) = self.inner.split();
        Chunks::new(content, context, maxsize)
    }

    /// Reads the body line by line, without the line ends (`\n` or `\r\n`). Lines are not kept.
    pub fn iter_lines(&mut self) -> Lines<'_> {
        let (content, context, label) = self.inner.split();
        Lines::new(content, context, label)
    }

    /// Reads the body as a stream of server-sent events (`text/event-stream`), one by one as they come. Whether it is one
    /// is not checked.
    pub fn iter_events(&mut self) -> Events<'_> {
        let (content, context, _) = self.inner.split();
        Events::new(content, context)
    }

    /// The events continue those of another response, whose last one had this id.
    pub(crate) fn continue_events_after(&mut self, id: &str) {
        self.inner.content.begin_events_after(id);
    }

    /// Writes the body to a file and returns its length in bytes. It is written to a temporary file in the same folder, which
    /// is renamed to `path` when it is complete, so `path` never holds half a body.
    ///
    /// Symbolic links are followed. A file that is replaced keeps its mode; its other hard links keep the old content. If
    /// `path` is no regular file (a FIFO, a device), the body is written to it directly, as it comes.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io) if the file cannot be written; if it cannot be created (a directory, no permission),
    /// nothing of the body has been read. Otherwise as [`binary`](Response::binary), except that the default limit of 64 MiB
    /// does not apply.
    ///
    /// # Cancellation
    /// The unfinished file is removed.
    #[track_caller]
    pub fn download(&mut self, path: impl AsRef<Path>) -> impl Future<Output = Result<u64, Error>> {
        region_at(Location::caller(), self.body_label(), async move {
            let written = download::to_file(&mut self.inner.content, path.as_ref()).await;
            written.map_err(|error| self.located(error))
        })
    }

    /// The connection as a byte stream, after the server has switched to another protocol: with a `101 Switching Protocols`
    /// to a request with the fields `Connection: upgrade` and `Upgrade` (RFC 9110 §7.8). Bytes of the new protocol that were
    /// received together with the head are read first.
    ///
    /// # Errors
    /// Of kind [`Protocol`](ErrorKind::Protocol) if the status is not 101.
    pub fn upgrade(mut self) -> Result<Upgraded, Error> {
        match self.inner.content.take_upgraded() {
            Some(upgraded) => Ok(upgraded.with_headers(self.inner.head.into_headers())),
            None => {
                let what = format!("upgrading the connection: the server responded with {}", self.status());
                Err(self.located(Error::new(ErrorKind::Protocol, what)))
            }
        }
    }

    /// Calls `report` whenever a part of the body has been read, with the number of bytes so far and the total number if it
    /// is known.
    pub fn on_progress(&mut self, report: impl FnMut(u64, Option<u64>) + 'static) -> &mut Response {
        let total = self.inner.content_length;
        self.inner.content.on_progress(total, Box::new(report));
        self
    }

    /// The body as it comes from the connection.
    pub(crate) fn body(&mut self) -> &mut BodyReader {
        &mut self.inner.content.body
    }

    /// Discards the body: a small one is read to its end, so that the connection can be reused.
    pub(crate) async fn discard_body(&mut self) {
        self.inner.content.discard().await;
    }

    fn body_label(&self) -> Label {
        region::of_body(&self.inner.method, &self.inner.url)
    }

    /// Adds method, URL and status of this response to an error.
    pub(crate) fn located(&self, error: Error) -> Error {
        let Inner { method, url, head, .. } = &*self.inner;
        ErrorContext { method, url, status: head.status }.located(error)
    }
}

impl Inner {
    /// The body, the context of its errors, and the character set of its text.
    fn split(&mut self) -> (&mut Content, ErrorContext<'_>, Option<&str>) {
        let Inner { method, url, head, content, encoding, .. } = self;
        (content, ErrorContext { method, url, status: head.status }, text::label(encoding.as_deref(), head))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.inner.head.status)
            .field("url", &self.inner.url)
            .field("headers", &ShownHeaders(self.headers()))
            .finish_non_exhaustive()
    }
}

fn length_of_get(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
