//! A body that is asked for more than once, as a whole and in pieces.

mod server;

use curio_http::{Error, Response};
use curio_support::{HostileServer, Script};
use server::{Reply, Server};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Runs `check` with a response whose body is two lines, and a path in a folder of its own.
fn with(name: &str, check: impl AsyncFnOnce(&mut Response, PathBuf)) {
    let server = Server::answering(|_| Reply::ok("one\ntwo"));
    let folder = std::env::temp_dir().join(format!("curio-read-twice-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    curio::run(async {
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        check(&mut response, folder.join("file")).await;
    });
    fs::remove_dir_all(&folder).expect("a folder to remove");
}

#[test]
fn a_second_download_is_an_error_and_leaves_no_empty_file() {
    with("again", async |response, path| {
        assert_eq!(response.download(&path).await.expect("a body"), 7);
        let again = path.with_file_name("again");
        let error = response.download(&again).await.expect_err("it is gone");
        assert!(error.is_body(), "{error}");
        assert!(!again.exists());
        // Nor is a file that is there replaced by nothing.
        assert!(response.download(&path).await.is_err());
        assert_eq!(fs::read_to_string(&path).expect("the file"), "one\ntwo");
    });
}

#[test]
fn a_download_of_a_body_that_is_partly_read_is_an_error() {
    with("partly", async |response, path| {
        response.iter_lines().next().await.expect("a line").expect("no error");
        assert!(response.download(&path).await.expect_err("partly gone").is_body());
        assert!(!path.exists());
    });
}

#[test]
fn a_download_that_could_not_begin_costs_nothing() {
    with("nowhere", async |response, path| {
        let nowhere = path.join("nowhere/file");
        let error = response.download(&nowhere).await.expect_err("no such folder");
        assert!(error.to_string().contains("nowhere/file"), "{error}");
        assert_eq!(response.download(&path).await.expect("a body"), 7);
    });
}

#[test]
fn a_body_that_is_kept_can_be_had_in_every_form_again_and_again() {
    with("kept", async |response, path| {
        assert_eq!(response.text().await.expect("a body"), "one\ntwo");
        for _ in 0..2 {
            assert_eq!(response.download(&path).await.expect("a body"), 7);
            assert_eq!(fs::read_to_string(&path).expect("the file"), "one\ntwo");
            let mut lines = response.iter_lines();
            assert_eq!(lines.next().await.expect("a line").expect("no error"), "one");
            let mut lengths = Vec::new();
            let mut chunks = response.iter_chunked(3);
            while let Some(chunk) = chunks.next().await {
                lengths.push(chunk.expect("no error").len());
            }
            assert_eq!(lengths, [3, 3, 1]);
            assert_eq!(response.text().await.expect("still there"), "one\ntwo");
        }
    });
}

#[test]
fn pieces_end_after_an_error() {
    let server =
        Server::answering(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").then_close());
    curio::run(async {
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        let mut chunks = response.iter_chunked(4);
        assert_eq!(chunks.next().await.expect("a piece").expect("what came"), "half");
        assert!(chunks.next().await.expect("an end too soon").expect_err("cut off").is_body());
        assert!(chunks.next().await.is_none());
        // The error is kept: each further call returns it.
        assert!(response.iter_chunked(4).next().await.expect("no silent end").is_err());
        assert!(response.text().await.expect_err("cut off").is_body());
    });
}

#[test]
fn a_second_reader_of_lines_gets_what_the_first_has_left() {
    let server = Server::answering(|_| Reply::ok("one\ntwo\nthree"));
    curio::run(async {
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        for expected in ["one", "two", "three"] {
            let line = response.iter_lines().next().await.expect("a line").expect("no error");
            assert_eq!(line, expected);
        }
        assert!(response.iter_lines().next().await.is_none());
    });
}

#[test]
fn a_line_that_was_half_read_is_not_lost() {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal");
    let script = script.wait(Duration::from_secs(10)).send("f\nlast").close();
    curio::Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        let first =
            curio::timeout_after(Duration::from_secs(1), async { response.iter_lines().next().await });
        assert!(first.await.is_err());
        let line = response.iter_lines().next().await.expect("a line").expect("no error");
        assert_eq!(line, "half");
        let chunk = response.iter_chunked(100).next().await.expect("a piece").expect("no error");
        assert_eq!(&chunk[..], b"last");
    });
}

#[test]
fn chunks_after_lines_are_what_the_lines_have_left() {
    let server = Server::answering(|_| Reply::ok("one\ntwo\nthree"));
    curio::run(async {
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        assert_eq!(response.iter_lines().next().await.expect("a line").expect("no error"), "one");
        let chunk = response.iter_chunked(100).next().await.expect("a piece").expect("no error");
        assert_eq!(&chunk[..], b"two\nthree");
    });
}

#[test]
fn a_second_reader_of_events_gets_what_the_first_has_left() {
    let server =
        Server::answering(|_| Reply::ok("id: 7\nretry: 5\ndata: one\n\ndata: two\n\ndata: three\n\nrest"));
    curio::run(async {
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        for expected in ["one", "two", "three"] {
            let mut events = response.iter_events();
            assert_eq!(events.next().await.expect("an event").expect("no error").data(), expected);
            assert_eq!(events.last_event_id(), "7");
            assert_eq!(events.retry(), Some(Duration::from_millis(5)));
        }
        let chunk = response.iter_chunked(100).next().await.expect("a piece").expect("no error");
        assert_eq!(&chunk[..], b"rest");
    });
}

#[test]
fn an_event_that_was_half_read_goes_on_in_the_next_reader_of_events() {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\n\r\nevent: x\ndata: ha");
    let script = script.wait(Duration::from_secs(10)).send("lf\n\n").close();
    curio::Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        let first =
            curio::timeout_after(Duration::from_secs(1), async { response.iter_events().next().await });
        assert!(first.await.is_err());
        let event = response.iter_events().next().await.expect("an event").expect("no error");
        assert_eq!((event.event(), event.data()), ("x", "half"));
    });
}

#[test]
fn lines_after_half_an_event_are_an_error_because_that_half_is_gone() {
    let server = Server::answering(|_| Reply::ok("data: one\n\ndata: tw"));
    curio::run(async {
        let mut response = curio_http::get(server.url("/")).await.expect("an answer");
        let mut events = response.iter_events();
        assert!(events.next().await.expect("an event").is_ok());
        assert!(events.next().await.is_none());
        let error = response.iter_lines().next().await.expect("an error").expect_err("half an event is gone");
        assert!(error.is_body() && error.to_string().contains("event"), "{error}");
    });
}

/// The first error is the one that explains; that something was wrong before is no explanation.
#[test]
fn an_error_in_a_body_is_the_same_at_every_call() {
    let cut = || Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").then_close();
    let bad_chunk =
        || Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nz").then_close();
    let bad_gzip = || Reply::with("200 OK", "Content-Encoding: gzip\r\n", "no gzip at all");
    let six = || Reply::with("200 OK", "Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip\r\n", "x");
    let too_large = || Reply::with("200 OK", "", "more than ten bytes");
    let replies: [fn() -> Reply; 5] = [cut, bad_chunk, bad_gzip, six, too_large];
    for (index, reply) in replies.into_iter().enumerate() {
        let server = Server::answering(move |_| reply());
        curio::run(async {
            let session = curio_http::ClientSession::builder().max_body(10).build().expect("settings");
            let mut response = session.get(server.url("/")).await.expect("an answer");
            let first = response.binary().await.expect_err("a bad body");
            let again = [
                response.binary().await.expect_err("still bad"),
                response.text().await.expect_err("still bad"),
                last_error(&mut response).await,
                last_error(&mut response).await,
            ];
            for again in again {
                assert_eq!((again.kind(), again.to_string()), (first.kind(), first.to_string()), "{index}");
                assert_eq!(again.inner().is_some(), first.inner().is_some());
            }
        });
    }
}

async fn last_error(response: &mut Response) -> Error {
    let mut chunks = response.iter_chunked(4);
    loop {
        if let Err(error) = chunks.next().await.expect("no silent end") {
            return error;
        }
    }
}
