//! What goes out: request heads and bodies, and everything that is refused before a byte of it has.

mod h1_support;

use curio_http::h1::{BodyLength, CloseReason, Connection, Limits, LocalError, RequestHead};
use h1_support::headers;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Starts a request on a fresh connection; the bytes of the head, or the error.
fn start(
    method: Method,
    target: &str,
    fields: &[(&str, &str)],
    body: BodyLength,
) -> Result<(Connection, String), LocalError> {
    let mut connection = Connection::new();
    let headers = headers(fields);
    let mut out = b"before ".to_vec();
    let head = RequestHead { method: &method, target, headers: &headers };
    match connection.start(&head, body, &mut out) {
        Ok(()) => {
            Ok((connection, String::from_utf8(out).unwrap().strip_prefix("before ").unwrap().to_owned()))
        }
        Err(error) => {
            assert_eq!(out, b"before ", "nothing of a refused request is written");
            assert_eq!(connection.close_reason(), None);
            assert!(connection.restart(), "a refused request leaves the connection idle");
            Err(error)
        }
    }
}

const HOST: (&str, &str) = ("host", "example.com");

fn head_of(method: Method, target: &str, fields: &[(&str, &str)], body: BodyLength) -> String {
    start(method, target, fields, body).unwrap().1
}

fn refusal(method: Method, target: &str, fields: &[(&str, &str)], body: BodyLength) -> LocalError {
    start(method, target, fields, body).map(|(_, head)| head).unwrap_err()
}

fn refusal_of_target(method: Method, target: &str) -> Result<(), LocalError> {
    start(method, target, &[HOST], BodyLength::None).map(drop)
}

#[test]
fn a_request_head_is_written_with_host_first() {
    let fields = [("accept", "*/*"), HOST, ("x-id", "7")];
    let head = head_of(Method::GET, "/a?b=c", &fields, BodyLength::None);
    assert_eq!(head, "GET /a?b=c HTTP/1.1\r\nhost: example.com\r\naccept: */*\r\nx-id: 7\r\n\r\n");
}

#[test]
fn a_field_with_several_values_is_written_once_for_each() {
    let head = head_of(Method::GET, "/", &[HOST, ("x-a", "1"), ("x-a", "2")], BodyLength::None);
    assert!(head.ends_with("x-a: 1\r\nx-a: 2\r\n\r\n"), "{head}");
}

#[test]
fn a_value_beyond_ascii_goes_out_as_its_bytes() {
    let mut headers = headers(&[HOST]);
    headers.insert("x-name", HeaderValue::from_bytes(b"caf\xe9").unwrap());
    let mut out = Vec::new();
    let head = RequestHead { method: &Method::GET, target: "/", headers: &headers };
    Connection::new().start(&head, BodyLength::None, &mut out).unwrap();
    assert!(out.ends_with(b"x-name: caf\xe9\r\n\r\n"));
}

#[test]
fn case_001_a_line_break_or_nul_cannot_get_into_a_header_value() {
    for value in ["a\r\nb", "a\rb", "a\nb", "a\0b", "a\r\n b", "\u{7f}"] {
        assert!(HeaderValue::from_str(value).is_err(), "{value:?}");
        assert!(HeaderValue::from_bytes(value.as_bytes()).is_err(), "{value:?}");
    }
}

#[test]
fn case_002_a_header_name_can_only_be_a_token() {
    for name in ["a\r\nb", "a\nb", "a:b", "a b", " a", "a ", "", "a\0", "ä", "a\tb"] {
        assert!(HeaderName::from_bytes(name.as_bytes()).is_err(), "{name:?}");
    }
}

#[test]
fn case_003_a_method_can_only_be_a_token() {
    for method in ["GET /evil", "GET\r\n", "GE\nT", "GE\0T", "", " GET", "G\u{e9}T"] {
        assert!(Method::from_bytes(method.as_bytes()).is_err(), "{method:?}");
    }
    assert!(
        head_of(Method::from_bytes(b"PURGE").unwrap(), "/", &[HOST], BodyLength::None)
            .starts_with("PURGE / ")
    );
}

#[test]
fn case_004_a_target_with_a_space_or_a_control_is_refused() {
    for target in ["/a b", "/a\r\nX: y", "/a\nb", "/a\rb", "/a\tb", "/a\0", "/\u{7f}", "", " /", "/ "] {
        assert_eq!(refusal_of_target(Method::GET, target), Err(LocalError::Target), "{target:?}");
    }
}

#[test]
fn case_008_a_target_beyond_ascii_or_with_a_fragment_is_refused() {
    for target in ["/bücher", "/a#b", "/#", "http://h#@evil/"] {
        assert_eq!(refusal_of_target(Method::GET, target), Err(LocalError::Target), "{target:?}");
    }
}

#[test]
fn each_method_has_its_forms_of_target() {
    for (method, target) in [
        (Method::GET, "/"),
        (Method::GET, "http://example.com/through/a/proxy"),
        (Method::OPTIONS, "*"),
        (Method::CONNECT, "example.com:443"),
        (Method::CONNECT, "[::1]:443"),
    ] {
        assert_eq!(refusal_of_target(method, target), Ok(()), "{target:?}");
    }
    for (method, target) in [
        (Method::GET, "*"),
        (Method::GET, "example.com:443"),
        (Method::GET, "path"),
        (Method::CONNECT, "/"),
        (Method::CONNECT, "example.com"),
        (Method::CONNECT, "[::1]"),
        (Method::CONNECT, "user@example.com:443"),
        (Method::CONNECT, "http://example.com:443"),
    ] {
        assert_eq!(refusal_of_target(method, target), Err(LocalError::Target), "{target:?}");
    }
}

#[test]
fn case_015_a_connect_target_takes_the_checks_of_any_other() {
    for target in ["a:443\r\nX: y", "a :443", "a\n:443", "a\0:443", "ä:443", ""] {
        assert_eq!(refusal_of_target(Method::CONNECT, target), Err(LocalError::Target), "{target:?}");
    }
}

#[test]
fn case_012_a_request_needs_exactly_one_host() {
    assert_eq!(refusal(Method::GET, "/", &[], BodyLength::None), LocalError::MissingHost);
    assert_eq!(refusal(Method::GET, "/", &[HOST, HOST], BodyLength::None), LocalError::DuplicateHost);
}

#[test]
fn case_012_a_host_that_is_empty_a_list_or_no_host_is_refused() {
    for host in ["", "a, b", "a,b", "a b", "a/b", "user@a", "a?b", "a#b", ":80", "a\tb"] {
        assert_eq!(
            refusal(Method::GET, "/", &[("host", host)], BodyLength::None),
            LocalError::Host,
            "{host:?}"
        );
    }
}

#[test]
fn a_host_may_be_a_name_or_an_address_with_a_port() {
    for host in ["a", "a.example:8080", "127.0.0.1:1", "[::1]:80", "a_b.example"] {
        let head = head_of(Method::GET, "/", &[("host", host)], BodyLength::None);
        assert!(head.contains(&format!("\r\nhost: {host}\r\n")), "{head}");
    }
}

#[test]
fn case_011_both_content_length_and_transfer_encoding_are_refused() {
    let fields = [HOST, ("content-length", "5"), ("transfer-encoding", "chunked")];
    for body in [BodyLength::None, BodyLength::Known(5), BodyLength::Chunked] {
        assert_eq!(refusal(Method::POST, "/", &fields, body), LocalError::LengthAndEncoding);
    }
}

#[test]
fn case_011_a_content_length_other_than_the_bodys_is_refused() {
    for length in ["4", "6", "+5", "5 ", "5, 5", "0x5", "", "99999999999999999999"] {
        let fields = [HOST, ("content-length", length)];
        assert_eq!(
            refusal(Method::POST, "/", &fields, BodyLength::Known(5)),
            LocalError::ContentLength,
            "{length:?}"
        );
    }
    let five = [HOST, ("content-length", "5")];
    assert_eq!(refusal(Method::POST, "/", &five, BodyLength::None), LocalError::ContentLength);
    assert_eq!(refusal(Method::POST, "/", &five, BodyLength::Chunked), LocalError::ContentLength);
    let twice = [HOST, ("content-length", "5"), ("content-length", "5")];
    assert_eq!(refusal(Method::POST, "/", &twice, BodyLength::Known(5)), LocalError::ContentLength);
}

#[test]
fn a_right_content_length_of_the_callers_is_written_once() {
    let head = head_of(Method::PUT, "/", &[HOST, ("content-length", "5")], BodyLength::Known(5));
    assert_eq!(head.matches("content-length").count(), 1);
    let head = head_of(Method::POST, "/", &[HOST, ("content-length", "0")], BodyLength::None);
    assert_eq!(head.matches("content-length: 0\r\n").count(), 1);
}

#[test]
fn case_011_a_transfer_encoding_that_is_not_how_the_body_is_sent_is_refused() {
    for coding in ["gzip", "gzip, chunked", "chunked, chunked", "identity", ""] {
        let fields = [HOST, ("transfer-encoding", coding)];
        assert_eq!(
            refusal(Method::POST, "/", &fields, BodyLength::Chunked),
            LocalError::TransferEncoding,
            "{coding:?}"
        );
    }
    let chunked = [HOST, ("transfer-encoding", "chunked")];
    assert_eq!(refusal(Method::POST, "/", &chunked, BodyLength::Known(5)), LocalError::TransferEncoding);
    assert_eq!(refusal(Method::POST, "/", &chunked, BodyLength::None), LocalError::TransferEncoding);
    let twice = [HOST, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
    assert_eq!(refusal(Method::POST, "/", &twice, BodyLength::Chunked), LocalError::TransferEncoding);
    let head = head_of(Method::POST, "/", &chunked, BodyLength::Chunked);
    assert_eq!(head.matches("transfer-encoding: chunked\r\n").count(), 1);
}

#[test]
fn case_016_a_get_without_a_body_says_nothing_about_a_body() {
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS, Method::TRACE] {
        for body in [BodyLength::None, BodyLength::Known(0)] {
            let (connection, head) = start(method.clone(), "/", &[HOST], body).unwrap();
            assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
            assert!(connection.request_complete());
        }
    }
}

#[test]
fn a_post_without_a_body_says_that_its_length_is_zero() {
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        for body in [BodyLength::None, BodyLength::Known(0)] {
            let (connection, head) = start(method.clone(), "/", &[HOST], body).unwrap();
            assert!(head.ends_with("\r\ncontent-length: 0\r\n\r\n"), "{head}");
            assert!(connection.request_complete());
        }
    }
}

#[test]
fn case_016_trace_and_connect_never_carry_a_body() {
    for (method, target) in [(Method::TRACE, "/"), (Method::CONNECT, "example.com:443")] {
        for body in [BodyLength::Known(1), BodyLength::Chunked] {
            assert_eq!(refusal(method.clone(), target, &[HOST], body), LocalError::BodyForbidden);
        }
        for field in [("content-length", "0"), ("transfer-encoding", "chunked")] {
            assert_eq!(
                refusal(method.clone(), target, &[HOST, field], BodyLength::None),
                LocalError::BodyForbidden
            );
        }
    }
}

#[test]
fn case_017_a_head_over_the_limit_is_refused() {
    let limits = Limits { request_head: 1000, ..Limits::default() };
    let many: HeaderMap = (0..100)
        .map(|n| (HeaderName::try_from(format!("x-{n}")).unwrap(), HeaderValue::from_static("some value")))
        .chain([(http::header::HOST, HeaderValue::from_static("a"))])
        .collect();
    let mut connection = Connection::with_limits(limits);
    let mut out = Vec::new();
    let head = RequestHead { method: &Method::GET, target: "/", headers: &many };
    let refused = connection.start(&head, BodyLength::None, &mut out);
    assert_eq!(refused, Err(LocalError::HeadTooLarge { limit: 1000 }));
    assert!(out.is_empty());
}

#[test]
fn a_body_of_known_length_goes_out_as_it_is() {
    let (mut connection, head) = start(Method::POST, "/", &[HOST], BodyLength::Known(5)).unwrap();
    assert!(head.ends_with("content-length: 5\r\n\r\n"));
    let mut out = Vec::new();
    connection.body(b"he", &mut out).unwrap();
    assert!(!connection.request_complete());
    connection.body(b"", &mut out).unwrap();
    connection.body(b"llo", &mut out).unwrap();
    assert!(connection.request_complete(), "the last byte completes it");
    connection.end(&mut out).unwrap();
    assert_eq!(out, b"hello");
}

#[test]
fn a_body_of_unknown_length_goes_out_in_chunks() {
    let (mut connection, head) = start(Method::POST, "/", &[HOST], BodyLength::Chunked).unwrap();
    assert!(head.ends_with("transfer-encoding: chunked\r\n\r\n"));
    let mut out = Vec::new();
    connection.body(b"hello", &mut out).unwrap();
    connection.body(&[b'x'; 26], &mut out).unwrap();
    assert!(!connection.request_complete());
    connection.end(&mut out).unwrap();
    assert!(connection.request_complete());
    assert_eq!(out, b"5\r\nhello\r\n1a\r\nxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
}

#[test]
fn an_empty_piece_does_not_end_a_chunked_body() {
    let (mut connection, _) = start(Method::POST, "/", &[HOST], BodyLength::Chunked).unwrap();
    let mut out = Vec::new();
    connection.body(b"", &mut out).unwrap();
    assert!(out.is_empty() && !connection.request_complete());
}

#[test]
fn case_013_a_body_longer_than_declared_is_never_sent() {
    let (mut connection, _) = start(Method::POST, "/", &[HOST], BodyLength::Known(5)).unwrap();
    let mut out = Vec::new();
    connection.body(b"hell", &mut out).unwrap();
    assert_eq!(connection.body(b"oh", &mut out), Err(LocalError::BodyTooLong { declared: 5 }));
    assert_eq!(out, b"hell", "nothing of the piece that goes over");
    assert_eq!(connection.body(b"o", &mut out), Err(LocalError::BodyBroken));
    assert_eq!(connection.end(&mut out), Err(LocalError::BodyBroken));
    assert_eq!(connection.close_reason(), Some(CloseReason::RequestUnfinished));
    assert!(!connection.request_complete());
}

#[test]
fn case_013_a_body_shorter_than_declared_closes_the_connection() {
    let (mut connection, _) = start(Method::POST, "/", &[HOST], BodyLength::Known(5)).unwrap();
    let mut out = Vec::new();
    connection.body(b"hell", &mut out).unwrap();
    assert_eq!(connection.end(&mut out), Err(LocalError::BodyTooShort { declared: 5, sent: 4 }));
    assert_eq!(connection.close_reason(), Some(CloseReason::RequestUnfinished));
}

#[test]
fn more_body_after_the_end_is_refused() {
    for body in [BodyLength::None, BodyLength::Known(1), BodyLength::Chunked] {
        let (mut connection, _) = start(Method::POST, "/", &[HOST], body).unwrap();
        let mut out = Vec::new();
        if body != BodyLength::None {
            connection.body(b"x", &mut out).unwrap();
        }
        connection.end(&mut out).unwrap();
        let before = out.clone();
        assert_eq!(connection.body(b"y", &mut out), Err(LocalError::BodyAfterEnd));
        assert_eq!(out, before);
        assert_eq!(connection.close_reason(), Some(CloseReason::RequestUnfinished));
    }
}

#[test]
fn a_body_before_a_request_is_refused() {
    let mut connection = Connection::new();
    let mut out = Vec::new();
    assert_eq!(connection.body(b"x", &mut out), Err(LocalError::NotStarted));
    assert_eq!(connection.end(&mut out), Err(LocalError::NotStarted));
    assert!(out.is_empty());
}

#[test]
fn a_large_declared_length_is_written_in_full() {
    let head = head_of(Method::PUT, "/", &[HOST], BodyLength::Known(u64::MAX));
    assert!(head.ends_with("content-length: 18446744073709551615\r\n\r\n"), "{head}");
}

#[test]
fn every_local_error_displays_as_one_clause() {
    for error in [
        LocalError::NotIdle,
        LocalError::NotStarted,
        LocalError::Target,
        LocalError::MissingHost,
        LocalError::DuplicateHost,
        LocalError::Host,
        LocalError::LengthAndEncoding,
        LocalError::ContentLength,
        LocalError::TransferEncoding,
        LocalError::BodyForbidden,
        LocalError::HeadTooLarge { limit: 1 },
        LocalError::BodyTooLong { declared: 5 },
        LocalError::BodyTooShort { declared: 5, sent: 4 },
        LocalError::BodyAfterEnd,
        LocalError::BodyBroken,
    ] {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'), "{text}");
    }
    let short = LocalError::BodyTooShort { declared: 5, sent: 4 };
    assert_eq!(short.to_string(), "the request body ended after 4 of the declared 5 bytes");
}
