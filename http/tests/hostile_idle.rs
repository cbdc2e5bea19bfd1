//! Bytes without a request: on a connection that is idle in the pool, and on one that has just been made.

mod server;

use curio::Kernel;
use curio_http::ClientSession;
use curio_support::{HostileServer, Script};
use server::{Reader, Server};
use std::io::Write;
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal";

/// Asks three times, with pauses, a server that sends `unasked` into the first of them; every answer must be the real
/// one, from the second on over a new connection.
fn unasked_bytes_are_given_to_nobody(unasked: &'static [u8]) {
    let pushes = Script::new().read_head().send(OK).wait(Duration::from_millis(10)).send(unasked).stall();
    let behaves = Script::new().read_head().send(OK).read_head().send(OK).stall();
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([pushes, behaves]).await.expect("a server");
        let session = ClientSession::new();
        for nth in 0..3 {
            let mut response = session.get(server.url("/")).await.expect("an answer");
            assert_eq!(response.status_code(), 200, "request {nth} after {:?}", unasked.escape_ascii());
            assert_eq!(response.text().await.expect("a body"), "real");
            curio::sleep(Duration::from_millis(40)).await;
        }
        assert_eq!(server.connections(), 2, "{:?}", unasked.escape_ascii());
    });
}

#[test]
fn case_061_a_whole_response_on_an_idle_connection_is_nobodys() {
    unasked_bytes_are_given_to_nobody(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    unasked_bytes_are_given_to_nobody(b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn case_062_a_stray_line_end_or_last_chunk_on_an_idle_connection_closes_it() {
    for stray in [&b"\r\n"[..], b"0\r\n\r\n", b"\0", b"\n"] {
        unasked_bytes_are_given_to_nobody(stray);
    }
}

#[test]
fn case_064_a_408_on_an_idle_connection_is_not_the_next_answer() {
    unasked_bytes_are_given_to_nobody(
        b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
}

#[test]
fn case_064_a_banner_on_a_fresh_connection_is_an_error_and_no_answer() {
    for banner in ["220 mail.example ESMTP\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "+OK POP3\r\n"] {
        let server = Server::on_connection(move |_, mut stream| {
            if stream.write_all(banner.as_bytes()).is_ok() {
                let _ = Reader::new(stream).request();
            }
        });
        let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err(banner);
        assert!(error.is_protocol() && error.to_string().contains("not HTTP"), "{error}");
        assert!(server.all_closed());
    }
}
