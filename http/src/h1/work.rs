//! How many bytes the core reads or copies, counted in tests.
//!
//! A parser that starts again with each read takes up to *n*²/2 steps for a head of *n* bytes that arrives byte by byte,
//! which a server can use to keep the client busy. Measuring time would not show that reliably. So the places that read
//! or copy bytes count them, in tests only, and the tests below check that the work grows in proportion to the bytes,
//! however they arrive.

use core::cell::Cell;

use http::header::{HOST, HeaderValue};
use http::{HeaderMap, Method};

use super::{BodyLength, Connection, Limits, RequestHead};

thread_local! {
    static LOOKED_AT: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn count(bytes: usize) {
    LOOKED_AT.with(|count| count.set(count.get() + bytes as u64));
}

/// The work of reading `bytes`, `piece` bytes at a time, without limits.
fn work(bytes: &[u8], piece: usize) -> u64 {
    let endless = 1 << 30;
    let limits = Limits {
        head: endless,
        headers: 30_000,
        interim: endless,
        chunk_line: endless,
        chunk_extensions: endless,
        trailers: endless,
        trailer_fields: 30_000,
        ..Limits::default()
    };
    let mut connection = Connection::with_limits(limits);
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("h"))]);
    let head = RequestHead { method: &Method::GET, target: "/", headers: &headers };
    assert_eq!(connection.start(&head, BodyLength::None, &mut Vec::new()), Ok(()));
    LOOKED_AT.with(|count| count.set(0));
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            let space = connection.space();
            let n = piece.len().min(space.len());
            space[..n].copy_from_slice(&piece[..n]);
            piece = &piece[n..];
            connection.filled(n);
            while let Ok(Some(_)) = connection.next_event() {}
        }
    }
    LOOKED_AT.with(Cell::get)
}

/// Asserts that the work of `make(n)` and `make(8 * n)` grows no faster than their length, for several sizes of reads.
fn grows_with_the_length(n: usize, make: impl Fn(usize) -> Vec<u8>) {
    for piece in [1, 1460, usize::MAX] {
        let (small, large) = (make(n), make(8 * n));
        let times = large.len() as f64 / small.len() as f64;
        let (before, after) = (work(&small, piece), work(&large, piece));
        assert!(
            before > 0 && after as f64 <= before as f64 * times * 2.0,
            "in pieces of {piece}: {before}, {after}"
        );
        assert!(after <= 8 * large.len() as u64, "in pieces of {piece}: {after} for {} bytes", large.len());
    }
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn case_137_a_long_field_is_looked_at_a_bounded_number_of_times() {
    grows_with_the_length(1_500, |n| {
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(10 * n)).into_bytes()
    });
}

#[test]
fn case_137_many_fields_are_looked_at_a_bounded_number_of_times() {
    grows_with_the_length(1_500, |n| format!("HTTP/1.1 204 OK\r\n{}\r\n", "a: b\r\n".repeat(n)).into_bytes());
}

#[test]
fn case_137_a_head_that_never_ends_is_looked_at_a_bounded_number_of_times() {
    grows_with_the_length(1_500, |n| format!("HTTP/1.1 204 OK\r\n{}", "a: b\n".repeat(n)).into_bytes());
    grows_with_the_length(1_500, |n| format!("HTTP/1.1 204 {}", "x".repeat(10 * n)).into_bytes());
}

#[test]
fn case_137_interim_responses_cost_what_they_weigh() {
    grows_with_the_length(150, |n| "HTTP/1.1 102 Wait\r\n\r\n".repeat(n).into_bytes());
}

#[test]
fn case_137_small_chunks_and_long_extensions_cost_what_they_weigh() {
    grows_with_the_length(1_500, |n| format!("{CHUNKED}{}", "1\r\nx\r\n".repeat(n)).into_bytes());
    grows_with_the_length(1_500, |n| format!("{CHUNKED}1;{}\r\nx\r\n", "e".repeat(10 * n)).into_bytes());
    grows_with_the_length(1_500, |n| format!("{CHUNKED}{}", "0".repeat(n)).into_bytes());
}

#[test]
fn case_137_trailers_are_looked_at_a_bounded_number_of_times() {
    grows_with_the_length(1_500, |n| format!("{CHUNKED}0\r\n{}\r\n", "a: b\r\n".repeat(n)).into_bytes());
    grows_with_the_length(1_500, |n| format!("{CHUNKED}0\r\nX: {}", "x".repeat(10 * n)).into_bytes());
}
