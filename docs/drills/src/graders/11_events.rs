//! Drill 11: server-sent events from HTTP without I/O.

use crate::{Check, reached};
use curio_http::h1::{BodyLength, Connection, RemoteError, RequestHead};
use curio_http::{HeaderMap, HeaderValue, Method};
use std::fmt::Write;

/// An event that a server has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSentEvent {
    /// What its `event` field says, or `message`.
    pub kind: String,
    /// The values of its `data` fields, with a line feed between two of them.
    pub data: String,
}

/// Bytes in, events out.
pub trait EventsDrill: 'static {
    /// On a connection whose request has been sent: what comes now is the response.
    fn new(connection: Connection) -> Self;
    /// Takes bytes that the server has sent. Empty ones are the end of the stream.
    fn feed(&mut self, bytes: &[u8]);
    /// The next event, or `None` if that needs more bytes, or the body has ended.
    ///
    /// # Errors
    /// What the protocol core says of a response that is not valid.
    fn next_event(&mut self) -> Result<Option<ServerSentEvent>, RemoteError>;
}

/// The checks, from the plainest on.
pub fn checks<E: EventsDrill>() -> Vec<Check> {
    vec![
        Check::new(
            "An empty line ends an event; `event` names its kind, and lines of `data` are joined.",
            fields::<E>,
        ),
        Check::new("Where the bytes are cut changes nothing.", any_cut::<E>),
        Check::new("Where the chunks of the body are cut changes nothing.", any_chunk::<E>),
        Check::new("LF, CR and CRLF each end one line, also if CRLF is cut in two.", line_ends::<E>),
        Check::new("Comments and unknown fields are ignored, and one space after the colon.", ignored::<E>),
        Check::new("An event without data is none, and so is one that the body cuts off.", no_event::<E>),
        Check::new("An error of the protocol is returned.", errors::<E>),
    ]
}

const TWO_EVENTS: &str = "event: price\ndata: ACME\ndata: 12 €\n\ndata: Grüße\n\n";

/// A response whose body has these chunks.
fn response<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in chunks {
        let mut size = String::new();
        let _ = write!(size, "{:x}\r\n", chunk.len());
        bytes.extend([size.as_bytes(), chunk, b"\r\n"].concat());
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

fn begin<E: EventsDrill>() -> E {
    let headers = HeaderMap::from_iter([(
        curio_http::HeaderName::from_static("host"),
        HeaderValue::from_static("a.example"),
    )]);
    let head = RequestHead { method: &Method::GET, target: "/prices", headers: &headers };
    let mut connection = Connection::new();
    connection.start(&head, BodyLength::None, &mut Vec::new()).expect("the request is valid");
    E::new(connection)
}

/// The events, as `kind: data`, of bytes that arrive in these pieces.
fn events<'p, E: EventsDrill>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<String> {
    let (mut reader, mut events) = (begin::<E>(), Vec::new());
    for piece in pieces {
        reader.feed(piece);
        while let Some(ServerSentEvent { kind, data }) = reader.next_event().expect("the response is valid") {
            events.push(format!("{kind}: {data}"));
            assert!(events.len() < 100, "the same bytes give one event after the other: {}", events[99]);
        }
    }
    events
}

/// The events of a body that arrives in one piece.
fn events_of_body<E: EventsDrill>(body: &str) -> Vec<String> {
    events::<E>([&*response([body.as_bytes()])])
}

async fn fields<E: EventsDrill>() {
    assert_eq!(events_of_body::<E>("data: one\n\n"), ["message: one"]);
    reached("an event with one line of data was read");
    assert_eq!(events_of_body::<E>(TWO_EVENTS), ["price: ACME\n12 €", "message: Grüße"]);
}

async fn any_cut<E: EventsDrill>() {
    let response = response([TWO_EVENTS.as_bytes()]);
    for cut in 1..response.len() {
        let (first, second) = response.split_at(cut);
        let found = events::<E>([first, second]);
        assert_eq!(found, ["price: ACME\n12 €", "message: Grüße"], "the second piece begins with byte {cut}");
        reached(&format!("the bytes may be cut before byte {cut}"));
    }
    assert_eq!(
        events::<E>(response.chunks(1)),
        ["price: ACME\n12 €", "message: Grüße"],
        "each byte is a piece"
    );
}

async fn any_chunk<E: EventsDrill>() {
    for size in 1..TWO_EVENTS.len() {
        let found = events::<E>([&*response(TWO_EVENTS.as_bytes().chunks(size))]);
        assert_eq!(
            found,
            ["price: ACME\n12 €", "message: Grüße"],
            "the chunks of the body have {size} bytes"
        );
        reached(&format!("the chunks of the body may have {size} bytes"));
    }
}

async fn line_ends<E: EventsDrill>() {
    for end in ["\n", "\r", "\r\n"] {
        let body = ["data: one", "data: two", "", "data: three", "", ""].join(end);
        let found = events_of_body::<E>(&body);
        assert_eq!(found, ["message: one\ntwo", "message: three"], "lines end with {end:?}");
        let found = events::<E>(response([body.as_bytes()]).chunks(1));
        assert_eq!(
            found,
            ["message: one\ntwo", "message: three"],
            "lines end with {end:?}, and each byte is a piece"
        );
        reached(&format!("lines may end with {end:?}"));
    }
}

async fn ignored<E: EventsDrill>() {
    let body = ": a comment\ndata:one\nid: 7\nfoo: bar\ndata:  two\ndata\n\n";
    assert_eq!(events_of_body::<E>(body), ["message: one\n two\n"]);
}

async fn no_event<E: EventsDrill>() {
    assert_eq!(events_of_body::<E>("event: price\n\n\n\ndata: one\n\n"), ["message: one"]);
    reached("an event without data was ignored, and its kind forgotten");
    assert_eq!(events_of_body::<E>("data: one\n\ndata: two\n"), ["message: one"]);
}

async fn errors<E: EventsDrill>() {
    let mut reader = begin::<E>();
    reader.feed(&response([b"data: one\n\n".as_slice()])[..90]);
    while reader.next_event().expect("so far the response is valid").is_some() {}
    reader.feed(b"");
    assert!(reader.next_event().is_err(), "the stream has ended in the middle of the body");
}
