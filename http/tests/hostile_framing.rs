//! Where a body ends: lengths, codings, responses without a body, and bodies that are cut off.

mod hostile_support;

use curio_http::h1::{CloseReason, Framing, RemoteError};
use hostile_support::h1_support::{asked, feed, get};
use hostile_support::{Then, answer, answer_then_eof, error_in, outcome};
use http::Method;

fn response(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}")
}

#[test]
fn a_body_ends_where_its_length_says() {
    let outcome = answer(response("Content-Length: 5\r\n", "hello"));
    assert_eq!((outcome.framing, outcome.complete_body()), (Some(Framing::Length(5)), b"hello".to_vec()));
}

#[test]
fn case_037_a_length_that_is_not_digits_alone_is_refused() {
    for length in ["-1", "-0", "+5", "0x5", "5 6", "5x", "", " ", "5_0", "5.0", "1e3", "٣", "5;", "\"5\""] {
        let response = response(&format!("Content-Length: {length}\r\n"), "hello");
        assert_eq!(error_in(response), RemoteError::ContentLength, "{length:?}");
    }
}

#[test]
fn case_037_a_length_beyond_2_to_the_63_is_refused() {
    for length in ["9223372036854775808", "18446744073709551615", "18446744073709551621", &"9".repeat(400)] {
        let response = response(&format!("Content-Length: {length}\r\n"), "hello");
        assert_eq!(error_in(response), RemoteError::ContentLength, "{length:?}");
    }
    let largest = answer(response("Content-Length: 9223372036854775807\r\n", ""));
    assert_eq!((largest.error, largest.framing), (None, Some(Framing::Length(9_223_372_036_854_775_807))));
}

#[test]
fn case_038_lengths_that_disagree_are_refused() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 42, 30\r\n",
        "Content-Length: 5\r\nX: y\r\ncontent-length: 5, 6\r\n",
    ] {
        assert_eq!(
            error_in(response(fields, "hello!")),
            RemoteError::ConflictingContentLengths,
            "{fields:?}"
        );
    }
}

#[test]
fn case_038_lengths_that_agree_are_one() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5,5 ,\t5\r\n",
    ] {
        assert_eq!(answer(response(fields, "hello")).complete_body(), b"hello", "{fields:?}");
    }
}

#[test]
fn case_038_a_list_of_lengths_with_a_hole_is_refused() {
    for length in ["5,", ",5", "5,,5", ","] {
        let response = response(&format!("Content-Length: {length}\r\n"), "hello");
        assert_eq!(error_in(response), RemoteError::ContentLength, "{length:?}");
    }
}

#[test]
fn case_039_a_length_beside_a_transfer_encoding_is_refused() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    ] {
        assert_eq!(
            error_in(response(fields, "5\r\nhello\r\n0\r\n\r\n")),
            RemoteError::LengthAndEncoding,
            "{fields:?}"
        );
    }
}

#[test]
fn case_040_a_coding_other_than_exactly_chunked_is_refused() {
    for coding in [
        "chunked, identity",
        "identity, chunked",
        "chunked, chunked",
        "chunkedchunked",
        "xchunked",
        "chunked;q=1",
        "chunked,",
        "identity",
        "",
        "\"chunked\"",
        "chun ked",
    ] {
        let response = response(&format!("Transfer-Encoding: {coding}\r\n"), "5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(error_in(response), RemoteError::TransferEncoding, "{coding:?}");
    }
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(error_in(response(twice, "0\r\n\r\n")), RemoteError::TransferEncoding);
}

#[test]
fn case_041_a_coding_that_nobody_asked_for_is_refused() {
    for coding in ["gzip, chunked", "gzip", "deflate, chunked", "br"] {
        let response = response(&format!("Transfer-Encoding: {coding}\r\n"), "0\r\n\r\n");
        assert_eq!(error_in(response), RemoteError::TransferEncoding, "{coding:?}");
    }
    let on_two_lines = "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(error_in(response(on_two_lines, "0\r\n\r\n")), RemoteError::TransferEncoding);
}

#[test]
fn case_040_chunked_is_known_in_any_case() {
    for coding in ["chunked", "Chunked", "CHUNKED"] {
        let outcome =
            answer(response(&format!("Transfer-Encoding: {coding}\r\n"), "5\r\nhello\r\n0\r\n\r\n"));
        assert_eq!((outcome.framing, outcome.complete_body()), (Some(Framing::Chunked), b"hello".to_vec()));
    }
}

#[test]
fn case_042_a_transfer_encoding_in_http_1_0_is_refused() {
    let response = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(error_in(response), RemoteError::EncodingInHttp10);
}

#[test]
fn case_053_a_body_short_of_its_length_is_an_error_with_both_numbers() {
    let outcome = answer_then_eof(response("Content-Length: 10\r\n", "hell"));
    assert_eq!(outcome.body(), b"hell", "what came can still be had");
    let error = outcome.into_error();
    assert_eq!(error, RemoteError::BodyCutOff { expected: 10, received: 4 });
    assert_eq!(error.to_string(), "the connection closed after 4 of 10 bytes of the body");
    assert!(error.is_cut_off());
}

#[test]
fn case_055_a_body_without_a_length_ends_with_the_connection() {
    let outcome = answer_then_eof(response("", "hello"));
    assert_eq!(
        (outcome.framing, outcome.close_reason),
        (Some(Framing::UntilClose), Some(CloseReason::CloseDelimited))
    );
    assert_eq!(outcome.complete_body(), b"hello");
    assert_eq!(answer_then_eof(response("", "")).complete_body(), b"");
}

#[test]
fn a_body_without_a_length_is_not_over_while_the_connection_is_open() {
    let outcome = answer(response("", "hello"));
    assert_eq!((outcome.body(), outcome.is_done, outcome.error), (b"hello".to_vec(), false, None));
}

#[test]
fn case_056_a_framed_body_needs_no_end_of_the_connection() {
    assert_eq!(answer(response("Content-Length: 2\r\n", "ok")).close_reason, None);
    let closed = answer_then_eof(response("Content-Length: 2\r\n", "ok"));
    assert_eq!(closed.close_reason, Some(CloseReason::PeerClosed));
    assert_eq!(closed.complete_body(), b"ok");
}

#[test]
fn case_057_a_length_of_a_petabyte_takes_no_memory() {
    let mut connection = get();
    let head = response("Content-Length: 1000000000000000\r\n", "x");
    feed(&mut connection, head.as_bytes(), &mut Vec::new()).unwrap();
    assert!(connection.space().len() <= 64 * 1024);
}

/// A response to HEAD, or with a status that excludes a body, whatever its fields announce.
fn without_body() -> Vec<(Method, String)> {
    let fields = [
        "",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ];
    fields
        .iter()
        .flat_map(|fields| {
            [
                (Method::HEAD, format!("HTTP/1.1 200 OK\r\n{fields}\r\n")),
                (Method::GET, format!("HTTP/1.1 204 No Content\r\n{fields}\r\n")),
                (Method::GET, format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n")),
            ]
        })
        .collect()
}

#[test]
fn case_058_an_answer_to_head_a_204_and_a_304_have_no_body_whatever_they_say() {
    for (method, response) in without_body() {
        let outcome = outcome(|| asked(method.clone()), response.as_bytes(), Then::Open);
        assert_eq!(outcome.framing, Some(Framing::Empty), "{response:?}");
        assert_eq!(outcome.close_reason, None, "the next response is in step: {response:?}");
        assert_eq!(outcome.complete_body(), b"");
    }
}

#[test]
fn case_059_a_body_after_a_response_that_has_none_closes_the_connection() {
    for (method, response) in without_body() {
        let with_body = format!("{response}hello");
        let outcome = outcome(|| asked(method.clone()), with_body.as_bytes(), Then::Open);
        assert_eq!(outcome.close_reason, Some(CloseReason::ExtraBytes), "{response:?}");
        assert_eq!(outcome.leftover, b"hello");
        assert_eq!(outcome.complete_body(), b"");
    }
}

#[test]
fn a_205_may_have_a_body_of_length_zero() {
    assert_eq!(answer("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n").complete_body(), b"");
}
