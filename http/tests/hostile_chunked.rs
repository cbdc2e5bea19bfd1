//! The chunked coding and its trailers: strict in every byte, bounded in every part.

mod hostile_support;

use curio_http::h1::{Connection, Limits, RemoteError};
use hostile_support::h1_support::{Outcome, asked_with, get};
use hostile_support::{Then, answer, answer_then_eof, error_in, outcome};
use http::Method;

const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunked(body: &str) -> Outcome {
    answer(format!("{HEAD}{body}"))
}

fn error_in_chunked(body: &str) -> RemoteError {
    error_in(format!("{HEAD}{body}"))
}

fn with_limits(limits: Limits) -> impl Fn() -> Connection {
    move || asked_with(limits.clone(), Method::GET, &[])
}

#[test]
fn chunks_are_joined() {
    assert_eq!(chunked("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n").complete_body(), b"hello world");
}

#[test]
fn a_size_is_hexadecimal_in_either_case() {
    let data = "x".repeat(0xAB);
    assert_eq!(chunked(&format!("aB\r\n{data}\r\n0\r\n\r\n")).complete_body().len(), 0xAB);
}

#[test]
fn data_may_look_like_anything() {
    assert_eq!(chunked("7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n").complete_body(), b"0\r\n\r\n\r\n");
}

#[test]
fn data_goes_out_before_its_chunk_is_complete() {
    let outcome = chunked("a\r\nhello");
    assert_eq!((outcome.body(), outcome.error, outcome.is_done), (b"hello".to_vec(), None, false));
}

#[test]
fn case_043_a_size_that_overflows_is_refused() {
    for size in ["10000000000000000", "FFFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFF", "8000000000000000"] {
        assert_eq!(error_in_chunked(&format!("{size}\r\nhello")), RemoteError::ChunkTooLarge, "{size}");
    }
    let largest = chunked("7FFFFFFFFFFFFFFF\r\nhello");
    assert_eq!((largest.body(), largest.error), (b"hello".to_vec(), None));
}

#[test]
fn case_044_a_size_that_is_not_hexadecimal_digits_alone_is_refused() {
    for size in
        ["-1", "+1", "0x1", " 1", "\t1", "1 x", "1 1", "5x", "x", "1_0", "1,", "1.", "\0", "1 \0", "g"]
    {
        assert_eq!(
            error_in_chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n")),
            RemoteError::ChunkSize,
            "{size:?}"
        );
    }
    assert_eq!(error_in([HEAD.as_bytes(), b"\xef\xbc\x95\r\nhello"].concat()), RemoteError::ChunkSize);
}

/// Old servers pad sizes to a fixed width. curl and requests take them.
#[test]
fn case_044_blanks_behind_a_size_are_skipped() {
    for size in ["5 ", "5\t", "5       ", "5 \t ;x=y"] {
        let outcome = answer(format!("{HEAD}{size}\r\nhello\r\n0 \r\n\r\n"));
        assert_eq!(outcome.complete_body(), b"hello", "{size:?}");
    }
    assert_eq!(error_in_chunked("5 \nhello\r\n0\r\n\r\n"), RemoteError::ChunkLine);
    let padded = format!("5{}\r\n", " ".repeat(5000));
    assert_eq!(error_in_chunked(&padded), RemoteError::ChunkLineTooLong { limit: 4096 });
}

#[test]
fn case_045_an_empty_size_line_is_refused() {
    for line in ["\r\n", "\r\n\r\n", ";x\r\n\r\n", "\n", " \r\n", ";\r\n"] {
        assert_eq!(error_in_chunked(line), RemoteError::ChunkSize, "{line:?}");
        assert_eq!(error_in_chunked(&format!("1\r\nx\r\n{line}")), RemoteError::ChunkSize, "{line:?}");
    }
}

#[test]
fn case_046_a_bare_line_feed_after_a_size_is_refused() {
    for line in ["5\nhello\r\n0\r\n\r\n", "5;a\nhello\r\n0\r\n\r\n", "0\n\r\n", "0\n\n"] {
        assert_eq!(error_in_chunked(line), RemoteError::ChunkLine, "{line:?}");
    }
}

#[test]
fn case_046_a_bare_line_feed_after_data_is_refused() {
    let outcome = chunked("5\r\nhello\n0\r\n\r\n");
    assert_eq!(outcome.body(), b"hello");
    assert_eq!(outcome.into_error(), RemoteError::ChunkEnd);
}

#[test]
fn case_046_a_bare_carriage_return_is_refused() {
    assert_eq!(error_in_chunked("5\rhello\r\n0\r\n\r\n"), RemoteError::ChunkLine);
    assert_eq!(error_in_chunked("5\r\r\nhello\r\n0\r\n\r\n"), RemoteError::ChunkLine);
    assert_eq!(error_in_chunked("5\r\nhello\rx"), RemoteError::ChunkEnd);
}

#[test]
fn extensions_are_skipped() {
    for line in ["5;a", "5;a=b", "5;a=\"b;c\"", "5 ; a = b", "5\t;a", "5;", "5;a;b;c", "5; \u{e9}"] {
        let outcome = chunked(&format!("{line}\r\nhello\r\n0;last\r\n\r\n"));
        assert_eq!(outcome.complete_body(), b"hello", "{line:?}");
    }
}

#[test]
fn case_047_a_line_break_in_an_extension_is_refused_quoted_or_not() {
    for extension in ["a\nb", "a\rb", "\"a\nb\"", "\"a\rb\"", "\"a\r", "a\0b", "\u{7f}"] {
        assert_eq!(
            error_in_chunked(&format!("5;{extension}\r\nhello")),
            RemoteError::ChunkLine,
            "{extension:?}"
        );
    }
    // A line end inside quotes is a line end all the same: the quotes hide nothing.
    assert_eq!(error_in_chunked("5;\"a\r\nb\"\r\nhello"), RemoteError::ChunkEnd);
}

#[test]
fn case_048_a_size_line_is_bounded() {
    let line = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(5000));
    assert_eq!(error_in_chunked(&line), RemoteError::ChunkLineTooLong { limit: 4096 });
}

#[test]
fn case_050_leading_zeros_are_taken_up_to_the_bound_of_a_line() {
    assert_eq!(
        chunked("00000000000000000005\r\nhello\r\n00000000000000000000\r\n\r\n").complete_body(),
        b"hello"
    );
    let line = format!("{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(5000));
    assert_eq!(error_in_chunked(&line), RemoteError::ChunkLineTooLong { limit: 4096 });
}

#[test]
fn case_048_the_extensions_of_a_body_are_bounded_in_all() {
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(4000));
    let outcome = chunked(&chunk.repeat(100));
    assert_eq!(outcome.body(), b"xxxx", "four such extensions fit into 16 KiB, the fifth does not");
    assert_eq!(outcome.into_error(), RemoteError::ChunkExtensionsTooLarge { limit: 16 * 1024 });
}

#[test]
fn case_049_chunk_data_without_its_line_end_is_refused() {
    for end in ["xx", "x\r\n", "\rx", " \r\n", "0\r\n\r\n", "\n"] {
        let outcome = chunked(&format!("5\r\nhello{end}0\r\n\r\n"));
        assert_eq!(outcome.body(), b"hello");
        assert_eq!(outcome.into_error(), RemoteError::ChunkEnd, "{end:?}");
    }
}

#[test]
fn case_054_a_chunked_body_that_is_cut_off_is_an_error() {
    for body in ["", "5", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n", "5;x"] {
        let outcome = answer_then_eof(format!("{HEAD}{body}"));
        let received = outcome.body().len() as u64;
        assert_eq!(outcome.into_error(), RemoteError::ChunkedBodyCutOff { received }, "{body:?}");
    }
}

#[test]
fn case_054_a_chunked_body_that_is_cut_off_after_its_last_chunk_is_an_error() {
    for end in ["0", "0\r", "0\r\n", "0\r\n\r", "0\r\nX: y", "0\r\nX: y\r\n", "0\r\nX: y\r\n\r"] {
        let outcome = answer_then_eof(format!("{HEAD}5\r\nhello\r\n{end}"));
        assert_eq!(outcome.body(), b"hello");
        assert_eq!(outcome.into_error(), RemoteError::ChunkedBodyCutOff { received: 5 }, "{end:?}");
    }
}

#[test]
fn case_052_trailers_come_with_the_end_and_not_among_the_headers() {
    let outcome = chunked("5\r\nhello\r\n0\r\nChecksum: abc\r\nX-Two: 1\r\nx-two: 2\r\n\r\n");
    assert_eq!(outcome.complete_body(), b"hello");
    let trailers = outcome.trailers().unwrap();
    assert_eq!(trailers["checksum"], "abc");
    assert_eq!(trailers.get_all("x-two").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert!(!outcome.head().headers().contains_key("checksum"), "they are not merged into the headers");
}

#[test]
fn a_body_without_trailers_has_none() {
    assert_eq!(chunked("0\r\n\r\n").trailers(), None);
    assert_eq!(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").trailers(), None);
}

#[test]
fn case_052_trailers_that_frame_route_or_authenticate_are_left_out() {
    for name in [
        "Content-Length",
        "Transfer-Encoding",
        "Trailer",
        "TE",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "Host",
        "Expect",
        "Range",
        "Cache-Control",
        "If-None-Match",
        "Authorization",
        "Proxy-Authorization",
        "WWW-Authenticate",
        "Proxy-Authenticate",
        "Cookie",
        "Set-Cookie",
        "Content-Encoding",
        "Content-Type",
        "Content-Range",
        "Location",
        "Retry-After",
        "Date",
        "Vary",
    ] {
        let outcome = chunked(&format!("5\r\nhello\r\n0\r\n{name}: 3\r\nX: y\r\n\r\n"));
        assert_eq!(outcome.complete_body(), b"hello");
        let trailers = outcome.trailers().unwrap();
        assert_eq!((trailers.len(), &trailers["x"]), (1, &"y".parse().unwrap()), "{name}");
        assert!(!outcome.head().headers().contains_key("x") && outcome.close_reason.is_none());
    }
    assert_eq!(chunked("0\r\nSet-Cookie: a=b\r\n\r\n").trailers(), None);
}

#[test]
fn case_051_trailers_of_more_than_16_kib_are_refused() {
    let trailers = format!("X: {}\r\n", "x".repeat(1000)).repeat(20);
    let error = error_in_chunked(&format!("0\r\n{trailers}\r\n"));
    assert_eq!(error, RemoteError::TrailersTooLarge { limit: 16 * 1024 });
}

#[test]
fn case_051_trailers_may_be_as_long_as_the_limit_and_no_longer() {
    let trailers = "X: y\r\n\r\n";
    let response = format!("{HEAD}0\r\n{trailers}");
    let exact = with_limits(Limits { trailers: trailers.len(), ..Limits::default() });
    assert_eq!(outcome(exact, response.as_bytes(), Then::Open).trailers().unwrap()["x"], "y");
    let less = with_limits(Limits { trailers: trailers.len() - 1, ..Limits::default() });
    let error = outcome(less, response.as_bytes(), Then::Open).into_error();
    assert_eq!(error, RemoteError::TrailersTooLarge { limit: trailers.len() - 1 });
}

#[test]
fn case_051_more_than_100_trailers_are_refused() {
    let with = |count: usize| format!("0\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert_eq!(chunked(&with(100)).trailers().unwrap().len(), 100);
    assert_eq!(error_in_chunked(&with(101)), RemoteError::TooManyTrailers { limit: 100 });
    assert_eq!(error_in_chunked(&with(2000)), RemoteError::TooManyTrailers { limit: 100 });
}

#[test]
fn case_051_a_malformed_trailer_is_refused() {
    for trailer in ["X: a\0b", "no colon", "X : y", " X: y", "X: y\n", "X: y\rz", ": y", "X: y\r\n folded"] {
        assert_eq!(error_in_chunked(&format!("0\r\n{trailer}\r\n\r\n")), RemoteError::Trailer, "{trailer:?}");
    }
}

#[test]
fn the_trailer_section_ends_in_cr_lf_alone() {
    for end in ["\n", "X: y\r\n\n", "X: y\n\r\n"] {
        assert_eq!(error_in_chunked(&format!("0\r\n{end}")), RemoteError::Trailer, "{end:?}");
    }
}

#[test]
fn chunks_of_one_byte_come_out_in_full() {
    let body = format!("{HEAD}{}0\r\n\r\n", "1\r\nx\r\n".repeat(20_000));
    assert_eq!(outcome(get, body.as_bytes(), Then::Open).complete_body().len(), 20_000);
}
