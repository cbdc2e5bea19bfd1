//! Five things that are true of any bytes at all.
//!
//! Each is a plain function of a byte string that panics if it does not hold: `h1_properties.rs` calls them
//! with seeded random strings on every test run, the targets in `fuzz/` with whatever the fuzzer comes up
//! with.

use curio_http::h1::{BodyLength, Connection, Event, Framing, Limits, RequestHead};
use http::Method;

use super::generated::{Entropy, Generated};
use super::{Then, asked_with, get, headers, receive};

/// The most that may lie unread between two events: one read, and the longest thing that is read whole.
const MOST_UNREAD: usize = 128 * 1024;

/// Whatever a server sends, nothing panics, and no more comes out or stays inside than went in or is allowed.
pub fn any_bytes_are_survived(bytes: &[u8]) {
    let mut entropy = Entropy(bytes);
    let method = [Method::GET, Method::HEAD, Method::CONNECT][entropy.below(3)].clone();
    let mut connection = asked_with(Limits::default(), method, &[("upgrade", "websocket")]);
    let mut bytes = entropy.0;
    let mut received = 0;
    let mut pieces = 0;
    loop {
        match connection.next_event() {
            Ok(Some(Event::Data(data))) => pieces += data.len(),
            Ok(Some(Event::Head(head) | Event::Interim(head))) => drop(format!("{} {head:?}", head.reason())),
            Ok(Some(Event::End { .. })) | Err(_) => break,
            Ok(None) if connection.is_upgraded() => break,
            Ok(None) => {
                let space = connection.space();
                assert!(!space.is_empty() && space.len() <= 64 * 1024);
                let n = bytes.len().min(space.len());
                space[..n].copy_from_slice(&bytes[..n]);
                bytes = &bytes[n..];
                received += n;
                connection.filled(n);
                assert!(connection.leftover().len() <= MOST_UNREAD);
            }
        }
    }
    assert!(pieces <= received);
    if let Err(error) = connection.next_event() {
        assert!(!error.to_string().is_empty() && !connection.restart());
    }
}

/// However the bytes are cut, the events are the same. The first bytes choose the cuts.
pub fn the_cut_does_not_matter(bytes: &[u8]) {
    let mut entropy = Entropy(bytes);
    let longest = 1 + entropy.below(700);
    let lengths: Vec<usize> = (0..16).map(|_| 1 + entropy.below(longest)).collect();
    let then = if entropy.byte() & 1 == 0 { Then::Eof } else { Then::Open };
    let bytes = entropy.0;
    let mut whole = receive(get(), [bytes], then);
    let mut in_pieces = receive(get(), cut(bytes, &lengths), then);
    let mut byte_by_byte = receive(get(), bytes.chunks(1), then);
    if then == Then::Open {
        // A mistake inside a head shows at once when it comes in one piece, and by the end of the head
        // otherwise.
        let unfinished = |error: &Option<_>| error.is_none();
        if unfinished(&in_pieces.error) || unfinished(&byte_by_byte.error) || unfinished(&whole.error) {
            for outcome in [&mut whole, &mut in_pieces, &mut byte_by_byte] {
                outcome.error = None;
                if !outcome.is_done {
                    outcome.close_reason = None;
                }
            }
        }
    }
    assert_eq!(whole, in_pieces, "cut by {lengths:?}");
    assert_eq!(whole, byte_by_byte);
}

fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(*length));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// A response that is written out and read back is the one it was.
pub fn a_response_reads_back_as_it_was_written(bytes: &[u8]) {
    let mut entropy = Entropy(bytes);
    let written = Generated::new(&mut entropy);
    let then = if written.framing == Framing::UntilClose { Then::Eof } else { Then::Open };
    let lengths: Vec<usize> = (0..8).map(|_| 1 + entropy.below(5000)).collect();
    let read = receive(get(), cut(&written.bytes(), &lengths), then);
    assert_eq!(read.complete_body(), written.body());
    assert_eq!(read.status(), written.status);
    assert_eq!(read.head().reason(), written.reason);
    assert_eq!(*read.head().headers(), written.headers);
    assert_eq!(read.framing, Some(written.framing));
    assert_eq!(read.trailers().cloned().unwrap_or_default(), written.trailers);
    assert!(read.leftover.is_empty());
}

/// Of two responses back to back, the first takes exactly its own bytes.
pub fn two_responses_back_to_back_stay_apart(bytes: &[u8]) {
    let mut entropy = Entropy(bytes);
    let first = Generated::new(&mut entropy);
    let second = Generated::new(&mut entropy);
    if first.framing == Framing::UntilClose {
        return;
    }
    let both = [first.bytes(), second.bytes()].concat();
    let read = receive(get(), [both.as_slice()], Then::Open);
    assert_eq!(read.complete_body(), first.body());
    assert_eq!(read.leftover, second.bytes());
    let reread = receive(get(), [read.leftover.as_slice()], Then::Eof);
    assert_eq!(reread.complete_body(), second.body());
}

const ANSWERS: [&[u8]; 5] = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc",
];

/// One call on a connection.
#[derive(Debug, Clone, Copy)]
enum Op {
    Start(BodyLength),
    Body(usize),
    End,
    /// So many bytes of an endless row of responses.
    Receive(usize),
    /// One whole response.
    Answer(usize),
    Close,
    NextEvent,
    Restart,
}

impl Op {
    fn new(entropy: &mut Entropy<'_>) -> Self {
        match entropy.below(10) {
            0 => Op::Start(BodyLength::None),
            1 => Op::Start(BodyLength::Known(entropy.below(20) as u64)),
            2 => Op::Start(BodyLength::Chunked),
            3 => Op::Body(entropy.below(12)),
            4 => Op::End,
            5 => Op::Receive(entropy.below(60)),
            6 => Op::Answer(entropy.below(ANSWERS.len())),
            7 if entropy.byte() < 32 => Op::Close,
            9 => Op::Restart,
            _ => Op::NextEvent,
        }
    }
}

/// No order of calls panics; an error of the server's is final; a connection that restarts is as good as new.
pub fn any_order_of_calls_is_survived(bytes: &[u8]) {
    let mut entropy = Entropy(bytes);
    let mut connection = Connection::new();
    let mut wire = ANSWERS.iter().flat_map(|answer| answer.iter().copied()).cycle();
    let mut failed = None;
    let mut out = Vec::new();
    while !entropy.is_empty() {
        match Op::new(&mut entropy) {
            Op::Start(body) => {
                let headers = headers(&[("host", "example.com")]);
                let head = RequestHead { method: &Method::POST, target: "/", headers: &headers };
                let before = out.len();
                let started = connection.start(&head, body, &mut out);
                assert_eq!(started.is_ok(), out.len() > before);
                assert!(started.is_err() || !connection.has_received_any());
            }
            Op::Body(length) => drop(connection.body(&vec![b'x'; length], &mut out)),
            Op::End => drop(connection.end(&mut out)),
            Op::Receive(length) => {
                let bytes: Vec<u8> = wire.by_ref().take(length).collect();
                read_into(&mut connection, &bytes);
            }
            Op::Answer(which) => read_into(&mut connection, ANSWERS[which]),
            Op::Close => {
                connection.space();
                connection.filled(0);
            }
            Op::NextEvent => {
                let event = connection.next_event();
                if let Some(error) = &failed {
                    assert_eq!(event.as_ref(), Err(error));
                }
                failed = event.err();
            }
            Op::Restart => {
                if connection.restart() {
                    assert!(failed.is_none() && connection.leftover().is_empty());
                    assert_eq!((connection.framing(), connection.close_reason()), (None, None));
                }
            }
        }
        assert!(failed.is_none() || connection.close_reason().is_some());
    }
    drop(connection.upgrade());
}

fn read_into(connection: &mut Connection, bytes: &[u8]) {
    let space = connection.space();
    let n = bytes.len().min(space.len());
    space[..n].copy_from_slice(&bytes[..n]);
    if n > 0 {
        connection.filled(n);
    }
}
