//! Server-sent events that survive their connection: [`EventSource`], which reconnects by the rules of the standard
//! (WHATWG HTML §9.2).
//!
//! ```text
//!              a 200 with events                  the stream ends or breaks
//! Connecting ────────────────────▶ Open ────────────────────────────────────▶ Pausing ──▶ Connecting …
//!     │  └──── no connection, no response ──────────────────────────────────────▲
//!     └─────── any other response ──▶ Over
//! ```
//!
//! The first pause is the reconnection time (the server's `retry`, otherwise 3 s). After each further connection that brings no
//! event the pause doubles, up to a limit. Half of what is added to the reconnection time is random, because all clients of a
//! server that restarts would come back at the same moment.

use crate::error::{Error, ErrorKind};
use crate::exchange::backoff::{doubled, spread};
use crate::exchange::shared::Shared;
use crate::random::random_u64;
use crate::request::Request;
use crate::request::header::header_field;
use crate::response::Response;
use crate::response::sse::ServerEvent;
use crate::session::request_builder::{RequestBuilder, ResponseFuture};
use curio::Sleep;
use futures_core::Stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The reconnection time until the server has sent one: "a few seconds" in the standard.
const RECONNECTION_TIME: Duration = Duration::from_secs(3);
/// A server that asks for less could make the client reconnect in a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The events of a server, across connections: from [`RequestBuilder::event_source`]. It is a `Stream`, too.
///
/// When the stream of events ends or breaks, or the server cannot be reached, it pauses and sends the request again, with the
/// id of the last event (`Last-Event-ID`), so that the server can continue after it. Nothing is sent before the first call of
/// [`next`](EventSource::next), and nothing goes on between two calls.
///
/// It stops, after which [`next`](EventSource::next) is `None`:
///
/// * without an error when the server responds with 204, as the standard wants it;
/// * with an error of kind [`Status`](ErrorKind::Status) for any other status than 200, and of kind
///   [`Protocol`](ErrorKind::Protocol) for a body of another type than `text/event-stream`. Statuses that may pass are retried
///   before that if the session has [retries](crate::ClientSessionBuilder::retries);
/// * with the error itself if it would be the same the next time: a URL, a header field, a certificate, a redirect, an event that
///   is too large;
/// * with the last error after as many failures in a row as [`max_failures`](EventSource::max_failures) allows.
///
/// A server that has nothing to say sends comments. One that sends nothing at all for the
/// [`read_timeout`](crate::RequestBuilder::read_timeout) is taken for dead, and the request is sent again; so that timeout
/// should be longer than the server's pauses.
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
/// use std::time::Duration;
///
/// let request = session.get("https://example.org/events").read_timeout(Duration::from_secs(60));
/// let mut events = request.event_source().max_failures(10);
/// while let Some(event) = events.next().await {
///     let event = event?;
///     println!("{}: {}", event.event(), event.data());
/// }
/// # Ok(()) }
/// ```
/// A program that has stored the id of the last event goes on from there:
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use std::time::Duration;
///
/// let mock = Mock::new().otherwise(|request| {
///     let events = match request.header("last-event-id") {
///         Some("6") => "retry: 500\nid: 7\ndata: seven\n\n",
///         _ => "id: 8\ndata: eight\n\n",
///     };
///     Answer::new(200).header("Content-Type", "text/event-stream").text_body(events)
/// });
/// curio::testing::run(async {
///     let request = mock.session().get("http://test/prices");
///     let mut events = request.event_source().after("6").longest_pause(Duration::from_secs(10));
///     assert_eq!(events.next().await.unwrap()?.data(), "seven");
///     assert_eq!((events.last_event_id(), events.reconnection_time()), ("7", Duration::from_millis(500)));
///     assert_eq!(events.next().await.unwrap()?.data(), "eight"); // from the next connection
///     events.close();
///     assert!(events.next().await.is_none());
///     Ok::<(), curio_http::Error>(())
/// }).unwrap();
/// assert_eq!(mock.requests()[1].header("last-event-id"), Some("7"));
/// ```
pub struct EventSource {
    shared: Rc<Shared>,
    /// Sent for each connection. `Err`: a mistake in it, until it is reported.
    request: Result<Box<Request>, Option<Error>>,
    state: State,
    last_id: String,
    reconnection_time: Duration,
    longest_pause: Duration,
    max_failures: Option<u32>,
    /// How many connections in a row brought no event.
    failures: u32,
}

enum State {
    Start,
    Connecting(ResponseFuture),
    Open(Box<Response>),
    Pausing(Pin<Box<Sleep>>),
    Over,
}

impl EventSource {
    pub(crate) fn new(shared: Rc<Shared>, request: Result<Box<Request>, Error>) -> EventSource {
        EventSource {
            shared,
            request: request.and_then(prepared).map_err(Some),
            state: State::Start,
            last_id: String::new(),
            reconnection_time: RECONNECTION_TIME,
            longest_pause: LONGEST_PAUSE,
            max_failures: None,
            failures: 0,
        }
    }

    /// Continues after the event with this id, which an earlier run of the program has stored.
    ///
    /// # Errors
    /// An id that cannot be sent in a header field is reported by the first [`next`](EventSource::next).
    pub fn after(mut self, id: impl Into<String>) -> EventSource {
        self.last_id = id.into();
        if let Err(error) = header_field(LAST_EVENT_ID, self.last_id.as_str()) {
            self.request = Err(Some(error));
        }
        self
    }

    /// How many connections in a row may bring no event before the last failure is the result. Without a limit by default; with
    /// 0, the first loss of the connection is the result.
    pub fn max_failures(mut self, n: u32) -> EventSource {
        self.max_failures = Some(n);
        self
    }

    /// The longest pause that is made because of failures. 60 s by default. If the server asks for a longer reconnection time, that
    /// is waited for all the same.
    pub fn longest_pause(mut self, limit: Duration) -> EventSource {
        self.longest_pause = limit;
        self
    }

    /// The next event; `None` when it has stopped, see [`EventSource`].
    ///
    /// # Cancellation
    /// If the future is dropped, nothing is lost: the next call continues.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The last event id that the server has sent; empty if there was none.
    pub fn last_event_id(&self) -> &str {
        &self.last_id
    }

    /// The reconnection time: 3 s until the server sends one.
    pub fn reconnection_time(&self) -> Duration {
        self.reconnection_time
    }

    /// Closes the connection, if there is one. There are no more events.
    pub fn close(&mut self) {
        self.state = State::Over;
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ServerEvent, Error>>> {
        loop {
            let stopped = match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Start => match self.connect() {
                    Ok(connecting) => {
                        self.state = State::Connecting(connecting);
                        continue;
                    }
                    Err(error) => Err(error),
                },
                State::Connecting(response) => match ready!(Pin::new(response).poll(cx)) {
                    Ok(response) if response.status() == StatusCode::NO_CONTENT => Ok(()),
                    Ok(response) => match check(&response) {
                        Ok(()) => {
                            let mut response = Box::new(response);
                            response.continue_events_after(&self.last_id);
                            self.state = State::Open(response);
                            continue;
                        }
                        Err(error) => Err(error),
                    },
                    Err(error) => match self.lost(Some(error)) {
                        Ok(()) => continue,
                        Err(error) => Err(error),
                    },
                },
                State::Open(response) => {
                    let mut events = response.iter_events();
                    let event = ready!(Pin::new(&mut events).poll_next(cx));
                    events.last_event_id().clone_into(&mut self.last_id);
                    self.reconnection_time = events.retry().unwrap_or(self.reconnection_time);
                    let lost = match event {
                        Some(Ok(event)) => {
                            self.failures = 0;
                            return Poll::Ready(Some(Ok(event)));
                        }
                        Some(Err(error)) => Some(error),
                        None => None,
                    };
                    match self.lost(lost) {
                        Ok(()) => continue,
                        Err(error) => Err(error),
                    }
                }
                State::Pausing(pause) => {
                    ready!(pause.as_mut().poll(cx));
                    self.state = State::Start;
                    continue;
                }
            };
            self.state = State::Over;
            return Poll::Ready(stopped.err().map(Err));
        }
    }

    fn connect(&mut self) -> Result<ResponseFuture, Error> {
        let request = match &mut self.request {
            Ok(request) => request,
            Err(mistake) => return Err(mistake.take().unwrap_or_else(cannot_be_repeated)),
        };
        let mut request = request.try_clone().ok_or_else(cannot_be_repeated)?;
        if !self.last_id.is_empty() {
            // The id is text of the server's: one that no field can carry is left out.
            match HeaderValue::from_bytes(self.last_id.as_bytes()) {
                Ok(id) => drop(request.headers_mut().insert(LAST_EVENT_ID, id)),
                Err(_) => drop(request.headers_mut().remove(LAST_EVENT_ID)),
            }
        }
        Ok(ResponseFuture::send(Rc::clone(&self.shared), Box::new(request)))
    }

    /// The connection is lost, or could not be made. Pauses, unless that is the end.
    fn lost(&mut self, error: Option<Error>) -> Result<(), Error> {
        if let Some(error) = error.as_ref().filter(|error| !may_pass(error.kind())) {
            return Err(error.repeat());
        }
        if self.max_failures.is_some_and(|most| self.failures >= most) {
            return Err(error.unwrap_or_else(|| {
                let what = "the server has ended the stream of events more often than max_failures allows";
                Error::new(ErrorKind::Body, what)
            }));
        }
        let pause = self.pause(random_u64());
        let note = |why: &str| format!("{why}: reconnecting in {:.1} s", pause.as_secs_f64());
        self.shared.settings.tracer.message(|| match &error {
            Some(error) => note(&error.to_string()),
            None => note("The stream of events has ended"),
        });
        self.failures = self.failures.saturating_add(1);
        self.state = State::Pausing(Box::pin(curio::sleep(pause)));
        Ok(())
    }

    /// `random` decides between the halves.
    fn pause(&self, random: u64) -> Duration {
        let least = self.reconnection_time.max(SHORTEST_PAUSE);
        let whole = doubled(least, self.failures, self.longest_pause.max(least));
        least + spread(whole - least, random)
    }
}

/// The fields that the standard wants, unless the caller has set them.
fn prepared(mut request: Box<Request>) -> Result<Box<Request>, Error> {
    if request.try_clone().is_none() {
        return Err(cannot_be_repeated().on(&request.method, &request.url));
    }
    let headers = request.headers_mut();
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    Ok(request)
}

fn cannot_be_repeated() -> Error {
    let what = "an event source sends its request for each connection, and this body can be sent only once: give it bytes or a \
                file";
    Error::new(ErrorKind::Request, what)
}

/// Whether it is a stream of events.
fn check(response: &Response) -> Result<(), Error> {
    if response.status() != StatusCode::OK {
        let what = format!("a stream of events was wanted, and the status is {}", response.status());
        return Err(response.located(Error::new(ErrorKind::Status, what)));
    }
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = kind.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"text/event-stream") {
        return Ok(());
    }
    let what = match kind {
        b"" => "a stream of events was wanted, and the response has no Content-Type".to_owned(),
        kind => {
            format!(
                "a stream of events was wanted, and the response is of the type {:?}",
                kind.escape_ascii().to_string()
            )
        }
    };
    Err(response.located(Error::new(ErrorKind::Protocol, what)))
}

/// Whether the next connection may fare better.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Dns
            | ErrorKind::Connect
            | ErrorKind::Proxy
            | ErrorKind::Send
            | ErrorKind::Timeout
            | ErrorKind::Protocol
            | ErrorKind::Body
    )
}

impl Stream for EventSource {
    type Item = Result<ServerEvent, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_event(cx)
    }
}

impl RequestBuilder {
    /// The server-sent events of this request, across connections: an [`EventSource`], which sends the request when it is asked
    /// for the first event, and again whenever the connection is lost. It has an `Accept` for events, and a `Cache-Control`,
    /// unless they are set.
    pub fn event_source(self) -> EventSource {
        EventSource::new(self.shared, self.request)
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("last_event_id", &self.last_id)
            .field("reconnection_time", &self.reconnection_time)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
