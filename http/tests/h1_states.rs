//! A walk along every edge of the two state machines, and a look at what each state refuses.

mod h1_support;

use curio_http::h1::{BodyLength, CloseReason, Connection, Event, LocalError, RemoteError, RequestHead};
use h1_support::{asked, feed, get, headers, posting_five};
use http::Method;

fn start(connection: &mut Connection, body: BodyLength) -> Result<(), LocalError> {
    let headers = headers(&[("host", "example.com")]);
    let head = RequestHead { method: &Method::POST, target: "/", headers: &headers };
    connection.start(&head, body, &mut Vec::new())
}

#[test]
fn a_new_connection_is_idle() {
    let mut connection = Connection::new();
    assert_eq!(connection.next_event(), Ok(None));
    assert_eq!((connection.close_reason(), connection.framing()), (None, None));
    assert!(!connection.is_done() && !connection.request_complete() && !connection.has_received_any());
    assert!(connection.restart(), "idle already");
}

#[test]
fn the_request_goes_from_idle_through_its_body_to_complete_and_back() {
    let mut connection = Connection::default();
    let mut out = Vec::new();
    start(&mut connection, BodyLength::Chunked).unwrap();
    assert!(!connection.request_complete());
    connection.body(b"x", &mut out).unwrap();
    assert!(!connection.request_complete());
    connection.end(&mut out).unwrap();
    assert!(connection.request_complete());
    connection.end(&mut out).unwrap();
    assert!(out.ends_with(b"x\r\n0\r\n\r\n"), "a second end writes nothing");
    feed(&mut connection, b"HTTP/1.1 204 OK\r\n\r\n", &mut Vec::new()).unwrap();
    assert!(connection.restart());
    assert!(!connection.request_complete());
    assert_eq!(connection.body(b"x", &mut out), Err(LocalError::NotStarted));
}

#[test]
fn the_response_goes_from_idle_through_head_and_body_to_done_and_back() {
    let mut connection = get();
    let mut events = Vec::new();
    feed(&mut connection, b"HTTP/1.1 102 Wait\r\n\r\n", &mut events).unwrap();
    feed(&mut connection, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", &mut events).unwrap();
    assert!(!connection.is_done());
    feed(&mut connection, b"o", &mut events).unwrap();
    feed(&mut connection, b"k", &mut events).unwrap();
    assert!(connection.is_done());
    assert!(matches!(
        &events[..],
        [Event::Interim(_), Event::Head(_), Event::Data(_), Event::End { trailers: None }]
    ));
    assert_eq!(connection.next_event(), Ok(None));
    assert!(connection.restart());
    assert!(!connection.is_done());
}

#[test]
fn the_response_goes_from_head_to_upgraded_and_stays() {
    let mut connection = asked(Method::CONNECT);
    feed(&mut connection, b"HTTP/1.1 200 Fine\r\n\r\n", &mut Vec::new()).unwrap();
    assert!(connection.is_upgraded());
    feed(&mut connection, b"HTTP/1.1 200 this is not HTTP any more\r\n\r\n", &mut Vec::new()).unwrap();
    assert!(connection.is_upgraded() && !connection.restart());
    assert_eq!(start(&mut connection, BodyLength::None), Err(LocalError::NotIdle));
}

/// A connection in each state of the response from which an error is possible, and bytes that cause one
/// there.
fn about_to_fail() -> Vec<(Connection, &'static [u8])> {
    let mut in_body = get();
    feed(&mut in_body, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &mut Vec::new()).unwrap();
    vec![(Connection::new(), b"x"), (get(), b"x"), (in_body, b"x"), (posting_five(), b"x")]
}

#[test]
fn an_error_is_final_in_every_state() {
    for (mut connection, bytes) in about_to_fail() {
        let error = feed(&mut connection, bytes, &mut Vec::new()).unwrap_err();
        let good = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(feed(&mut connection, good, &mut Vec::new()), Err(error.clone()));
        assert_eq!(connection.next_event(), Err(error));
        assert_eq!(connection.close_reason(), Some(CloseReason::Failed));
        assert!(!connection.restart() && !connection.is_done() && !connection.is_upgraded());
        assert_eq!(start(&mut connection, BodyLength::None), Err(LocalError::NotIdle));
        assert_eq!(connection.upgrade(), None);
    }
}

#[test]
fn what_came_before_an_error_is_not_lost() {
    let mut connection = get();
    let mut events = Vec::new();
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx";
    assert_eq!(feed(&mut connection, bytes, &mut events), Err(RemoteError::ChunkSize));
    assert!(matches!(&events[..], [Event::Head(_), Event::Data(data)] if data == "hello"));
}

#[test]
fn the_end_of_the_file_is_seen_after_the_bytes_before_it() {
    let mut connection = get();
    let bytes = b"HTTP/1.0 200 OK\r\n\r\nhello";
    connection.space()[..bytes.len()].copy_from_slice(bytes);
    connection.filled(bytes.len());
    connection.filled(0);
    assert!(matches!(connection.next_event(), Ok(Some(Event::Head(_)))));
    assert_eq!(connection.next_event(), Ok(Some(Event::Data("hello".into()))));
    assert_eq!(connection.next_event(), Ok(Some(Event::End { trailers: None })));
    assert_eq!(connection.next_event(), Ok(None));
}

#[test]
fn every_remote_error_displays_as_one_clause() {
    for error in [
        RemoteError::Unsolicited,
        RemoteError::EmptyReply,
        RemoteError::HeadCutOff { received: 3 },
        RemoteError::BodyCutOff { expected: 10, received: 3 },
        RemoteError::ChunkedBodyCutOff { received: 3 },
        RemoteError::NotHttp,
        RemoteError::LooksLikeTls,
        RemoteError::Version,
        RemoteError::StatusLine,
        RemoteError::Status { code: 9 },
        RemoteError::HeaderName,
        RemoteError::HeaderValue,
        RemoteError::LineEnd,
        RemoteError::HeadTooLarge { limit: 9 },
        RemoteError::TooManyHeaders { limit: 9 },
        RemoteError::TooManyInterim { limit: 9 },
        RemoteError::ConflictingLocations,
        RemoteError::UnexpectedUpgrade,
        RemoteError::ContentLength,
        RemoteError::ConflictingContentLengths,
        RemoteError::TransferEncoding,
        RemoteError::LengthAndEncoding,
        RemoteError::EncodingInHttp10,
        RemoteError::ChunkSize,
        RemoteError::ChunkTooLarge,
        RemoteError::ChunkLine,
        RemoteError::ChunkLineTooLong { limit: 9 },
        RemoteError::ChunkExtensionsTooLarge { limit: 9 },
        RemoteError::ChunkEnd,
        RemoteError::Trailer,
        RemoteError::TrailersTooLarge { limit: 9 },
        RemoteError::TooManyTrailers { limit: 9 },
    ] {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'), "{text}");
        assert!(!(error.is_cut_off() && error.is_too_large()));
        assert_eq!(error.is_too_large(), text.contains(" 9 "), "{text}");
    }
    assert_eq!(RemoteError::Status { code: 9 }.to_string(), "009 is not a status code");
}
