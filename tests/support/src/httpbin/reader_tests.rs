//! Tables of bytes and what they are; each is read whole and byte by byte.

use super::*;

/// Everything that comes out when `bytes` go in `step` at a time.
fn read(bytes: &[u8], step: usize) -> Result<Vec<Event>, Refusal> {
    let mut reader = Reader::new();
    let mut events = Vec::new();
    for mut piece in bytes.chunks(step) {
        while !piece.is_empty() {
            let space = reader.space();
            let n = space.len().min(piece.len());
            space[..n].copy_from_slice(&piece[..n]);
            reader.filled(n);
            piece = &piece[n..];
            while let Some(event) = reader.next()? {
                events.push(event);
            }
        }
    }
    Ok(events)
}

fn requests(bytes: &[u8]) -> Vec<Request> {
    let whole = read(bytes, bytes.len()).unwrap();
    let by_byte: Vec<_> =
        read(bytes, 1).unwrap().into_iter().filter(|event| *event != Event::Continue).collect();
    assert_eq!(whole, by_byte, "in one piece and byte by byte");
    let request = |event| match event {
        Event::Request(request) => request,
        Event::Continue => panic!("a 100 Continue although the body was there"),
    };
    whole.into_iter().map(request).collect()
}

fn refusal(bytes: &[u8]) -> u16 {
    let whole = read(bytes, bytes.len()).expect_err("refused in one piece");
    let by_byte = read(bytes, 1).expect_err("refused byte by byte");
    assert_eq!(whole.status, by_byte.status);
    whole.status
}

#[test]
fn a_request_without_a_body_ends_with_its_head() {
    let requests = requests(b"GET /get?a=1&b HTTP/1.1\r\nHost: h\r\nX-A: \xe4\r\n\r\n");
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "GET");
    assert_eq!((requests[0].path.as_str(), requests[0].query.as_str()), ("/get", "a=1&b"));
    assert_eq!(requests[0].header("x-a"), Some("ä"));
    assert_eq!(requests[0].minor_version, 1);
}

#[test]
fn pipelined_requests_come_out_in_order() {
    let bytes =
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    let requests = requests(bytes);
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, b"abc");
    assert_eq!(requests[1].path, "/b");
}

#[test]
fn chunks_are_joined_and_trailers_dropped() {
    let bytes = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
        3;x=y\r\nabc\r\n00A \r\n0123456789\r\n0\r\nX-Trailer: v\r\n\r\nGET /next HTTP/1.0\r\n\r\n";
    let requests = requests(bytes);
    assert_eq!(requests[0].body, b"abc0123456789");
    assert_eq!(requests[1].path, "/next");
}

#[test]
fn empty_lines_before_a_request_are_ignored() {
    assert_eq!(requests(b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").len(), 1);
}

#[test]
fn an_absolute_target_is_a_path_with_a_host_in_front() {
    let requests = requests(b"GET http://example.test/a?b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((requests[0].path.as_str(), requests[0].query.as_str()), ("/a", "b"));
    let requests = self::requests(b"GET http://example.test HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(requests[0].path, "/");
}

#[test]
fn a_waiting_client_is_told_to_go_on_once() {
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
    assert_eq!(read(head, head.len()), Ok(vec![Event::Continue]));
    let mut bytes = head.to_vec();
    bytes.extend_from_slice(b"ab");
    let events = read(&bytes, 1).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], Event::Continue);
    assert_eq!(read(&bytes, bytes.len()).unwrap().len(), 1, "nobody waits when the body is there already");
}

#[test]
fn heads_that_are_refused() {
    for (head, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: a miracle\r\n\r\n", 417),
    ] {
        assert_eq!(refusal(head.as_bytes()), status, "{head:?}");
    }
}

#[test]
fn chunked_bodies_that_are_refused() {
    for (body, status) in [
        ("\r\n", 400),
        ("+1\r\na\r\n", 400),
        ("0x1\r\na\r\n", 400),
        ("1\na\r\n", 400),
        ("1\r\nab\r\n", 400),
        ("1\r\na\n0\r\n", 400),
        ("11111111111111111\r\n", 400),
        ("ffffffffffffffff\r\n", 413),
    ] {
        let bytes = format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        assert_eq!(refusal(bytes.as_bytes()), status, "{body:?}");
    }
}

#[test]
fn a_head_without_end_is_cut_off() {
    let endless = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "x".repeat(70_000));
    assert_eq!(read(endless.as_bytes(), 1000).unwrap_err().status, 431);
    let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert_eq!(read(many.as_bytes(), many.len()).unwrap_err().status, 431);
}

#[test]
fn nothing_follows_a_refusal() {
    let mut reader = Reader::new();
    let bytes = b"GET x HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    reader.space()[..bytes.len()].copy_from_slice(bytes);
    reader.filled(bytes.len());
    assert!(reader.next().is_err());
    assert_eq!(reader.next(), Ok(None));
}
