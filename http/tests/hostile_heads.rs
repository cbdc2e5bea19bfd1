//! Status lines and header fields: what is taken, what is refused, and what is bounded. Every answer is tried whole, cut
//! at every place, byte by byte, and over a socket.

mod hostile_support;

use curio_http::h1::{Connection, Limits, RemoteError, Version};
use hostile_support::h1_support::{asked_with, get};
use hostile_support::{Then, answer, answer_then_eof, error_in, outcome};
use http::Method;

fn error_then_eof(bytes: impl AsRef<[u8]>) -> RemoteError {
    answer_then_eof(bytes).into_error()
}

fn with_limits(limits: Limits) -> impl Fn() -> Connection {
    move || asked_with(limits.clone(), Method::GET, &[])
}

#[test]
fn a_head_is_read_into_its_parts() {
    let outcome = answer(
        "HTTP/1.1 404 Not Found\r\nServer: tiny\r\nContent-Length:0\r\nX-Empty:\r\nX-Space: \t a b \t\r\n\r\n",
    );
    let head = outcome.head();
    assert_eq!((head.status.as_u16(), head.reason(), head.version), (404, "Not Found", Version::Http11));
    assert_eq!(head.headers()["server"], "tiny");
    assert_eq!(head.headers()["x-empty"], "");
    assert_eq!(head.headers()["x-space"], "a b", "white space around a value is not part of it");
    assert_eq!(outcome.complete_body(), b"");
}

#[test]
fn a_version_displays_as_it_is_spelled_on_the_wire() {
    assert_eq!((Version::Http10.to_string(), Version::Http11.as_str()), ("HTTP/1.0".to_owned(), "1.1"));
    assert_eq!(answer_then_eof("HTTP/1.0 200 OK\r\n\r\n").head().version, Version::Http10);
}

#[test]
fn a_field_that_is_repeated_keeps_its_values_in_order() {
    let outcome = answer("HTTP/1.1 204 No Content\r\nSet-Cookie: a=1\r\nX: y\r\nset-cookie: b=2\r\n\r\n");
    let cookies: Vec<_> = outcome.head().headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[test]
fn a_missing_reason_is_an_empty_one() {
    for line in ["HTTP/1.1 204\r\n\r\n", "HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 204\n\n"] {
        assert_eq!(answer(line).head().reason(), "", "{line:?}");
    }
}

#[test]
fn a_reason_beyond_ascii_is_taken_for_none() {
    assert_eq!(answer(b"HTTP/1.1 204 caf\xe9\r\n\r\n").head().reason(), "");
}

#[test]
fn case_018_a_version_that_is_missing_or_misspelled_is_refused() {
    for line in ["HTTP/1.1", "HTTP/01.1 200 OK", "HTTP/11.1 200 OK", "HTTP/1.01 200 OK", "HTTP/1.2 200 OK"] {
        assert_eq!(error_in(format!("{line}\r\n\r\n")), RemoteError::Version, "{line:?}");
    }
    assert_eq!(error_in("HTTP/1.1  200 OK\r\n\r\n"), RemoteError::StatusLine);
}

#[test]
fn case_019_an_http_2_status_line_is_refused() {
    assert_eq!(error_in("HTTP/2.0 200 OK\r\n\r\n"), RemoteError::Version);
    assert_eq!(error_in("HTTP/2 200\r\n\r\n"), RemoteError::Version);
    assert_eq!(error_in("HTTP/3 200\r\n\r\n"), RemoteError::Version);
    // A settings frame: what a server that speaks HTTP/2 only begins with.
    assert_eq!(
        error_in(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"),
        RemoteError::NotHttp
    );
}

#[test]
fn case_019_http_2_after_an_interim_response_is_refused() {
    let outcome = answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/2.0 200 OK\r\n\r\n");
    assert_eq!(outcome.interims(), [100]);
    assert_eq!(outcome.into_error(), RemoteError::Version);
}

#[test]
fn case_020_a_body_without_a_head_is_refused() {
    for body in
        ["<html>hello</html>", "hello world, this is HTTP/0.9\r\n", "220 mail.example ESMTP\r\n", "{}"]
    {
        assert_eq!(error_in(body), RemoteError::NotHttp, "{body:?}");
    }
}

#[test]
fn case_018_the_protocols_name_is_in_capitals() {
    assert_eq!(error_in("http/1.1 200 OK\r\n\r\n"), RemoteError::NotHttp);
    assert_eq!(error_in(" HTTP/1.1 200 OK\r\n\r\n"), RemoteError::NotHttp);
}

#[test]
fn case_021_a_status_that_is_not_three_digits_is_refused() {
    for status in ["1000", "-1", "-12", "20x", "2 0", "20", "2", "", "x00", "200x", "+20"] {
        assert_eq!(error_in(format!("HTTP/1.1 {status}\r\n\r\n")), RemoteError::StatusLine, "{status:?}");
        assert_eq!(error_in(format!("HTTP/1.1 {status} OK\r\n\r\n")), RemoteError::StatusLine, "{status:?}");
    }
}

#[test]
fn case_021_a_status_below_100_is_refused() {
    assert_eq!(error_in("HTTP/1.1 000 OK\r\n\r\n"), RemoteError::Status { code: 0 });
    assert_eq!(error_in("HTTP/1.1 099 OK\r\n\r\n"), RemoteError::Status { code: 99 });
}

#[test]
fn case_021_a_status_from_600_to_999_is_passed_on() {
    for status in [600, 799, 999] {
        let outcome = answer(format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 2\r\n\r\nok"));
        assert_eq!((outcome.status(), outcome.complete_body()), (status, b"ok".to_vec()));
    }
}

#[test]
fn case_022_a_reason_of_100_kb_is_refused_at_the_limit() {
    let line = format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(100_000));
    assert_eq!(error_in(line), RemoteError::HeadTooLarge { limit: 64 * 1024 });
}

#[test]
fn case_022_a_header_of_100_kb_is_refused_at_the_limit() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert_eq!(error_in(head), RemoteError::HeadTooLarge { limit: 64 * 1024 });
}

#[test]
fn case_022_a_head_may_be_as_long_as_the_limit_and_no_longer() {
    let head = "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n";
    let exact = with_limits(Limits { head: head.len(), ..Limits::default() });
    assert_eq!(outcome(exact, head.as_bytes(), Then::Open).status(), 204);
    let less = with_limits(Limits { head: head.len() - 1, ..Limits::default() });
    let error = outcome(less, head.as_bytes(), Then::Open).into_error();
    assert_eq!(error, RemoteError::HeadTooLarge { limit: head.len() - 1 });
}

#[test]
fn bytes_of_the_body_do_not_count_as_head() {
    let limits = Limits { head: 50, ..Limits::default() };
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n{}", "x".repeat(3000));
    assert_eq!(outcome(with_limits(limits), response.as_bytes(), Then::Open).complete_body().len(), 3000);
}

#[test]
fn case_023_ten_thousand_small_headers_are_refused_at_the_limit() {
    let head = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a:b\r\n".repeat(10_000));
    assert!(head.len() < 64 * 1024, "it is the count that is refused");
    assert_eq!(error_in(head), RemoteError::TooManyHeaders { limit: 128 });
}

#[test]
fn case_023_there_may_be_as_many_headers_as_the_limit_and_no_more() {
    let with = |count| format!("HTTP/1.1 204 No Content\r\n{}\r\n", "a:b\r\n".repeat(count));
    assert_eq!(answer(with(128)).head().headers().get_all("a").iter().count(), 128);
    assert_eq!(error_in(with(129)), RemoteError::TooManyHeaders { limit: 128 });
    let generous = with_limits(Limits { headers: 1000, ..Limits::default() });
    let head = outcome(&generous, with(1000).as_bytes(), Then::Open);
    assert_eq!(head.head().headers().len(), 1000);
    let error = outcome(&generous, with(1001).as_bytes(), Then::Open).into_error();
    assert_eq!(error, RemoteError::TooManyHeaders { limit: 1000 });
}

#[test]
fn more_fields_than_a_map_can_hold_are_refused_with_the_head() {
    let limits = Limits { head: 1 << 20, headers: 30_000, ..Limits::default() };
    let head = format!("HTTP/1.1 204 No Content\r\n{}\r\n", "a:b\r\n".repeat(25_000));
    let error = outcome(with_limits(limits), head.as_bytes(), Then::Open).into_error();
    assert_eq!(error, RemoteError::TooManyHeaders { limit: 30_000 });
}

#[test]
fn limits_may_be_as_large_as_a_number_can_be() {
    let limits = Limits { head: usize::MAX, headers: usize::MAX, ..Limits::default() };
    assert_eq!(outcome(with_limits(limits), b"HTTP/1.1 204 OK\r\na:b\r\n\r\n", Then::Open).status(), 204);
}

#[test]
fn case_025_a_nul_or_another_control_in_a_value_is_refused() {
    for byte in (0_u8..=8).chain(11..=12).chain(14..=31).chain([127]) {
        let head = [b"HTTP/1.1 200 OK\r\nX: a", &[byte][..], b"b\r\n\r\n"].concat();
        assert_eq!(error_in(head), RemoteError::HeaderValue, "{byte}");
    }
}

#[test]
fn case_025_a_nul_in_the_status_line_is_refused() {
    assert_eq!(error_in("HTTP/1.1 200 O\0K\r\n\r\n"), RemoteError::StatusLine);
}

#[test]
fn case_025_a_carriage_return_without_its_line_feed_is_refused() {
    for head in [
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX:\ra\r\n\r\n",
    ] {
        assert_eq!(error_in(head), RemoteError::HeaderValue, "{head:?}");
    }
    assert_eq!(error_in("HTTP/1.1 200 OK\rX: a\r\n\r\n"), RemoteError::StatusLine);
    assert_eq!(error_in("HTTP/1.1 200 OK\r\nX: a\r\n\rX\r\n\r\n"), RemoteError::LineEnd);
}

#[test]
fn case_026_a_line_without_a_colon_is_refused() {
    assert_eq!(error_in("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), RemoteError::HeaderName);
    assert_eq!(error_in("HTTP/1.1 200 OK\r\nnocolon\r\n\r\n"), RemoteError::HeaderName);
}

#[test]
fn case_027_a_space_before_the_colon_is_refused() {
    for line in ["Content-Length : 5", "Content-Length\t: 5", "Transfer-Encoding : chunked"] {
        assert_eq!(
            error_in(format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n")),
            RemoteError::HeaderName,
            "{line:?}"
        );
    }
}

#[test]
fn a_name_that_is_no_token_is_refused() {
    for line in [": empty", "a b: c", "a\0: c", "(a): c", "\"a\": b"] {
        assert_eq!(
            error_in(format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n")),
            RemoteError::HeaderName,
            "{line:?}"
        );
    }
    assert_eq!(error_in(b"HTTP/1.1 200 OK\r\nna\xefve: c\r\n\r\n"), RemoteError::HeaderName);
}

/// RFC 9112 §5.2: a user agent replaces each fold by blanks before it looks at the value. curl 7.88 does (but refuses a folded
/// Content-Length); requests keeps the line break in the value.
#[test]
fn case_028_a_folded_line_is_unfolded_with_a_blank() {
    for (lines, value) in [
        ("X: a\r\n b", "a b"),
        ("X: a \t\r\n\t  b", "a b"),
        ("X: a\n b", "a b"),
        ("X: a\r\n b: c\r\n\td  ", "a b: c d"),
        ("X:\r\n a", "a"),
        ("X: a\r\n \r\n b", "a b"),
        ("X: a\r\n ", "a"),
        ("X:\r\n \r\n\t", ""),
        ("X: caf\u{e9}\r\n \u{e9}", "caf\u{e9} \u{e9}"),
    ] {
        for (before, after) in [("", ""), ("A: 1\r\n", "\r\nB: 2")] {
            let head = format!("HTTP/1.1 204 OK\r\n{before}{lines}{after}\r\n\r\n");
            let outcome = answer(&head);
            assert_eq!(outcome.head().headers()["x"], value.as_bytes(), "{head:?}");
            assert_eq!(outcome.head().headers().len(), if before.is_empty() { 1 } else { 3 }, "{head:?}");
            assert_eq!(outcome.head().as_bytes(), head.as_bytes(), "the head itself is as it came");
        }
    }
}

#[test]
fn case_028_a_folded_field_that_frames_the_body_has_its_unfolded_value() {
    let outcome = answer("HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nok");
    assert_eq!(outcome.complete_body(), b"ok");
    let outcome = answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: \r\n\tchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    assert_eq!(outcome.complete_body(), b"ok");
    assert_eq!(error_in("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n"), RemoteError::ContentLength);
    assert_eq!(
        error_in("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n x\r\n\r\n"),
        RemoteError::TransferEncoding
    );
}

#[test]
fn case_028_a_fold_before_the_first_field_or_around_a_control_is_refused() {
    assert_eq!(error_in("HTTP/1.1 200 OK\r\n X: before the first\r\n\r\n"), RemoteError::HeaderName);
    for fold in ["\r\r\n b", "\r b", "\r\n \0", "\r\n b\r c"] {
        let error = error_in(format!("HTTP/1.1 200 OK\r\nX: a{fold}\r\n\r\n"));
        assert_eq!(error, RemoteError::HeaderValue, "{fold:?}");
    }
}

#[test]
fn case_028_folds_do_not_get_around_the_limit_of_a_head() {
    let head = format!("HTTP/1.1 200 OK\r\nX: a\r\n{}\r\n", " b\r\n".repeat(20_000));
    assert_eq!(error_in(head), RemoteError::HeadTooLarge { limit: 64 * 1024 });
    let head = format!("HTTP/1.1 204 OK\r\nX: a\r\n{}\r\n", " b\r\n".repeat(15_000));
    assert_eq!(answer(head).head().headers()["x"].len(), 30_001);
}

#[test]
fn case_029_a_bare_line_feed_ends_a_line_of_the_head() {
    for head in [
        "HTTP/1.1 200 OK\nContent-Length: 2\nX: y\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\nX: y\r\n\n",
        "HTTP/1.1 200 OK\nContent-Length: 2\r\nX: y\n\r\n",
    ] {
        let outcome = answer(format!("{head}ok"));
        assert_eq!(outcome.head().headers()["x"], "y");
        assert_eq!(outcome.complete_body(), b"ok", "{head:?}");
    }
}

#[test]
fn case_030_one_empty_line_before_the_status_line_is_skipped() {
    let outcome = answer("\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(outcome.complete_body(), b"ok");
    let after_interim = answer("\r\nHTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!((after_interim.interims(), after_interim.status()), (vec![100], 204));
}

#[test]
fn case_030_a_second_empty_line_before_the_status_line_is_refused() {
    for lines in ["\r\n\r\n", "\n", "\r\n\n", "\r\r\n"] {
        assert_eq!(error_in(format!("{lines}HTTP/1.1 200 OK\r\n\r\n")), RemoteError::NotHttp, "{lines:?}");
    }
}

#[test]
fn case_031_endless_empty_lines_are_refused_at_once() {
    let mut connection = get();
    connection.space()[..4].copy_from_slice(b"\r\n\r\n");
    connection.filled(4);
    assert_eq!(connection.next_event(), Err(RemoteError::NotHttp));
}

#[test]
fn case_033_a_value_beyond_ascii_is_kept_as_its_bytes() {
    let outcome = answer(b"HTTP/1.1 204 No Content\r\nX: caf\xe9 \x80\xff\r\n\r\n");
    let value = &outcome.head().headers()["x"];
    assert_eq!(value.as_bytes(), b"caf\xe9 \x80\xff");
    assert!(value.to_str().is_err());
}

#[test]
fn case_034_two_different_locations_are_refused() {
    let head = "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(error_in(head), RemoteError::ConflictingLocations);
}

/// curl and requests look at a Location only to follow it.
#[test]
fn case_034_two_different_locations_that_lead_nowhere_are_two_values() {
    for status in ["200 OK", "201 Created", "304 Not Modified", "404 Not Found"] {
        let head = format!("HTTP/1.1 {status}\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
        let outcome = answer(head);
        let values: Vec<_> = outcome.head().headers().get_all("location").iter().collect();
        assert_eq!(values, ["/a", "/b"], "{status}");
    }
    for status in [301, 302, 303, 307, 308] {
        let head =
            format!("HTTP/1.1 {status} X\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(error_in(head), RemoteError::ConflictingLocations, "{status}");
    }
}

#[test]
fn case_034_two_equal_locations_are_one() {
    let head = "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answer(head).head().headers()["location"], "/a");
}

#[test]
fn case_035_a_connection_that_closes_without_a_byte_is_an_empty_reply() {
    assert_eq!(error_then_eof(""), RemoteError::EmptyReply);
}

#[test]
fn case_035_a_connection_that_closes_inside_the_head_says_how_far_it_came() {
    for head in
        ["H", "HTTP/1.", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nX: y\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n\r"]
    {
        assert_eq!(error_then_eof(head), RemoteError::HeadCutOff { received: head.len() }, "{head:?}");
    }
    assert_eq!(error_then_eof("\r"), RemoteError::HeadCutOff { received: 1 });
    assert_eq!(error_then_eof("\r\n"), RemoteError::HeadCutOff { received: 0 });
}

#[test]
fn a_mistake_in_a_head_that_is_cut_off_is_what_is_reported() {
    assert_eq!(error_then_eof("HTTP/1.1 200 OK\r\nno colon\r\nX: y\r\n"), RemoteError::HeaderName);
}

#[test]
fn case_036_a_server_that_answers_in_tls_is_told_apart() {
    // An alert and the beginning of a handshake record.
    assert_eq!(error_in(b"\x15\x03\x01\x00\x02\x02\x46"), RemoteError::LooksLikeTls);
    assert_eq!(error_in(b"\x16\x03\x03\x00\x5a\x02\x00"), RemoteError::LooksLikeTls);
    assert!(RemoteError::LooksLikeTls.to_string().contains("TLS"));
}
