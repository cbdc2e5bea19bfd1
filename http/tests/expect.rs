//! `Expect: 100-continue`: asking before a large body is sent.

use curio::{Kernel, clock};
use curio_http::{Body, ClientSession, HeaderValue};
use curio_support::{HostileServer, Script};
use std::cell::Cell;
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

fn with(scripts: impl IntoIterator<Item = Script>, program: impl AsyncFnOnce(&HostileServer)) {
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start(scripts).await.expect("a server");
        program(&server).await;
    });
}

#[test]
fn the_body_waits_for_the_servers_word() {
    let script = Script::new().read_head().wait(Duration::from_millis(700)).send(CONTINUE).read(4).send(OK);
    with([script], async |server| {
        let start = clock();
        let upload = ClientSession::new().put(server.url("/")).header("Expect", "100-continue").data("body");
        assert_eq!(upload.await.expect("a response").status_code(), 200);
        assert!(clock() - start >= Duration::from_millis(700));
        assert!(server.received(0).ends_with("\r\n\r\nbody"));
    });
}

#[test]
fn a_server_that_says_nothing_gets_the_body_after_a_second() {
    with([Script::new().read_request().send(OK)], async |server| {
        let start = clock();
        let upload = ClientSession::new().put(server.url("/")).header("Expect", "100-Continue").data("body");
        assert_eq!(upload.await.expect("a response").status_code(), 200);
        let took = clock() - start;
        assert!((Duration::from_secs(1)..Duration::from_secs(2)).contains(&took), "{took:?}");
    });
}

#[test]
fn the_wait_can_be_set() {
    with([Script::new().read_request().send(OK)], async |server| {
        let session =
            ClientSession::builder().expect_timeout(Duration::from_secs(7)).build().expect("a session");
        let start = clock();
        session.put(server.url("/")).header("Expect", "100-continue").data("body").await.expect("a response");
        let took = clock() - start;
        assert!((Duration::from_secs(7)..Duration::from_secs(8)).contains(&took), "{took:?}");
    });
}

#[test]
fn case_133_the_wait_of_expect_is_within_the_limit_of_the_whole_request() {
    with([Script::new().read_head().stall()], async |server| {
        let session =
            ClientSession::builder().expect_timeout(Duration::from_secs(60)).build().expect("a session");
        let start = clock();
        let upload = session.put(server.url("/")).header("Expect", "100-continue").data("body");
        let error = upload.timeout(Duration::from_secs(2)).await.expect_err("no word and no answer");
        assert!(error.is_timeout() && error.to_string().contains("2s in all"), "{error}");
        assert!(clock() - start < Duration::from_secs(3));
        assert!(!server.received(0).contains("body"), "it was sent after the limit");
    });
}

#[test]
fn a_server_that_does_not_know_the_field_gets_the_request_without() {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    let scripts = [Script::new().read_head().send(refusal).stall(), Script::new().read_request().send(OK)];
    with(scripts, async |server| {
        // Even a reader can be sent now, because nothing of it has been.
        let body = Body::from_reader(futures_reader("streamed"));
        let upload = ClientSession::new().put(server.url("/")).header("Expect", "100-continue").body(body);
        assert_eq!(upload.await.expect("a response").status_code(), 200);
        assert!(
            server.received(0).contains("expect: 100-continue") && !server.received(0).contains("streamed")
        );
        assert!(!server.received(1).contains("expect") && server.received(1).contains("streamed"));
    });
}

#[test]
fn a_second_417_is_the_response() {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    with([Script::new().read_head().send(refusal).stall()], async |server| {
        let upload = ClientSession::new().put(server.url("/")).header("Expect", "100-continue").data("body");
        assert_eq!(upload.await.expect("a response").status_code(), 417);
        assert_eq!(server.connections(), 2);
    });
}

/// The field is not the request's own, so there is nothing to leave out: the hook would set it again, for ever.
#[test]
fn a_417_to_a_field_that_a_hook_has_set_is_the_response() {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n";
    with([Script::new().read_head().send(refusal).stall()], async |server| {
        let tries = Cell::new(0);
        let session = ClientSession::builder()
            .on_request(move |request| {
                assert!(tries.replace(tries.get() + 1) < 5, "it is sent again and again");
                request.headers_mut().insert("expect", HeaderValue::from_static("100-continue"));
            })
            .build()
            .expect("good settings");
        let response = session.put(server.url("/")).data("body").await.expect("a response");
        assert_eq!((response.status_code(), server.connections()), (417, 1));
    });
}

#[test]
fn other_news_does_not_release_the_body() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let script = Script::new()
        .read_head()
        .send(hints)
        .wait(Duration::from_millis(400))
        .send(CONTINUE)
        .read(4)
        .send(OK);
    with([script], async |server| {
        let start = clock();
        let upload = ClientSession::new().put(server.url("/")).header("Expect", "100-continue").data("body");
        assert_eq!(upload.await.expect("a response").status_code(), 200);
        assert!(clock() - start >= Duration::from_millis(400));
    });
}

#[test]
fn without_a_body_nothing_is_expected() {
    with([Script::new().read_request().send(OK)], async |server| {
        let start = clock();
        let request = ClientSession::new().get(server.url("/")).header("Expect", "100-continue");
        assert_eq!(request.await.expect("a response").status_code(), 200);
        assert!(clock() - start < Duration::from_secs(1));
        assert!(!server.received(0).contains("expect"));
    });
}

#[test]
fn the_connection_is_kept_after_a_body_that_was_asked_for() {
    let script = Script::new().read_head().send(CONTINUE).read(4).send(OK).read_request().send(OK);
    with([script], async |server| {
        let session = ClientSession::new();
        session.put(server.url("/")).header("Expect", "100-continue").data("body").await.expect("a response");
        session.get(server.url("/")).await.expect("a response");
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn an_end_instead_of_a_word_is_an_error() {
    with([Script::new().read_head().close()], async |server| {
        let upload = ClientSession::new().post(server.url("/")).header("Expect", "100-continue").data("body");
        assert!(upload.await.expect_err("no answer").is_protocol());
    });
}

/// A reader of a text, one byte at a time.
fn futures_reader(text: &'static str) -> impl futures_io::AsyncRead + Unpin + 'static {
    text.as_bytes()
}
