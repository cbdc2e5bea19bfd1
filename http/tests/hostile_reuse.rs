//! When a connection may carry another request, and everything that speaks against it.

mod hostile_support;

use curio_http::h1::{
    BodyLength, CloseReason, Connection, Event, Framing, Limits, LocalError, RemoteError, RequestHead,
};
use hostile_support::h1_support::{asked, asked_with, feed, get, headers, posting_five};
use hostile_support::{Then, answer, answer_then_eof, error_in, outcome};
use http::Method;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn start_again(connection: &mut Connection) -> Result<(), LocalError> {
    let headers = headers(&[("host", "example.com")]);
    let head = RequestHead { method: &Method::GET, target: "/again", headers: &headers };
    connection.start(&head, BodyLength::None, &mut Vec::new())
}

/// A connection that has been through one exchange and is idle again.
fn idle_again() -> Connection {
    let mut connection = get();
    feed(&mut connection, OK.as_bytes(), &mut Vec::new()).unwrap();
    assert!(connection.restart());
    connection
}

#[test]
fn a_connection_carries_one_exchange_after_another() {
    let mut connection = get();
    for _ in 0..3 {
        let mut events = Vec::new();
        feed(&mut connection, OK.as_bytes(), &mut events).unwrap();
        assert_eq!(events[1..], [Event::Data("ok".into()), Event::End { trailers: None }]);
        assert_eq!(connection.close_reason(), None);
        assert!(connection.restart());
        assert!(!connection.has_received_any() && connection.framing().is_none());
        start_again(&mut connection).unwrap();
    }
}

#[test]
fn case_060_bytes_after_the_end_of_a_body_close_the_connection() {
    for response in [OK, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"] {
        let outcome = answer(format!("{response}extra"));
        assert_eq!(outcome.close_reason, Some(CloseReason::ExtraBytes));
        assert_eq!(outcome.leftover, b"extra");
        assert_eq!(outcome.complete_body(), b"ok", "the body itself is right");
    }
}

#[test]
fn case_060_a_connection_with_bytes_left_over_does_not_restart() {
    let mut connection = get();
    feed(&mut connection, format!("{OK}{OK}").as_bytes(), &mut Vec::new()).unwrap();
    assert!(connection.is_done() && !connection.restart());
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
}

#[test]
fn bytes_of_a_response_that_is_still_coming_are_not_left_over() {
    let mut connection = get();
    for part in ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", "\r\n5\r\nhel", "lo\r\n0\r\nX: y\r\n"] {
        feed(&mut connection, part.as_bytes(), &mut Vec::new()).unwrap();
        assert_eq!(connection.close_reason(), None, "after {part:?}");
    }
    feed(&mut connection, b"\r\n", &mut Vec::new()).unwrap();
    assert!(connection.restart());
}

#[test]
fn case_061_a_response_that_nobody_asked_for_is_not_given_to_the_next_request() {
    let mut connection = idle_again();
    let mut events = Vec::new();
    assert_eq!(feed(&mut connection, OK.as_bytes(), &mut events), Err(RemoteError::Unsolicited));
    assert!(events.is_empty());
    assert_eq!(connection.close_reason(), Some(CloseReason::Failed));
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
}

#[test]
fn case_061_bytes_that_wait_on_an_idle_connection_are_noticed_when_a_request_starts() {
    let mut connection = idle_again();
    connection.space()[..3].copy_from_slice(b"HTT");
    connection.filled(3);
    assert_eq!(connection.close_reason(), Some(CloseReason::ExtraBytes));
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
    assert!(!connection.restart());
}

#[test]
fn case_062_a_stray_line_end_or_last_chunk_on_an_idle_connection_closes_it() {
    for stray in ["\r\n", "0\r\n\r\n", "\n", "\0"] {
        let error = feed(&mut idle_again(), stray.as_bytes(), &mut Vec::new());
        assert_eq!(error, Err(RemoteError::Unsolicited), "{stray:?}");
    }
}

#[test]
fn case_064_a_banner_before_the_first_request_is_not_its_response() {
    let mut connection = Connection::new();
    let timeout = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(feed(&mut connection, timeout, &mut Vec::new()), Err(RemoteError::Unsolicited));
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
}

#[test]
fn an_idle_connection_that_the_peer_closes_takes_no_request() {
    let mut connection = idle_again();
    connection.filled(0);
    assert_eq!(connection.next_event(), Ok(None));
    assert_eq!(connection.close_reason(), Some(CloseReason::PeerClosed));
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
    assert!(!connection.restart());
}

#[test]
fn a_second_request_before_the_response_is_done_is_refused() {
    let mut connection = get();
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
    feed(&mut connection, &OK.as_bytes()[..OK.len() - 1], &mut Vec::new()).unwrap();
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle));
    assert!(!connection.restart());
    feed(&mut connection, b"k", &mut Vec::new()).unwrap();
    assert_eq!(start_again(&mut connection), Err(LocalError::NotIdle), "before restart");
    assert!(connection.restart());
    assert_eq!(start_again(&mut connection), Ok(()));
}

#[test]
fn case_063_a_final_response_before_the_body_is_sent_is_returned() {
    for response in [
        "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 Who?\r\nContent-Length: 2\r\n\r\nno",
    ] {
        let outcome = outcome(posting_five, response.as_bytes(), Then::Open);
        assert_eq!(outcome.close_reason, Some(CloseReason::RequestUnfinished));
        assert_eq!(outcome.complete_body(), b"no");
    }
}

#[test]
fn case_063_an_early_response_does_not_close_if_the_body_is_sent_after_all() {
    let mut connection = posting_five();
    connection.body(b"he", &mut Vec::new()).unwrap();
    feed(&mut connection, OK.as_bytes(), &mut Vec::new()).unwrap();
    assert_eq!(connection.close_reason(), Some(CloseReason::RequestUnfinished));
    assert!(!connection.restart());
    connection.body(b"llo", &mut Vec::new()).unwrap();
    assert_eq!(connection.close_reason(), None);
    assert!(connection.restart());
}

#[test]
fn a_request_body_may_still_be_sent_while_the_response_comes() {
    let mut connection = posting_five();
    let (first, second) = OK.split_at(30);
    let mut events = Vec::new();
    feed(&mut connection, first.as_bytes(), &mut events).unwrap();
    connection.body(b"hello", &mut Vec::new()).unwrap();
    feed(&mut connection, second.as_bytes(), &mut events).unwrap();
    assert_eq!(events.len(), 3);
    assert!(connection.is_done() && connection.restart());
}

#[test]
fn a_request_body_that_broke_never_lets_the_connection_be_reused() {
    let mut connection = posting_five();
    connection.end(&mut Vec::new()).unwrap_err();
    feed(&mut connection, OK.as_bytes(), &mut Vec::new()).unwrap();
    assert!(connection.is_done());
    assert_eq!(connection.close_reason(), Some(CloseReason::RequestUnfinished));
    assert!(!connection.restart());
}

#[test]
fn case_069_a_final_status_in_place_of_100_leaves_the_framing_in_order() {
    let expecting = || {
        let mut connection = Connection::new();
        let headers = headers(&[("host", "a"), ("expect", "100-continue")]);
        let head = RequestHead { method: &Method::PUT, target: "/", headers: &headers };
        connection.start(&head, BodyLength::Known(5), &mut Vec::new()).unwrap();
        connection
    };
    let refused = outcome(expecting, b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno", Then::Open);
    assert_eq!((refused.status(), refused.close_reason), (417, Some(CloseReason::RequestUnfinished)));
    assert_eq!(refused.complete_body(), b"no");
    let invited = outcome(expecting, b"HTTP/1.1 100 Continue\r\n\r\n", Then::Open);
    assert_eq!((invited.interims(), invited.close_reason), (vec![100], None));
}

#[test]
fn case_066_a_100_that_nobody_expected_and_a_103_are_passed_by() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let outcome = answer(format!("{early}{OK}"));
    assert_eq!(outcome.interims(), [100, 103]);
    assert!(matches!(&outcome.events[1], Event::Interim(head) if head.headers()["link"] == "</a.css>"));
    assert_eq!((outcome.close_reason, outcome.complete_body()), (None, b"ok".to_vec()));
}

#[test]
fn case_067_endless_interim_responses_are_refused() {
    let many = |count| format!("{}{OK}", "HTTP/1.1 102 Processing\r\n\r\n".repeat(count));
    assert_eq!(answer(many(32)).complete_body(), b"ok");
    let outcome = answer(many(33));
    assert_eq!(outcome.interims().len(), 32);
    assert_eq!(outcome.into_error(), RemoteError::TooManyInterim { limit: 32 });
}

#[test]
fn case_067_a_connection_that_closes_after_an_interim_response_is_an_error() {
    let outcome = answer_then_eof("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(outcome.interims(), [100]);
    assert_eq!(outcome.into_error(), RemoteError::HeadCutOff { received: 0 });
}

#[test]
fn case_068_an_interim_response_has_no_body_whatever_it_says() {
    for fields in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"] {
        let outcome = answer(format!("HTTP/1.1 103 Early Hints\r\n{fields}\r\n{OK}"));
        assert_eq!((outcome.interims(), outcome.close_reason), (vec![103], None), "{fields:?}");
        assert_eq!(outcome.complete_body(), b"ok");
    }
}

#[test]
fn case_070_connection_close_is_honoured_in_any_case_and_place() {
    for fields in [
        "Connection: close\r\n",
        "connection: CLOSE\r\n",
        "Connection: keep-alive, Close\r\n",
        "Connection: x,close,y\r\n",
        "Connection: keep-alive\r\nConnection: close\r\n",
    ] {
        let outcome = answer(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok"));
        assert_eq!(outcome.close_reason, Some(CloseReason::PeerAsked), "{fields:?}");
        assert_eq!(outcome.complete_body(), b"ok");
    }
}

#[test]
fn case_070_only_the_word_close_closes() {
    for fields in
        ["Connection: keep-alive\r\n", "Connection: closed\r\n", "X: close\r\n", "Connection: \"close\"\r\n"]
    {
        let outcome = answer(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok"));
        assert_eq!(outcome.close_reason, None, "{fields:?}");
    }
}

#[test]
fn case_071_bytes_after_connection_close_are_ignored() {
    let outcome = answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok and more");
    assert_eq!(outcome.close_reason, Some(CloseReason::PeerAsked));
    assert_eq!(outcome.complete_body(), b"ok");
}

#[test]
fn a_request_that_says_close_closes() {
    let asked = || asked_with(Limits::default(), Method::GET, &[("connection", "TE, close")]);
    let outcome = outcome(asked, OK.as_bytes(), Then::Open);
    assert_eq!((outcome.close_reason, outcome.is_done), (Some(CloseReason::WeAsked), true));
}

#[test]
fn case_070_http_1_0_closes_unless_it_says_keep_alive() {
    for (fields, reason) in [
        ("", Some(CloseReason::Http10)),
        ("Connection: x, Keep-Alive\r\n", None),
        ("Connection: keep-alive\r\nConnection: close\r\n", Some(CloseReason::PeerAsked)),
    ] {
        let outcome = answer(format!("HTTP/1.0 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok"));
        assert_eq!((outcome.close_reason, outcome.complete_body()), (reason, b"ok".to_vec()), "{fields}");
    }
}

#[test]
fn case_065_a_101_that_nobody_asked_for_is_refused() {
    for protocol in ["websocket", "h2c"] {
        let head =
            format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n");
        assert_eq!(error_in(head), RemoteError::UnexpectedUpgrade, "{protocol}");
    }
}

fn offering_websocket() -> Connection {
    asked_with(Limits::default(), Method::GET, &[("connection", "upgrade"), ("upgrade", "websocket")])
}

#[test]
fn case_065_a_101_to_a_protocol_that_was_not_offered_is_refused() {
    for field in ["Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n", "", "Upgrade:\r\n"] {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\n{field}\r\n");
        let error = outcome(offering_websocket, head.as_bytes(), Then::Open).into_error();
        assert_eq!(error, RemoteError::UnexpectedUpgrade, "{field:?}");
    }
}

#[test]
fn a_101_that_was_asked_for_hands_over_the_first_bytes() {
    let mut connection = offering_websocket();
    let mut events = Vec::new();
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n\x81\x02hi";
    feed(&mut connection, answer, &mut events).unwrap();
    assert!(matches!(&events[..], [Event::Head(head)] if head.status == 101));
    assert!(connection.is_upgraded() && !connection.is_done());
    assert_eq!(connection.framing(), Some(Framing::Upgraded));
    assert_eq!(connection.close_reason(), Some(CloseReason::Upgraded));
    assert_eq!(connection.next_event(), Ok(None));
    assert!(!connection.restart());
    assert_eq!(connection.upgrade().as_deref(), Some(&b"\x81\x02hi"[..]));
}

#[test]
fn a_request_that_offers_an_upgrade_may_get_an_ordinary_response() {
    let outcome = outcome(offering_websocket, OK.as_bytes(), Then::Open);
    assert_eq!((outcome.close_reason, outcome.complete_body()), (None, b"ok".to_vec()));
    assert_eq!(get().upgrade(), None);
}

#[test]
fn an_upgrade_waits_for_the_request_to_be_complete() {
    let upgraded = |sent: &[u8]| {
        let mut connection = Connection::new();
        let headers = headers(&[("host", "a"), ("connection", "upgrade"), ("upgrade", "x")]);
        let head = RequestHead { method: &Method::POST, target: "/", headers: &headers };
        connection.start(&head, BodyLength::Known(5), &mut Vec::new()).unwrap();
        connection.body(sent, &mut Vec::new()).unwrap();
        feed(&mut connection, b"HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", &mut Vec::new()).unwrap();
        connection.upgrade()
    };
    assert_eq!(upgraded(b"hell"), None);
    assert_eq!(upgraded(b"hello").as_deref(), Some(&b""[..]));
}

#[test]
fn a_2xx_answer_to_connect_opens_a_tunnel_whatever_it_says() {
    for fields in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        for status in [200, 204, 299] {
            let mut connection = asked(Method::CONNECT);
            let head = format!("HTTP/1.1 {status} Fine\r\n{fields}\r\nhello");
            feed(&mut connection, head.as_bytes(), &mut Vec::new()).unwrap();
            assert!(connection.is_upgraded(), "{head:?}");
            assert_eq!(connection.upgrade().as_deref(), Some(&b"hello"[..]));
        }
    }
}

#[test]
fn a_refused_connect_is_an_ordinary_response() {
    let response = b"HTTP/1.1 407 Who?\r\nContent-Length: 2\r\n\r\nno";
    let outcome = outcome(|| asked(Method::CONNECT), response, Then::Open);
    assert_eq!((outcome.close_reason, outcome.complete_body()), (None, b"no".to_vec()));
}

#[test]
fn a_refused_connect_is_held_to_the_same_rules() {
    let refused = |fields: &str| {
        let response = format!("HTTP/1.1 407 Who?\r\n{fields}\r\n");
        outcome(|| asked(Method::CONNECT), response.as_bytes(), Then::Open).into_error()
    };
    assert_eq!(
        refused("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
        RemoteError::LengthAndEncoding
    );
    assert_eq!(refused("X: a\0b\r\n"), RemoteError::HeaderValue);
}

#[test]
fn whether_any_byte_has_come_is_known_from_the_first_one() {
    let mut connection = idle_again();
    start_again(&mut connection).unwrap();
    assert!(!connection.has_received_any());
    feed(&mut connection, b"H", &mut Vec::new()).unwrap();
    assert!(connection.has_received_any());
}

#[test]
fn every_close_reason_displays_as_one_clause() {
    for reason in [
        CloseReason::PeerAsked,
        CloseReason::WeAsked,
        CloseReason::Http10,
        CloseReason::CloseDelimited,
        CloseReason::RequestUnfinished,
        CloseReason::ExtraBytes,
        CloseReason::PeerClosed,
        CloseReason::Upgraded,
        CloseReason::Failed,
    ] {
        let text = reason.to_string();
        assert!(text.starts_with("the ") && !text.ends_with('.') && !text.contains('\n'), "{text}");
    }
}
