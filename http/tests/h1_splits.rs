//! However a response is cut into reads, it is the same response: every response of a corpus, at every place.

mod h1_support;

use curio_http::h1::{Connection, Limits};
use h1_support::generated::Random;
use h1_support::{Then, asked_with, receive};
use http::Method;

/// Good responses and bad ones, each as an answer to its method.
fn corpus() -> Vec<(Method, &'static [u8])> {
    let get: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\nX: y\n\nok",
        b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\nok",
        b"\r\nHTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 500\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=\"y\"\r\n, world!\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n0\r\nSum: 1\r\nSet-Cookie: a=b\r\n\r\nrest",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x01\x02\x03",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Bytes: caf\xe9\r\nContent-Length: 1\r\n\r\n\r",
        // What is refused, is refused alike.
        b"",
        b"\r",
        b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"<html>",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 200 OK\r\nNo colon\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: a-trailer-over-the-limit-of-a-test\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a-head-that-is-over-the-limit-of-ninety-six-bytes-that-this-test-has-set-on-heads\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\nA: 6\r\n\r\n",
    ];
    let head: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ];
    let connect: &[&[u8]] = &[
        b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 407 Who?\r\nContent-Length: 2\r\n\r\nno",
    ];
    [(Method::GET, get), (Method::HEAD, head), (Method::CONNECT, connect)]
        .into_iter()
        .flat_map(|(method, responses)| responses.iter().map(move |response| (method.clone(), *response)))
        .collect()
}

/// Small limits, so that the corpus reaches them.
fn connection(method: &Method) -> Connection {
    let limits = Limits { head: 96, headers: 5, trailers: 32, ..Limits::default() };
    asked_with(limits, method.clone(), &[("upgrade", "x")])
}

#[test]
fn case_032_a_response_is_the_same_at_every_split() {
    for (method, bytes) in corpus() {
        let whole = receive(connection(&method), [bytes], Then::Eof);
        for split in 0..=bytes.len() {
            let (first, second) = bytes.split_at(split);
            let in_two = receive(connection(&method), [first, second], Then::Eof);
            assert_eq!(in_two, whole, "{} cut at {split}", bytes.escape_ascii());
        }
    }
}

#[test]
fn case_032_a_response_is_the_same_byte_by_byte() {
    for (method, bytes) in corpus() {
        let whole = receive(connection(&method), [bytes], Then::Eof);
        let byte_by_byte = receive(connection(&method), bytes.chunks(1), Then::Eof);
        assert_eq!(byte_by_byte, whole, "{}", bytes.escape_ascii());
    }
}

#[test]
fn case_032_a_response_is_the_same_at_every_two_splits() {
    for (method, bytes) in corpus() {
        let whole = receive(connection(&method), [bytes], Then::Eof);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let in_three = receive(connection(&method), pieces, Then::Eof);
                assert_eq!(in_three, whole, "{} cut at {first} and {second}", bytes.escape_ascii());
            }
        }
    }
}

#[test]
fn a_large_body_is_the_same_in_reads_of_every_size() {
    let mut random = Random::new(7);
    let body = random.bytes(300_000);
    let with_length = [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", &body[..]].concat();
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(30_000) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for response in [with_length, chunked] {
        for size in [1, 100, 1460, 4095, 4096, 4097, 16_384, 65_536, response.len()] {
            let read = receive(h1_support::get(), response.chunks(size), Then::Open);
            assert!(read.complete_body() == body, "reads of {size}");
            assert_eq!(read.close_reason, None);
        }
    }
}
