//! What the tests of the protocol core share: feeding it bytes in every cut, and comparing what comes out.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of this module")]

pub mod generated;
pub mod properties;

use std::mem;

use bytes::BytesMut;
use curio_http::h1::{
    BodyLength, CloseReason, Connection, Event, Framing, Limits, RemoteError, RequestHead, ResponseHead,
};
use http::Method;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};

/// What happens after the last byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// The connection stays open.
    Open,
    /// The peer closes it.
    Eof,
}

/// All that a connection made of some bytes, with neighbouring pieces of data joined.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    pub events: Vec<Event>,
    pub error: Option<RemoteError>,
    pub framing: Option<Framing>,
    pub close_reason: Option<CloseReason>,
    pub leftover: Vec<u8>,
    pub is_done: bool,
}

impl Outcome {
    pub fn interims(&self) -> Vec<u16> {
        let interim = |event: &Event| match event {
            Event::Interim(head) => Some(head.status.as_u16()),
            _ => None,
        };
        self.events.iter().filter_map(interim).collect()
    }

    pub fn head(&self) -> &ResponseHead {
        let head = self.events.iter().find_map(|event| match event {
            Event::Head(head) => Some(head),
            _ => None,
        });
        head.unwrap_or_else(|| panic!("no head in {self:?}"))
    }

    pub fn status(&self) -> u16 {
        self.head().status.as_u16()
    }

    pub fn body(&self) -> Vec<u8> {
        let data = |event: &Event| match event {
            Event::Data(data) => data.to_vec(),
            _ => Vec::new(),
        };
        self.events.iter().flat_map(data).collect()
    }

    pub fn trailers(&self) -> Option<&HeaderMap> {
        match self.events.last() {
            Some(Event::End { trailers }) => trailers.as_ref(),
            _ => panic!("no end in {self:?}"),
        }
    }

    /// Asserts that the response came to its end without an error, and returns its body.
    pub fn complete_body(&self) -> Vec<u8> {
        assert_eq!(self.error, None, "{self:?}");
        assert!(self.is_done && matches!(self.events.last(), Some(Event::End { .. })), "{self:?}");
        self.body()
    }

    pub fn into_error(self) -> RemoteError {
        assert_eq!(self.close_reason, Some(CloseReason::Failed));
        assert!(!self.is_done);
        self.error.clone().unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

pub fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// A connection on which a bodiless request has been sent, with these fields beside Host.
pub fn asked_with(limits: Limits, method: Method, fields: &[(&str, &str)]) -> Connection {
    let mut connection = Connection::with_limits(limits);
    let mut headers = headers(fields);
    headers.insert(HOST, HeaderValue::from_static("example.com"));
    let target = if method == Method::CONNECT { "example.com:443" } else { "/" };
    let head = RequestHead { method: &method, target, headers: &headers };
    connection.start(&head, BodyLength::None, &mut Vec::new()).unwrap();
    connection
}

pub fn asked(method: Method) -> Connection {
    asked_with(Limits::default(), method, &[])
}

pub fn get() -> Connection {
    asked(Method::GET)
}

/// A connection on which a POST with a body of five bytes has been announced, but none has been sent.
pub fn posting_five() -> Connection {
    let mut connection = Connection::new();
    let headers = headers(&[("host", "example.com")]);
    let head = RequestHead { method: &Method::POST, target: "/", headers: &headers };
    connection.start(&head, BodyLength::Known(5), &mut Vec::new()).unwrap();
    connection
}

/// Copies bytes into the connection as reads would, and collects the events after each.
pub fn feed(
    connection: &mut Connection,
    mut bytes: &[u8],
    events: &mut Vec<Event>,
) -> Result<(), RemoteError> {
    while !bytes.is_empty() {
        let space = connection.space();
        let n = bytes.len().min(space.len());
        space[..n].copy_from_slice(&bytes[..n]);
        bytes = &bytes[n..];
        connection.filled(n);
        drain(connection, events)?;
    }
    Ok(())
}

fn drain(connection: &mut Connection, events: &mut Vec<Event>) -> Result<(), RemoteError> {
    while let Some(event) = connection.next_event()? {
        match (events.last_mut(), event) {
            (_, Event::Data(piece)) if piece.is_empty() => panic!("an empty piece of data"),
            (Some(Event::Data(joined)), Event::Data(piece)) => {
                let mut both = BytesMut::from(mem::take(joined));
                both.extend_from_slice(&piece);
                *joined = both.freeze();
            }
            (_, event) => events.push(event),
        }
    }
    Ok(())
}

/// Feeds the pieces one after another, stopping at an error as a driver does.
pub fn receive<'a>(
    mut connection: Connection,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    then: Then,
) -> Outcome {
    let mut events = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| feed(&mut connection, piece, &mut events));
    }
    if then == Then::Eof && result.is_ok() {
        connection.filled(0);
        result = drain(&mut connection, &mut events);
    }
    if let Err(error) = &result {
        assert_eq!(connection.next_event(), Err(error.clone()), "an error is final");
    }
    Outcome {
        events,
        error: result.err(),
        framing: connection.framing(),
        close_reason: connection.close_reason(),
        leftover: if connection.is_done() { connection.leftover().to_vec() } else { Vec::new() },
        is_done: connection.is_done(),
    }
}

/// What the bytes come to in one piece; and asserts that one by one they come to the same.
pub fn outcome(connection: impl Fn() -> Connection, bytes: &[u8], then: Then) -> Outcome {
    let whole = receive(connection(), [bytes], then);
    let byte_by_byte = receive(connection(), bytes.chunks(1), then);
    assert_eq!(whole, byte_by_byte, "whole and byte by byte differ for {}", bytes.escape_ascii());
    whole
}

/// The answer to a GET after which the connection stays open.
pub fn answer(bytes: impl AsRef<[u8]>) -> Outcome {
    outcome(get, bytes.as_ref(), Then::Open)
}

/// The answer to a GET after which the server closes.
pub fn answer_then_eof(bytes: impl AsRef<[u8]>) -> Outcome {
    outcome(get, bytes.as_ref(), Then::Eof)
}

/// The error in the answer to a GET.
pub fn error_in(bytes: impl AsRef<[u8]>) -> RemoteError {
    answer(bytes).into_error()
}
