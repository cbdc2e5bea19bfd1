//! From bytes to requests, without any I/O.
//!
//! TCP is a byte stream: one read may return half a request line or three requests. The [`Reader`] splits it into requests.
//! Bytes are read into [`space`](Reader::space) and reported with [`filled`](Reader::filled), and [`next`](Reader::next)
//! returns what is complete:
//!
//! ```text
//!            next: head complete              next: body complete
//!   Head ───────────────────────────▶ Body ───────────────────────▶ Head
//!     │  (no body: a Request at once)  │
//!     └───────────── Refused ◀─────────┘     final: where the next request begins
//!                                            is not known any more
//! ```
//!
//! Where a body ends is decided once, from the head, strictly by RFC 9112 §6.3: a lenient test server would hide mistakes of
//! the client.

use super::body::Framing;
use super::request::Request;

/// Turns the bytes of one connection into requests.
pub(crate) struct Reader {
    buffer: Vec<u8>,
    /// How much of `buffer` holds bytes that have arrived; the rest is room.
    filled: usize,
    state: State,
}

enum State {
    Head,
    Body { request: Request, framing: Framing, continue_wanted: bool },
    Refused,
}

/// What [`Reader::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The client waits for `100 Continue` before it sends the body.
    Continue,
    /// A request, complete.
    Request(Request),
}

/// Why a request is refused: a status and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) why: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, why: impl Into<String>) -> Self {
        Refusal { status, why: why.into() }
    }

    pub(super) fn bad(why: impl Into<String>) -> Self {
        Refusal::new(400, why)
    }
}

impl Reader {
    pub(crate) fn new() -> Self {
        Reader { buffer: Vec::new(), filled: 0, state: State::Head }
    }

    /// Where the next read may put its bytes; never empty. It is small until a body has to be read, since ten
    /// thousand idle connections have ten thousand of these.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        let room = if matches!(self.state, State::Body { .. }) { 16 * 1024 } else { 1024 };
        if self.buffer.len() < self.filled + room {
            self.buffer.resize(self.filled + room, 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// `n` bytes were read into [`space`](Self::space).
    pub(crate) fn filled(&mut self, n: usize) {
        self.filled = self.buffer.len().min(self.filled + n);
    }

    /// How many bytes have arrived that belong to no request yet handed out.
    pub(crate) fn unused(&self) -> usize {
        self.filled
    }

    /// Whether a request has begun and is not complete.
    pub(crate) fn is_inside_request(&self) -> bool {
        self.filled > 0 || matches!(self.state, State::Body { .. })
    }

    /// The next event in what has arrived; `None` when more bytes are needed.
    ///
    /// # Errors
    /// If the request is malformed. Nothing more can be read from this connection then.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, Refusal> {
        let result = self.advance();
        if result.is_err() {
            self.state = State::Refused;
        }
        result
    }

    fn advance(&mut self) -> Result<Option<Event>, Refusal> {
        if matches!(self.state, State::Head) && !self.read_head()? {
            return Ok(None);
        }
        let State::Body { request, framing, continue_wanted } = &mut self.state else { return Ok(None) };
        let used = framing.decode(&self.buffer[..self.filled], &mut request.body)?;
        self.filled -= used;
        self.buffer.drain(..used);
        if framing.is_complete() {
            let request = std::mem::take(request);
            self.state = State::Head;
            if self.filled == 0 {
                self.buffer = Vec::new();
            }
            return Ok(Some(Event::Request(request)));
        }
        let ask = *continue_wanted && used == 0 && self.filled == 0;
        *continue_wanted = false;
        Ok(ask.then_some(Event::Continue))
    }

    /// Moves on to the body if the head is complete, and says whether it was.
    fn read_head(&mut self) -> Result<bool, Refusal> {
        // RFC 9112 §2.2: empty lines before a request line are to be ignored, once at least.
        let empty =
            self.buffer[..self.filled].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.buffer.drain(..empty);
        self.filled -= empty;

        let bytes = &self.buffer[..self.filled];
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => length,
            Ok(httparse::Status::Partial) if bytes.len() <= MAX_HEAD => return Ok(false),
            Ok(_) => return Err(Refusal::new(431, format!("the head is longer than {MAX_HEAD} bytes"))),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Refusal::new(431, format!("there are more than {MAX_FIELDS} headers")));
            }
            Err(httparse::Error::Version) => {
                return Err(Refusal::new(505, "only HTTP/1.0 and HTTP/1.1 are supported"));
            }
            Err(error) => return Err(Refusal::bad(format!("the head is malformed: {error}"))),
        };
        let request = request_of(&head)?;
        let framing = Framing::of(&request)?;
        let continue_wanted = expects_continue(&request)?;
        self.buffer.drain(..length);
        self.filled -= length;
        self.state = State::Body { request, framing, continue_wanted };
        Ok(true)
    }
}

fn request_of(head: &httparse::Request<'_, '_>) -> Result<Request, Refusal> {
    let target = head.path.unwrap_or_default();
    let (path, query) = path_and_query(target)?;
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: head.headers.iter().map(|field| (field.name.to_owned(), latin_1(field.value))).collect(),
        body: Vec::new(),
        minor_version: head.version.unwrap_or(1),
    };
    // RFC 9112 §3.2: exactly one Host in HTTP/1.1.
    match request.header_values("host").count() {
        1 => Ok(request),
        0 if request.minor_version == 0 => Ok(request),
        0 => Err(Refusal::bad("there is no Host header")),
        n => Err(Refusal::bad(format!("there are {n} Host headers"))),
    }
}

/// RFC 9112 §3.2: a server has to understand the absolute form too, which is meant for proxies.
fn path_and_query(target: &str) -> Result<(&str, &str), Refusal> {
    let scheme_end = target.find("://").filter(|_| !target.starts_with('/'));
    let rest = scheme_end.map_or(target, |end| {
        let after_scheme = &target[end + 3..];
        after_scheme.find(['/', '?']).map_or("/", |start| &after_scheme[start..])
    });
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    match path {
        "" => Ok(("/", query)),
        _ if path.starts_with('/') || path == "*" => Ok((path, query)),
        _ => Err(Refusal::bad(format!("the target {target:?} is neither a path nor a URL"))),
    }
}

/// RFC 9110 §10.1.1: 100-continue is the only expectation there is, and HTTP/1.0 does not have it.
fn expects_continue(request: &Request) -> Result<bool, Refusal> {
    match request.header("expect") {
        Some(value) if value.eq_ignore_ascii_case("100-continue") => Ok(request.minor_version >= 1),
        Some(value) => Err(Refusal::new(417, format!("the expectation {value:?} cannot be met"))),
        None => Ok(false),
    }
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Bytes of request line and headers.
const MAX_HEAD: usize = 64 * 1024;
const MAX_FIELDS: usize = 128;

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
