//! A body that is asked for more than once, as a whole and in pieces.

mod server;

use curio_http::Response;
use server::{Reply, Server};
use std::fs;
use std::path::PathBuf;

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
        // The error is not forgotten: whoever begins again is told again.
        assert!(response.iter_chunked(4).next().await.expect("no silent end").is_err());
        assert!(response.text().await.expect_err("cut off").is_body());
    });
}
