//! The response: what came back.
//!
//! ```text
//! body_reader.rs     reads the body from its connection, which it returns to the pool at the end
//! content.rs         the body decoded and counted; as a whole or in chunks
//! decode/            content codings
//! charset.rs         text in any character set
//! chunks.rs          Chunks: the body in chunks of bytes
//! lines.rs           Lines: the body line by line
//! line_splitter.rs   from bytes to lines of text
//! event_stream.rs    Events: the body as server-sent events
//! sse.rs             the parser of server-sent events
//! poll_budget.rs     how much work is done on a body before other tasks run
//! download.rs        the body into a file
//! link_header.rs     Link fields
//! error_context.rs   names the response in errors
//! ```
//!
//! A response exists as soon as its head is here; the body may still be on its way, and is read when somebody asks for
//! it. It can be read in one of two ways: as a whole (`text`, `json`, `binary`: kept, so that a second call costs
//! nothing), or in pieces as they come (`iter_chunked`, `iter_lines`, `download`: not kept).
//!
//! On the path of a response this is the last stop: `connection.rs` reads, `body_reader.rs` hands over and gives the
//! connection back, `content.rs` decodes and counts, and here a caller gets what it asked for. A response owns
//! everything it needs: it outlives its session, may be returned from a task, and dropping it half-read closes its
//! connection and nothing else.

pub(crate) mod body_reader;
mod charset;
pub(crate) mod chunks;
pub(crate) mod content;
pub(crate) mod decode;
mod download;
mod error_context;
pub(crate) mod event_stream;
mod line_splitter;
pub(crate) mod lines;
pub(crate) mod link_header;
mod poll_budget;
pub(crate) mod sse;

use crate::connections::connection::ResponseHead;
use crate::connections::timings::Timings;
use crate::connections::tls::TlsInfo;
use crate::connections::upgraded::Upgraded;
use crate::cookies::{self, Cookie};
use crate::error::{Error, ErrorKind};
use crate::trace::redaction::ShownHeaders;
use crate::url::Url;
use body_reader::BodyReader;
use bytes::Bytes;
use chunks::Chunks;
use content::Content;
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
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A response.
///
/// ```no_run
/// # async fn example() -> Result<(), curio_http::Error> {
/// let mut response = curio_http::get("https://example.org/data.json").await?;
/// response.raise_for_status()?;
/// let value: serde_json::Value = response.json().await?;
/// println!("{} {value}", response.url());
/// # Ok(()) }
/// ```
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
}

/// What a response is made of.
pub(crate) struct ResponseParts {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) head: ResponseHead,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) tls: Option<TlsInfo>,
    pub(crate) declared_length: Option<u64>,
    pub(crate) has_body: bool,
    pub(crate) body: BodyReader,
    pub(crate) started: Instant,
    pub(crate) elapsed: Duration,
    pub(crate) timings: Timings,
    pub(crate) max_body: Option<u64>,
}

impl Response {
    pub(crate) fn new(mut parts: ResponseParts) -> Response {
        let head = &mut parts.head;
        let declared_length = match parts.method {
            Method::HEAD => length_of_get(&head.headers),
            _ => parts.declared_length,
        };
        let content = if parts.has_body {
            let is_part = head.status == StatusCode::PARTIAL_CONTENT;
            Content::new(parts.body, &mut head.headers, declared_length, parts.max_body, is_part)
        } else {
            Content::empty(parts.body)
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
            }),
        }
    }

    pub(crate) fn set_history(&mut self, history: Vec<Response>) {
        self.inner.history = history;
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

    /// The words behind the status code. They mean nothing, and may be missing.
    pub fn reason(&self) -> &str {
        self.inner.head.reason()
    }

    /// The HTTP version of the response: `"1.1"` or `"1.0"`.
    pub fn http_version(&self) -> &str {
        self.inner.head.version.as_str()
    }

    /// The header fields. If the body came compressed, `Content-Encoding` and `Content-Length` are gone, because they
    /// describe what was sent and not what is read here.
    pub fn headers(&self) -> &HeaderMap {
        &self.inner.head.headers
    }

    /// The value of a header field, if it is there and is printable ASCII; of several, the first. For all others there is
    /// [`header_text`](Response::header_text).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.head.headers.get(name)?.to_str().ok()
    }

    /// The value of a header field as text, if it is there, whatever bytes it has; of several, the first. It is read as
    /// UTF-8 if it is that, and as ISO-8859-1 otherwise: HTTP knows no character set but ASCII now (RFC 9110 §5.5), and
    /// servers send these two. [`headers`](Response::headers) has the bytes.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), curio_http::Error> {
    /// let response = curio_http::get("https://example.org/").await?;
    /// println!("from {}", response.header_text("Server").unwrap_or("somewhere".into()));
    /// # Ok(()) }
    /// ```
    pub fn header_text(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(charset::header_text(self.inner.head.headers.get(name)?.as_bytes()))
    }

    /// The URL of the response: the last one, after redirects. User name and password are left out, so that it can be
    /// printed.
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// The redirects that were followed on the way here, the first one first. Their bodies are gone.
    pub fn history(&self) -> &[Response] {
        &self.inner.history
    }

    /// Whether this response leads somewhere else: a 301, 302, 303, 307 or 308 that says where.
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
    /// Of kind [`Status`](ErrorKind::Status), with the status and the server's words for it.
    pub fn raise_for_status(&self) -> Result<(), Error> {
        if self.ok() {
            return Ok(());
        }
        let whose = if self.status_code() < 500 { "the request was refused" } else { "the server failed" };
        let what = format!("{whose} with status {} {}", self.status_code(), self.reason());
        Err(self.located(Error::new(ErrorKind::Status, what.trim_end().to_owned())))
    }

    /// The length of the body in bytes, if the head declares it and the body is not decoded on the way. For a HEAD
    /// request, the length that a GET would have had.
    pub fn content_length(&self) -> Option<u64> {
        self.inner.content_length
    }

    /// The character set that the `Content-Type` field names.
    pub fn encoding(&self) -> Option<&str> {
        charset::of(self.headers())
    }

    /// The cookies that this response sets, or tries to: whether they are taken is for the session's
    /// [jar](crate::CookieJar) to decide. Malformed ones are left out. A `Max-Age` is counted from this call.
    pub fn cookies(&self) -> Vec<Cookie> {
        cookies::of(self.headers(), SystemTime::now())
    }

    /// The links in the `Link` fields (RFC 8288), resolved against this response's address. Malformed ones are left out.
    pub fn links(&self) -> Vec<Link> {
        link_header::of(self.headers(), self.url())
    }

    /// The address that the connection leads to: that of the server, or of the proxy it is reached through. `None` for a
    /// Unix socket and for connections that are not ours.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.inner.peer
    }

    /// How the connection to the server was protected: version, cipher suite, certificates. `None` for `http`.
    pub fn tls(&self) -> Option<TlsInfo> {
        self.inner.tls.clone()
    }

    /// The time from starting this exchange to the arrival of its head.
    pub fn elapsed(&self) -> Duration {
        self.inner.elapsed
    }

    /// The fields that followed a chunked body, once it has been read to its end.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.inner.content.trailers()
    }

    /// Where the time went.
    pub fn timings(&self) -> Timings {
        let total =
            self.inner.content.ended_at().map(|end| end.saturating_duration_since(self.inner.started));
        Timings { total, ..self.inner.timings }
    }

    /// The body, parsed as JSON. It is kept: `text` and `binary` work afterwards.
    ///
    /// # Errors
    /// Of kind [`Json`](ErrorKind::Json) if it is not the JSON that was asked for; otherwise as
    /// [`binary`](Response::binary).
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let bytes = self.binary().await?;
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

    /// The body as text, by the character set that the head names; UTF-8 if it names none. Bytes that are no text in it
    /// become `U+FFFD`. The body is kept.
    ///
    /// # Errors
    /// Of kind [`Decode`](ErrorKind::Decode) if the character set is none that this build knows; otherwise as
    /// [`binary`](Response::binary).
    pub async fn text(&mut self) -> Result<String, Error> {
        let bytes = self.binary().await?;
        charset::decode(&bytes, self.encoding()).map_err(|error| self.located(error))
    }

    /// The body. It is kept: a second call, or `text` or `json`, gives the same one.
    ///
    /// # Errors
    /// Of kind [`Body`](ErrorKind::Body) if it ends early or has been read in pieces before, [`Timeout`] if the server
    /// falls silent, [`TooLarge`] beyond [`max_body`], [`Decode`](ErrorKind::Decode) if it is compressed and damaged,
    /// [`Protocol`](ErrorKind::Protocol) if its framing is.
    ///
    /// # Cancellation
    /// If the future is dropped, what has come is kept and the next call goes on from there.
    ///
    /// [`Timeout`]: ErrorKind::Timeout
    /// [`TooLarge`]: ErrorKind::TooLarge
    /// [`max_body`]: crate::ClientSessionBuilder::max_body
    pub async fn binary(&mut self) -> Result<Bytes, Error> {
        let whole = std::future::poll_fn(|cx| self.inner.content.poll_whole(cx)).await;
        whole.map_err(|error| self.located(error))
    }

    /// Reads the body in pieces of at most `maxsize` bytes, as they come. They are not kept. A body that was read as a
    /// whole before is given from its beginning, and stays.
    pub fn iter_chunked(&mut self, maxsize: usize) -> Chunks<'_> {
        let (content, context, _) = self.inner.split();
        Chunks::new(content, context, maxsize)
    }

    /// Reads the body line by line, without the line ends (`\n` or `\r\n`). Lines are not kept.
    pub fn iter_lines(&mut self) -> Lines<'_> {
        let (content, context, headers) = self.inner.split();
        Lines::new(content, context, charset::of(headers))
    }

    /// Reads the body as a stream of server-sent events (`text/event-stream`), one by one as they come. Whether it is one
    /// is not checked.
    pub fn iter_events(&mut self) -> Events<'_> {
        let (content, context, _) = self.inner.split();
        Events::new(content, context)
    }

    /// Writes the body to a file and returns its length. It is written under another name beside `path` and renamed when
    /// it is complete, so `path` never holds half a body.
    ///
    /// Symbolic links are followed. A file that is replaced keeps its mode; if it has other hard links, these keep the old
    /// content. What is there and is no file (a FIFO, a device) is written to as it is, piece by piece.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io) if the file cannot be written; if that is certain from the beginning (a directory, no
    /// permission), nothing of the body has been read. Otherwise as [`binary`](Response::binary), but for
    /// the limit of 64 MiB, which does not apply.
    ///
    /// # Cancellation
    /// The unfinished file is removed.
    pub async fn download(&mut self, path: impl AsRef<Path>) -> Result<u64, Error> {
        let written = download::to_file(&mut self.inner.content, path.as_ref()).await;
        written.map_err(|error| self.located(error))
    }

    /// The connection itself, after the server has agreed to another protocol: a `101 Switching Protocols` to a request
    /// with the fields `Connection: upgrade` and `Upgrade` (RFC 9110 §7.8). Bytes of the new protocol that came with the
    /// head are read first.
    ///
    /// # Errors
    /// Of kind [`Protocol`](ErrorKind::Protocol) if the status is any other than 101: the server did not agree.
    pub fn upgrade(mut self) -> Result<Upgraded, Error> {
        self.inner.content.take_upgraded().ok_or_else(|| {
            let what = format!("upgrading the connection: the server answered {}", self.status());
            self.located(Error::new(ErrorKind::Protocol, what))
        })
    }

    /// Calls `report` whenever a part of the body has been read, with the number of bytes so far and the number in all
    /// if it is known.
    pub fn on_progress(&mut self, report: impl FnMut(u64, Option<u64>) + 'static) -> &mut Response {
        let total = self.inner.content_length;
        self.inner.content.on_progress(total, Box::new(report));
        self
    }

    /// Whether a part of the request's body is still to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        self.inner.content.body.is_sending()
    }

    /// Sends the rest of the request's body.
    pub(crate) async fn finish_upload(&mut self) -> Result<(), Error> {
        self.inner.content.body.finish_upload().await
    }

    /// The body is not wanted.
    pub(crate) async fn discard_body(&mut self) {
        self.inner.content.discard().await;
    }

    /// Names this response in an error.
    pub(crate) fn located(&self, error: Error) -> Error {
        let Inner { method, url, head, .. } = &*self.inner;
        ErrorContext { method, url, status: head.status }.located(error)
    }
}

impl Inner {
    /// The body, to be read; how its errors are named; and the header fields.
    fn split(&mut self) -> (&mut Content, ErrorContext<'_>, &HeaderMap) {
        let Inner { method, url, head, content, .. } = self;
        (content, ErrorContext { method, url, status: head.status }, &head.headers)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.inner.head.status)
            .field("url", &self.inner.url)
            .field("headers", &ShownHeaders(&self.inner.head.headers))
            .finish_non_exhaustive()
    }
}

fn length_of_get(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
