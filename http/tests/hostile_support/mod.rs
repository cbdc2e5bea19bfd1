//! What the tests of hostile answers share: every answer goes through the protocol core in one piece, in two pieces cut at
//! every place, and byte by byte; and then through the whole client over a socket, in one piece and byte by byte. All
//! of them must come to the same.
//!
//! The core is the judge of the bytes; the client is judged by the core. An answer that the core refuses must be an
//! error of the right kind with the core's words in it, on a connection that is closed; one that it takes must reach
//! the caller as it is, and the next request must get its own answer, on the same connection if the core says that
//! it can be kept, and on a new one if not.
#![allow(dead_code, reason = "each test file uses a part of this module")]

#[path = "../h1_support/mod.rs"]
pub(crate) mod h1_support;
#[path = "../server/mod.rs"]
mod server;

use curio_http::h1::{Connection, Event, RemoteError};
use curio_http::{ClientSession, Error, ErrorKind};
use h1_support::{Outcome, get, receive};
use server::Server;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use h1_support::Then;

/// Answers up to this length are cut at every place, longer ones at some places all over them.
const CUT_EVERYWHERE: usize = 1200;
/// Answers up to this length are also sent byte by byte over a socket.
const SENT_BYTE_BY_BYTE: usize = 400;

/// What the core makes of these bytes, however they are cut.
pub(crate) fn outcome(connection: impl Fn() -> Connection, bytes: &[u8], then: Then) -> Outcome {
    let whole = h1_support::outcome(&connection, bytes, then);
    for cut in (1..bytes.len()).step_by(1 + bytes.len() / CUT_EVERYWHERE * 40) {
        let (first, second) = bytes.split_at(cut);
        let in_two = receive(connection(), [first, second], then);
        assert_eq!(in_two, whole, "{} cut at {cut}", bytes.escape_ascii());
    }
    whole
}

/// The answer to a GET after which the connection stays open.
pub(crate) fn answer(bytes: impl AsRef<[u8]>) -> Outcome {
    everywhere(bytes.as_ref(), Then::Open)
}

/// The answer to a GET after which the server closes.
pub(crate) fn answer_then_eof(bytes: impl AsRef<[u8]>) -> Outcome {
    everywhere(bytes.as_ref(), Then::Eof)
}

/// The error in the answer to a GET.
pub(crate) fn error_in(bytes: impl AsRef<[u8]>) -> RemoteError {
    answer(bytes).into_error()
}

/// The core's verdict on the answer to a GET, which the client has been found to share.
fn everywhere(bytes: &[u8], then: Then) -> Outcome {
    let verdict = outcome(get, bytes, then);
    // With neither an end nor an error the client would wait, and rightly so.
    if verdict.is_done || verdict.error.is_some() {
        over_a_socket(bytes, then, bytes.len(), &verdict);
        if bytes.len() <= SENT_BYTE_BY_BYTE {
            over_a_socket(bytes, then, 1, &verdict);
        }
    }
    verdict
}

const NEXT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext";

/// Lets the client get these bytes from a server that writes `piece` of them at a time.
fn over_a_socket(bytes: &[u8], then: Then, piece: usize, verdict: &Outcome) {
    let answer: Arc<[u8]> = bytes.into();
    let server = Server::on_connection(move |number, stream| serve(stream, number, &answer, piece, then));
    let shown = bytes.escape_ascii();
    curio::run(async {
        let limit = Duration::from_secs(10);
        let session = ClientSession::builder().read_timeout(limit).build().expect("good settings");
        let got = async {
            let mut response = session.get(server.url("/")).allow_redirects(false).await?;
            let body = response.binary().await?;
            Ok((response, body))
        };
        match (got.await, &verdict.error) {
            (Ok((response, body)), None) => {
                assert_eq!((response.status_code(), &body[..]), (verdict.status(), &verdict.body()[..]));
                assert_eq!(response.headers(), verdict.head().headers());
                assert_eq!(response.trailers(), verdict.trailers());
            }
            (Err(error), Some(refusal)) => check(&error, refusal, verdict),
            (Ok((response, _)), Some(refusal)) => panic!("{response:?} in place of {refusal}: {shown}"),
            (Err(error), None) => panic!("{error}: {shown}"),
        }
        // What comes after the answer has time to come before the next request.
        curio::sleep(Duration::from_millis(if verdict.leftover.is_empty() { 0 } else { 5 })).await;
        let mut next = session.get(server.url("/next")).await.expect("an answer to the next request");
        assert_eq!(next.text().await.expect("its body"), "next", "after {shown}");
        let connections = if verdict.close_reason.is_none() { 1 } else { 2 };
        assert_eq!(server.connections(), connections, "after {shown}: {:?}", verdict.close_reason);
    });
    assert!(server.all_closed(), "a connection is left open after {shown}");
}

/// The client's error is of the right kind and repeats the core's words.
fn check(error: &Error, refusal: &RemoteError, verdict: &Outcome) {
    let in_body = verdict.events.iter().any(|event| matches!(event, Event::Head(_)));
    let kind = match refusal {
        refusal if refusal.is_too_large() => ErrorKind::TooLarge,
        refusal if in_body && refusal.is_cut_off() => ErrorKind::Body,
        _ => ErrorKind::Protocol,
    };
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.to_string().matches(&refusal.to_string()).count(), 1, "{error}");
}

/// Gives the first connection `answer`, and every further request an answer of its own.
fn serve(mut stream: TcpStream, number: usize, answer: &[u8], piece: usize, then: Then) {
    for nth in 0.. {
        let Some(()) = read_head(&mut stream) else { return };
        if number == 0 && nth == 0 {
            for piece in answer.chunks(piece.max(1)) {
                if stream.write_all(piece).is_err() {
                    return;
                }
            }
            if then == Then::Eof {
                let _ = stream.shutdown(Shutdown::Write);
            }
        } else if stream.write_all(NEXT).is_err() {
            return;
        }
    }
}

fn read_head(stream: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut space = [0; 4096];
        let n = stream.read(&mut space).ok().filter(|n| *n > 0)?;
        head.extend_from_slice(&space[..n]);
    }
    Some(())
}
