//! What a server must not be able to do with the content codings that are Cargo features.
#![cfg(any(feature = "brotli", feature = "zstd"))]

mod server;

use curio_http::Response;
use server::{ClientSession, Reply, Server};

/// Reads a bomb whole, which stops at the limit, and in pieces, which are small.
fn defused(coding: &'static str, bomb: &[u8], length: usize) {
    curio::run(async {
        let error = coded(coding, bomb, 1 << 20).await.binary().await.expect_err("too large");
        assert!(error.is_too_large(), "{error}");
        let mut response = coded(coding, bomb, u64::MAX).await;
        let mut chunks = response.iter_chunked(64 * 1024);
        let mut total = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.expect("good data");
            assert!(chunk.len() <= 64 * 1024);
            total += chunk.len();
        }
        assert_eq!(total, length);
    });
}

/// A response whose body has this coding, from a session that takes at most so many bytes.
async fn coded(coding: &'static str, body: &[u8], most: u64) -> Response {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    let reply = [head.into_bytes(), body.to_vec()].concat();
    let server = Server::answering(move |_| Reply::raw(reply.clone()));
    let session = ClientSession::builder().max_body(most).build().expect("good settings");
    let response = session.get(server.url("/")).await.expect("an answer");
    let accepted = server.request().header("accept-encoding").unwrap_or_default().to_owned();
    assert!(accepted.split(", ").any(|accepted| accepted == coding), "{coding} was asked for");
    response
}

/// What is said about a body that cannot be decoded.
fn refused(coding: &'static str, body: &[u8]) -> String {
    let error = curio::run(async { coded(coding, body, u64::MAX).await.binary().await });
    let error = error.expect_err("bad data");
    assert!(error.is_decode(), "{error}");
    error.to_string()
}

#[cfg(feature = "brotli")]
#[test]
fn case_073_a_brotli_bomb_stops_at_the_limit_and_streams_in_small_pieces() {
    defused("br", include_bytes!("fixtures/64-mib-of-zeros.br"), 64 << 20);
}

#[cfg(feature = "zstd")]
#[test]
fn case_073_a_zstd_bomb_stops_at_the_limit_and_streams_in_small_pieces() {
    // A window of 8 MiB, and 500 blocks of four bytes each that stand for 128 KiB.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    for left in (0..500).rev() {
        let head: u32 = (128 * 1024) << 3 | 1 << 1 | u32::from(left == 0);
        bomb.extend_from_slice(&head.to_le_bytes()[..3]);
        bomb.push(0);
    }
    defused("zstd", &bomb, 500 * 128 * 1024);
}

#[cfg(feature = "zstd")]
#[test]
fn case_073_a_zstd_window_of_more_than_8_mib_is_an_error() {
    let bomb = [0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3 | 1, 3, 0, 0, 0];
    assert!(refused("zstd", &bomb).contains("zstd"));
}

#[cfg(feature = "brotli")]
#[test]
fn case_073_brotli_cut_short_is_an_error() {
    let bomb = include_bytes!("fixtures/bottles.br");
    assert!(refused("br", &bomb[..bomb.len() - 1]).contains("ends in the middle"));
}

/// The decoder holds back what lies within its window, which would be the last events that have come.
#[cfg(feature = "zstd")]
#[test]
fn zstd_is_not_asked_for_when_events_or_lines_are_wanted() {
    for (kind, wanted) in [
        ("text/event-stream", false),
        ("application/json;q=0.5, Application/X-NDJSON", false),
        ("application/json", true),
    ] {
        let server = Server::answering(|_| Reply::ok(""));
        let session = ClientSession::new();
        curio::run(session.get(server.url("/")).header("Accept", kind).send()).expect("an answer");
        let accepted = server.request().header("accept-encoding").unwrap_or_default().to_owned();
        assert!(accepted.contains("gzip") && accepted.contains("zstd") == wanted, "{kind}: {accepted}");
    }
}
