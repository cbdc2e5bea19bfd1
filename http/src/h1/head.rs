//! Response heads: from bytes to a [`ResponseHead`].
//!
//! httparse parses the status line and the fields. This file decides:
//!
//! *When to parse.* Most heads arrive complete in the first read, so the first attempt is to parse what there is. If the head
//! is incomplete, it is not parsed again after each read: the reader searches for the empty line that ends a head,
//! continues where it stopped searching, and parses again when it has found it. So a head of *n* bytes costs O(*n*),
//! however it is split.
//!
//! *What to store.* The head is taken out of the read buffer as one block, together with a small body. The few fields
//! that the exchange itself needs are noted while the head is parsed (`noted.rs`). The map of all fields takes more work than
//! parsing them, and many callers never look at it; so it is made from the block when it is asked for (`block.rs`). What is
//! wrong with a field is an error at once, whether or not the field is looked at.
//!
//! Line ends: a bare LF ends a line, as RFC 9112 §2.2 allows and as in httparse; a bare CR does not. A line that begins with a
//! blank continues the one before it ("obs-fold"): as RFC 9112 §5.2 requires of user agents, the line end and the blanks
//! around it are replaced by one blank before the value is parsed. One empty line (CR LF) before the status line is skipped;
//! a second one is an error.

use core::fmt;
use core::mem::MaybeUninit;
use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::Status;

use super::block;
use super::buffer::Buffer;
use super::error::RemoteError;
use super::limits::Limits;
use super::noted::Noted;

/// The HTTP version of a response.
/// ```
/// use curio_http::h1::Version;
///
/// assert_eq!((Version::Http11.as_str(), Version::Http11.to_string()), ("1.1", "HTTP/1.1".to_owned()));
/// assert!(Version::Http10 < Version::Http11);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

impl Version {
    /// The number alone: `"1.0"` or `"1.1"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP/{}", self.as_str())
    }
}

/// The status line and the fields of a response, interim or final.
/// ```
/// use curio_http::h1::{BodyLength, Connection, Event, RequestHead, Version};
/// use curio_http::{HeaderMap, Method};
///
/// let mut connection = Connection::new();
/// let mut headers = HeaderMap::new();
/// headers.insert("host", "example.com".parse()?);
/// let head = RequestHead { method: &Method::HEAD, target: "/", headers: &headers };
/// connection.start(&head, BodyLength::None, &mut Vec::new())?;
///
/// connection.feed(b"HTTP/1.0 200 Fine\r\nServer: small\r\n\r\n");
/// let Some(Event::Head(head)) = connection.next_event()? else { panic!("no head") };
/// assert_eq!((head.status.as_u16(), head.reason(), head.version), (200, "Fine", Version::Http10));
/// assert_eq!(head.headers()["server"], "small");
/// assert!(head.as_bytes().starts_with(b"HTTP/1.0 200 Fine\r\n"));
/// assert_eq!(head.into_headers().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ResponseHead {
    /// The status code, 100 to 999, including undefined ones (RFC 9110 §15).
    pub status: StatusCode,
    /// The version that the server uses.
    pub version: Version,
    pub(super) noted: Noted,
    /// The head as it arrived; the field values are slices of it.
    block: Bytes,
    /// Boxed, because a head is moved often and its map seldom made.
    headers: OnceLock<Box<HeaderMap>>,
}

/// The reason phrase begins after `HTTP/1.1 200 `.
const REASON_BEGINS: usize = 13;

impl ResponseHead {
    /// The fields in the order of their first appearance, names in lower case, values unchanged. The first call makes the map.
    pub fn headers(&self) -> &HeaderMap {
        // A head with so many fields that a map cannot hold them was refused when it was parsed.
        self.headers.get_or_init(|| block::map(&self.block, self.noted.fields).unwrap_or_default().into())
    }

    /// [`headers`](Self::headers), to keep.
    pub fn into_headers(self) -> HeaderMap {
        self.headers();
        self.headers.into_inner().map(|headers| *headers).unwrap_or_default()
    }

    /// Removes all fields of these names.
    pub(crate) fn remove(&mut self, names: &[HeaderName]) {
        self.headers();
        if let Some(headers) = self.headers.get_mut() {
            names.iter().for_each(|name| drop(headers.remove(name)));
        }
    }

    /// The value of a field, of several the first. The map is made only for a value that is on several lines.
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        if self.headers.get().is_none()
            && let Cow::Borrowed(value) = block::value(&self.block, name)?
        {
            return Some(value);
        }
        self.headers().get(name).map(HeaderValue::as_bytes)
    }

    /// The same, if it is ASCII.
    pub(crate) fn ascii_value(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.value(name)?).ok().filter(|value| value.is_ascii())
    }

    /// Whether the head has a `Set-Cookie` field.
    pub(crate) fn sets_cookies(&self) -> bool {
        self.noted.sets_cookies
    }

    /// Whether the head has arrived with a `Content-Encoding` field.
    pub(crate) fn has_content_coding(&self) -> bool {
        self.noted.has_content_coding
    }

    /// The value of the `Keep-Alive` field.
    pub(crate) fn keep_alive(&self) -> Option<&str> {
        if self.noted.has_keep_alive { self.ascii_value("keep-alive") } else { None }
    }

    /// The reason phrase, which follows the status code: empty if the server sent none, or one that is not ASCII. It has no
    /// meaning (RFC 9112 §4); only the code matters.
    pub fn reason(&self) -> &str {
        let line = self.block.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let reason = line.strip_suffix(b"\r").unwrap_or(line).get(REASON_BEGINS..).unwrap_or_default();
        str::from_utf8(reason).ok().filter(|reason| reason.is_ascii()).unwrap_or_default()
    }

    /// The head of a response that came without a status line, over HTTP/2. `block` is what it looks like in a log.
    #[cfg(feature = "http2")]
    pub(crate) fn without_status_line(status: StatusCode, headers: HeaderMap, block: Bytes) -> ResponseHead {
        let mut noted = Noted::default();
        headers.iter().for_each(|(name, value)| noted.note(name.as_str().as_bytes(), value.as_bytes()));
        ResponseHead {
            status,
            version: Version::Http11,
            noted,
            block,
            headers: OnceLock::from(Box::new(headers)),
        }
    }

    /// The head exactly as it arrived, from the status line to the empty line that ends it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.block
    }
}

impl PartialEq for ResponseHead {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status
            && self.version == other.version
            && self.block == other.block
            && self.headers() == other.headers()
    }
}

impl Eq for ResponseHead {}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("reason", &self.reason())
            .field("headers", self.headers())
            .finish()
    }
}

/// Finds and parses one response head, however it is split.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    skipped_empty_line: bool,
    /// How many unread bytes are known not to contain the end of the head. 0 before the first attempt to parse.
    searched: usize,
}

impl HeadReader {
    /// The head, once it is complete; only then its bytes are consumed.
    pub(super) fn read(
        &mut self,
        buffer: &mut Buffer,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, RemoteError> {
        if buffer.is_empty() && !buffer.is_closed() {
            return Ok(None);
        }
        self.skip_empty_line(buffer)?;
        let unread = buffer.unread();
        let window = &unread[..unread.len().min(limits.head)];
        let last_chance = buffer.is_closed() || unread.len() > limits.head;
        if self.searched > 0 && !last_chance && !self.finds_end(window) {
            return Ok(None);
        }
        if let Some(parsed) = parse(window, limits)? {
            let block = buffer.take(parsed.length);
            return parsed.into_head(block, limits).map(Some);
        }
        if unread.len() > limits.head {
            return Err(RemoteError::HeadTooLarge { limit: limits.head });
        }
        if buffer.is_closed() {
            return Err(RemoteError::HeadCutOff { received: unread.len() });
        }
        self.searched = window.len();
        Ok(None)
    }

    fn skip_empty_line(&mut self, buffer: &mut Buffer) -> Result<(), RemoteError> {
        if !self.skipped_empty_line && buffer.unread().starts_with(b"\r\n") {
            buffer.consume(2);
            *self = HeadReader { skipped_empty_line: true, searched: 0 };
        }
        match buffer.unread() {
            // Possibly an empty line: the next byte decides.
            [b'\r'] if !self.skipped_empty_line => Ok(()),
            [b'\r' | b'\n', ..] => Err(RemoteError::NotHttp),
            _ => Ok(()),
        }
    }

    /// Searches the new bytes for the empty line.
    fn finds_end(&mut self, window: &[u8]) -> bool {
        let from = self.searched;
        #[cfg(test)]
        super::work::count(window.len() - from);
        self.searched = window.len();
        (from..window.len()).any(|at| {
            window[at] == b'\n' && (window[..at].ends_with(b"\n") || window[..at].ends_with(b"\n\r"))
        })
    }
}

/// Most heads have a dozen fields; an array for this many costs nothing, because it is left uninitialised.
const FIELDS_ON_STACK: usize = 128;
/// The longest name that a [`HeaderMap`] can hold.
const LONGEST_NAME: usize = u16::MAX as usize;

/// Parses the head at the beginning of `window`; `None` if it is incomplete.
fn parse(window: &[u8], limits: &Limits) -> Result<Option<Parsed>, RemoteError> {
    let mut on_stack = [const { MaybeUninit::uninit() }; FIELDS_ON_STACK];
    let mut on_heap = Vec::new();
    let slots = if limits.headers <= FIELDS_ON_STACK {
        &mut on_stack[..limits.headers]
    } else {
        // The shortest field line has three bytes, so the allocation is bounded by the length of the head, too.
        on_heap.resize_with(limits.headers.min(window.len() / 3 + 1), MaybeUninit::uninit);
        &mut on_heap[..]
    };
    match parse_with(Folding::Refused, slots, window) {
        // Hardly any server folds lines, and looking for folds in all values costs.
        Err(Refusal::Parser(httparse::Error::HeaderName)) => parse_with(Folding::Allowed, slots, window),
        outcome => outcome,
    }
    .map_err(|refusal| match refusal {
        Refusal::Parser(error) => explain(error, window, limits),
        Refusal::Content(error) => error,
    })
}

/// Whether a line may begin with a blank and continue the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folding {
    Refused,
    Allowed,
}

enum Refusal {
    Parser(httparse::Error),
    Content(RemoteError),
}

fn parse_with<'w>(
    folding: Folding,
    slots: &mut [MaybeUninit<httparse::Header<'w>>],
    window: &'w [u8],
) -> Result<Option<Parsed>, Refusal> {
    let mut parsed = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(folding == Folding::Allowed);
    match config.parse_response_with_uninit_headers(&mut parsed, window, slots).map_err(Refusal::Parser)? {
        Status::Complete(length) => {
            #[cfg(test)]
            super::work::count(length);
            Parsed::new(&parsed, folding, length).map_err(Refusal::Content).map(Some)
        }
        Status::Partial => {
            #[cfg(test)]
            super::work::count(window.len());
            Ok(None)
        }
    }
}

/// What the parser has found, without the bytes.
struct Parsed {
    code: u16,
    version: Version,
    noted: Noted,
    length: usize,
}

impl Parsed {
    fn new(
        parsed: &httparse::Response<'_, '_>,
        folding: Folding,
        length: usize,
    ) -> Result<Parsed, RemoteError> {
        let mut noted = Noted::default();
        for field in parsed.headers.iter() {
            if field.name.len() > LONGEST_NAME {
                return Err(RemoteError::HeaderName);
            }
            let value = match folding {
                Folding::Allowed if field.value.contains(&b'\n') => Cow::Owned(block::unfold(field.value)),
                _ => Cow::Borrowed(field.value),
            };
            noted.note(field.name.as_bytes(), &value);
        }
        let version = if parsed.version == Some(0) { Version::Http10 } else { Version::Http11 };
        Ok(Parsed { code: parsed.code.ok_or(RemoteError::StatusLine)?, version, noted, length })
    }

    /// The head, whose bytes are `block`.
    fn into_head(self, block: Bytes, limits: &Limits) -> Result<ResponseHead, RemoteError> {
        let Parsed { code, version, noted, .. } = self;
        let mut headers = OnceLock::new();
        if noted.fields > FIELDS_ON_STACK {
            // Only so many may be more than a map can hold, and that is an error of the response.
            let map = block::map(&block, noted.fields);
            let map = map.ok_or(RemoteError::TooManyHeaders { limit: limits.headers })?;
            headers = OnceLock::from(Box::new(map));
        }
        let status = StatusCode::from_u16(code).map_err(|_| RemoteError::Status { code })?;
        let head = ResponseHead { status, version, noted, block, headers };
        if has_two_destinations(&head) {
            return Err(RemoteError::ConflictingLocations);
        }
        Ok(head)
    }
}

/// Whether a redirect leads to two places. In other responses a Location describes something (RFC 9110
/// §10.2.2) and nothing follows it.
fn has_two_destinations(head: &ResponseHead) -> bool {
    if !matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return false;
    }
    let mut locations = head.headers().get_all(LOCATION).iter();
    let first = locations.next();
    locations.any(|other| Some(other) != first)
}

fn explain(error: httparse::Error, window: &[u8], limits: &Limits) -> RemoteError {
    // The content types of a TLS alert and a TLS handshake record (RFC 8446 §5.1).
    const TLS_ALERT: u8 = 21;
    const TLS_HANDSHAKE: u8 = 22;
    match error {
        httparse::Error::Version => match window {
            [TLS_ALERT | TLS_HANDSHAKE, ..] => RemoteError::LooksLikeTls,
            _ if window.starts_with(b"HTTP/") => RemoteError::Version,
            _ => RemoteError::NotHttp,
        },
        httparse::Error::Status | httparse::Error::Token => RemoteError::StatusLine,
        httparse::Error::HeaderName => RemoteError::HeaderName,
        httparse::Error::HeaderValue => RemoteError::HeaderValue,
        httparse::Error::NewLine => RemoteError::LineEnd,
        httparse::Error::TooManyHeaders => RemoteError::TooManyHeaders { limit: limits.headers },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> ResponseHead {
        let mut buffer = Buffer::new();
        buffer.space()[..text.len()].copy_from_slice(text.as_bytes());
        buffer.filled(text.len());
        let head = HeadReader::default().read(&mut buffer, &Limits::default());
        head.expect("a valid head").expect("a whole head")
    }

    #[test]
    fn the_map_is_made_when_it_is_asked_for() {
        let head = head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: 1\r\nKeep-Alive: timeout=5\r\n\r\n");
        assert_eq!((head.ascii_value("x"), head.keep_alive()), (Some("1"), Some("timeout=5")));
        assert!(head.headers.get().is_none());
        assert_eq!(head.headers().len(), 3);
    }

    #[test]
    fn a_value_on_several_lines_is_found_too() {
        let head = head("HTTP/1.1 200 OK\r\nX:\r\n one\r\n two\r\n\r\n");
        assert_eq!(head.ascii_value("X"), Some("one two"));
    }

    #[test]
    fn fields_that_are_removed_are_not_found() {
        let mut head = head("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX: 1\r\n\r\n");
        assert!(head.has_content_coding() && !head.sets_cookies());
        head.remove(&[http::header::CONTENT_ENCODING]);
        assert_eq!((head.value("content-encoding"), head.headers().len()), (None, 1));
    }

    #[test]
    fn a_head_may_be_shared_between_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&head("HTTP/1.1 204 No Content\r\n\r\n"));
    }
}
