//! Compressed bodies that are bombs, or damaged, or not what they say.

mod server;

use curio_http::{Error, ErrorKind, Response};
use curio_support::{HostileServer, Script};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use server::{ClientSession, Reply, Server};
use std::io::Write;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
}

/// A response with these lines about its coding.
fn coded(lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The whole body of such a response, which has come to an end or to an error; and that its connection is not kept
/// after an error.
fn body_of(lines: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
    let bytes = coded(lines, body);
    let server = Server::answering(move |_| Reply::raw(bytes.clone()));
    let result = curio::run(async {
        let session = ClientSession::new();
        let mut response = session.get(server.url("/")).await?;
        response.binary().await.map(|body| body.to_vec())
    });
    assert!(server.all_closed());
    result
}

fn decode_error(lines: &str, body: &[u8]) -> String {
    let error = body_of(lines, body).expect_err(lines);
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    error.to_string()
}

const GZIP: &str = "Content-Encoding: gzip\r\n";

/// A gigabyte of zeros as a megabyte of gzip, made of members of 1 MiB each.
fn gigabyte() -> Vec<u8> {
    gzip(&vec![0; 1 << 20]).repeat(1024)
}

#[test]
fn case_072_a_megabyte_that_becomes_a_gigabyte_ends_at_64_mib_when_read_as_a_whole() {
    let bomb = gigabyte();
    assert!(bomb.len() < 1_100_000);
    let error = body_of(GZIP, &bomb).expect_err("a bomb");
    assert!(error.is_too_large() && error.to_string().contains("67108864"), "{error}");
}

#[test]
fn case_072_a_bomb_that_is_read_in_pieces_comes_in_small_pieces() {
    let bytes = coded(GZIP, &gigabyte());
    let server = Server::answering(move |_| Reply::raw(bytes.clone()));
    curio::run(async {
        let mut response = ClientSession::new().get(server.url("/")).await.expect("an answer");
        let mut chunks = response.iter_chunked(usize::MAX);
        for _ in 0..1000 {
            let chunk = chunks.next().await.expect("there is more").expect("good data");
            assert!(chunk.len() <= 64 * 1024, "memory stays flat");
        }
    });
    assert!(server.all_closed(), "the rest is neither decoded nor read");
}

#[test]
fn case_073_a_bomb_of_deflate_ends_at_the_limit_too() {
    let zeros = vec![0; 4 << 20];
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    let bomb = zlib.write_all(&zeros).and_then(|()| zlib.finish()).expect("compressing in memory");
    let bytes = coded("Content-Encoding: deflate\r\n", &bomb);
    let server = Server::answering(move |_| Reply::raw(bytes.clone()));
    let session = ClientSession::builder().max_body(1 << 20).build().expect("good settings");
    let body = curio::run(async { session.get(server.url("/")).await?.binary().await });
    assert!(body.expect_err("a bomb").is_too_large());
}

#[test]
fn case_072_a_bomb_of_bombs_that_hold_nothing_is_refused() {
    // 8 KiB stand for 4 MiB of gzip members that are all empty; with another layer they would be 4 GiB. Nothing ever
    // comes out of it that a limit on the body could count.
    let empty = gzip(b"");
    let hollow = gzip(&empty.repeat((4 << 20) / empty.len()));
    assert!(hollow.len() < 64 << 10);
    let line = decode_error("Content-Encoding: gzip, gzip\r\n", &hollow);
    assert!(line.contains("more data between its codings than output"), "{line}");
}

#[test]
fn case_072_codings_on_top_of_each_other_may_hold_a_lot_that_comes_to_something() {
    let mut random = 1_u32;
    let plain: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    })
    .take(3 << 19)
    .collect();
    let body = body_of("Content-Encoding: gzip, gzip, gzip\r\n", &gzip(&gzip(&gzip(&plain))));
    assert!(body.expect("what does not compress is no bomb") == plain);
}

#[test]
fn case_074_a_bomb_that_is_dropped_is_not_decoded() {
    // What follows the first bytes is not gzip: decoding it would fail.
    let broken = [&gigabyte()[..1000], b"not gzip"].concat();
    let bytes = coded(GZIP, &broken);
    let server = Server::answering(move |_| Reply::raw(bytes.clone()));
    curio::run(async {
        let session = ClientSession::new();
        for _ in 0..3 {
            drop(session.get(server.url("/")).await.expect("an answer"));
        }
    });
    assert_eq!(server.connections(), 1, "it was read as it came and forgotten");
}

#[test]
fn case_075_a_hundred_codings_are_refused() {
    let list = vec!["gzip"; 100].join(", ");
    let line = decode_error(&format!("Content-Encoding: {list}\r\n"), &gzip(b"x"));
    assert!(line.contains("100 content codings"), "{line}");
}

#[test]
fn case_076_a_hundred_codings_on_as_many_lines_are_refused_alike() {
    let line = decode_error(&GZIP.repeat(100), &gzip(b"x"));
    assert!(line.contains("100 content codings"), "{line}");
}

#[test]
fn case_075_five_codings_are_undone() {
    let body = gzip(&gzip(&gzip(&gzip(&gzip(b"five")))));
    let lines = "Content-Encoding: gzip, gzip\r\nContent-Encoding: x-gzip, gzip, GZIP\r\n";
    assert_eq!(body_of(lines, &body).expect("five"), b"five");
}

#[test]
fn case_077_gzip_that_ends_anywhere_in_the_middle_is_an_error() {
    let whole = gzip(b"some text, and some more text");
    for end in 1..whole.len() {
        let line = decode_error(GZIP, &whole[..end]);
        assert!(line.contains("ends in the middle"), "cut at {end}: {line}");
    }
}

#[test]
fn case_077_a_wrong_checksum_length_or_header_is_an_error() {
    let whole = gzip(b"some text");
    for at in [0, 1, 2, whole.len() - 8, whole.len() - 5, whole.len() - 4, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        let line = decode_error(GZIP, &damaged);
        assert!(line.contains("gzip data is damaged"), "byte {at}: {line}");
    }
}

#[test]
fn case_078_two_members_are_one_body_and_garbage_behind_them_is_an_error() {
    let two = [gzip(b"one, "), gzip(b"two")].concat();
    assert_eq!(body_of(GZIP, &two).expect("two members"), b"one, two");
    for garbage in [&b"garbage"[..], b"\x1f", b"\x1f\x8b", b"\0\0x", b"\0\x1f\x8b"] {
        decode_error(GZIP, &[gzip(b"one"), garbage.to_vec()].concat());
    }
}

/// Files that were written in blocks of a fixed size end in zeros. curl and requests take them.
#[test]
fn case_078_zeros_behind_gzip_are_padding() {
    for zeros in [1, 2, 511, 100_000] {
        let padded = [gzip(b"one, "), gzip(b"two"), vec![0; zeros]].concat();
        assert_eq!(body_of(GZIP, &padded).expect("padding"), b"one, two");
    }
    // A member behind zeros is none: they end the data.
    decode_error(GZIP, &[gzip(b"one"), vec![0; 10], gzip(b"two")].concat());
    decode_error(GZIP, &[vec![0; 10], gzip(b"one")].concat());
}

#[test]
fn case_079_no_bytes_are_an_empty_body_whatever_their_coding() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    assert_eq!(body_of(GZIP, b"").expect("nothing"), b"");
    let script = |head: &str| Script::new().read_head().send(head).close();
    for (method, head) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ] {
        let body = curio::run(async {
            let server = HostileServer::start([script(head)]).await.expect("a server");
            let method = method.parse().expect("a method");
            let mut response = ClientSession::new().request(method, server.url("/")).await?;
            response.binary().await
        });
        assert_eq!(body.expect(head).len(), 0, "{head:?}");
    }
}

#[test]
fn case_080_an_unknown_coding_leaves_body_and_header_as_they_are() {
    for coding in ["aws-chunked", "gzip, rot13", "compress"] {
        let bytes = coded(&format!("Content-Encoding: {coding}\r\n"), b"as it came");
        let server = Server::answering(move |_| Reply::raw(bytes.clone()));
        let look = async |mut response: Response| {
            assert_eq!(response.header("content-encoding"), Some(coding));
            assert_eq!(response.text().await.expect("a body"), "as it came");
        };
        curio::run(async { look(ClientSession::new().get(server.url("/")).await.expect("an answer")).await });
    }
}

#[test]
fn case_081_deflate_may_be_wrapped_or_raw() {
    let mut wrapped = ZlibEncoder::new(Vec::new(), Compression::default());
    let wrapped = wrapped.write_all(b"either way").and_then(|()| wrapped.finish()).expect("in memory");
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
    let raw = raw.write_all(b"either way").and_then(|()| raw.finish()).expect("in memory");
    for body in [wrapped, raw] {
        assert_eq!(body_of("Content-Encoding: deflate\r\n", &body).expect("deflate"), b"either way");
    }
}
