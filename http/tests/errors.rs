//! Bad input: each thing that can go wrong gives an error of its kind, in one line that names method, address, step
//! and cause; nothing hangs, and no connection is left open.

mod server;

use curio_http::{ClientSession, Error, ErrorKind};
use curio_support::{HostileServer, Script};
use server::{Reply, Server};
use std::error::Error as _;
use std::time::Duration;

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// Gets from a server that plays `script`, body included.
fn get_from(script: Script) -> Error {
    curio::run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let session =
            ClientSession::builder().read_timeout(Duration::from_secs(5)).build().expect("good settings");
        let result = match session.get(server.url("/path?q")).await {
            Ok(mut response) => response.binary().await.map(|body| format!("{body:?}")),
            Err(error) => Err(error),
        };
        let error = result.expect_err("the server misbehaves");
        assert!(error.to_string().starts_with(&format!("GET {}: ", server.url("/path?q"))), "{error}");
        one_line_and_each_cause_once(&error);
        assert!(server.all_closed().await, "the connection is closed: {error}");
        error
    })
}

fn answering(bytes: impl Into<Vec<u8>>) -> Error {
    get_from(Script::new().read_head().send(bytes).stall())
}

fn closing_after(bytes: impl Into<Vec<u8>>) -> Error {
    get_from(Script::new().read_head().send(bytes).close())
}

fn one_line_and_each_cause_once(error: &Error) {
    let mut text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 500, "{text}");
    let mut source = error.source();
    while let Some(cause) = source {
        assert!(!text.contains(&cause.to_string()), "{cause} is printed twice: {text}");
        text = format!("{text}: {cause}");
        source = cause.source();
    }
}

#[test]
fn an_unknown_host_is_a_dns_error() {
    let error =
        curio::run(ClientSession::new().get("http://no-such-host.invalid/x")).expect_err("no such host");
    assert_eq!(error.kind(), ErrorKind::Dns);
    let line = error.to_string();
    assert!(line.starts_with("GET http://no-such-host.invalid/x: "), "{line}");
    assert_eq!(line.matches("no-such-host.invalid").count(), 2, "{line}");
    one_line_and_each_cause_once(&error);
}

#[test]
fn a_refused_connection_is_a_connect_error_with_the_address() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let addr = listener.local_addr().expect("an address");
    drop(listener);
    let error =
        curio::run(ClientSession::new().post(format!("http://{addr}/"))).expect_err("nothing listens");
    assert!(error.is_connect());
    let line = error.to_string();
    assert!(line.starts_with(&format!("POST http://{addr}/: connecting to {addr}: ")), "{line}");
    assert!(line.contains("refused"), "{line}");
    assert!(error.inner().is_some_and(|cause| cause.is::<std::io::Error>()));
    one_line_and_each_cause_once(&error);
}

#[test]
fn a_server_that_closes_without_a_word_is_a_protocol_error() {
    let error = closing_after("");
    assert!(error.is_protocol() && error.to_string().contains("without a reply"), "{error}");
}

#[test]
fn a_server_that_closes_within_the_head_is_a_protocol_error() {
    for end in 1..HEAD.len() {
        assert!(closing_after(&HEAD[..end]).is_protocol());
    }
}

#[test]
fn a_server_that_resets_within_the_head_is_a_protocol_error() {
    let reset = get_from(Script::new().read_head().send(HEAD).wait(Duration::from_millis(10)).reset());
    assert!(reset.is_protocol() && reset.to_string().contains("reset"), "{reset}");
}

#[test]
fn a_server_that_closes_within_the_body_is_a_body_error_with_both_numbers() {
    let error = closing_after(format!("{HEAD}Content-Length: 10\r\n\r\nabc"));
    assert!(error.is_body() && error.to_string().contains("3 of 10"), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    for cut in ["", "5", "5\r\n", "5\r\nab", "5\r\nabcde", "5\r\nabcde\r\n", "0\r\n", "0\r\nX: 1\r\n"] {
        let error = closing_after(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{cut}"));
        assert!(error.is_body(), "{cut:?}: {error}");
    }
}

#[test]
fn a_server_that_resets_within_the_body_is_a_body_error() {
    let script = Script::new().read_head().send(format!("{HEAD}Content-Length: 10\r\n\r\nabc"));
    let error = get_from(script.wait(Duration::from_millis(10)).reset());
    assert!(error.is_body() && error.to_string().contains("reset"), "{error}");
}

#[test]
fn a_reset_of_a_body_that_ends_with_the_connection_is_an_error_too() {
    let script =
        Script::new().read_head().send(format!("{HEAD}\r\nabc")).wait(Duration::from_millis(10)).reset();
    assert!(get_from(script).is_body());
}

#[test]
fn what_came_before_the_error_can_be_had() {
    curio::run(async {
        let script = Script::new().read_head().send(format!("{HEAD}Content-Length: 10\r\n\r\nabc")).close();
        let server = HostileServer::start([script]).await.expect("a server");
        let mut response = ClientSession::new().get(server.url("/")).await.expect("a head");
        let mut chunks = response.iter_chunked(100);
        assert_eq!(&chunks.next().await.expect("a piece").expect("no error")[..], b"abc");
        assert!(chunks.next().await.expect("an error").expect_err("cut off").is_body());
    });
}

#[test]
fn an_answer_that_is_not_http_is_a_protocol_error() {
    for nonsense in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\0\0\0\0\0\0\0\0\0\0\0\0",
        "HTTP/2.0 200 OK\r\n\r\n",
        "<html>",
        "200 OK\r\n\r\n",
    ] {
        assert!(closing_after(nonsense).is_protocol(), "{nonsense:?}");
    }
    let tls = closing_after(&b"\x15\x03\x03\x00\x02\x02\x46\x15\x03\x03\x00\x02"[..]);
    assert!(tls.is_protocol() && tls.to_string().contains("TLS"), "{tls}");
}

#[test]
fn broken_framing_is_a_protocol_error() {
    for fields in [
        "Content-Length: +5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Bad Name: x",
        "no colon",
    ] {
        assert!(answering(format!("{HEAD}{fields}\r\n\r\nabcde")).is_protocol(), "{fields}");
    }
    for chunks in ["\r\n", "x\r\n", "-1\r\n", "5\r\nabcdefg", "FFFFFFFFFFFFFFFFF\r\n", "1\nx\n"] {
        assert!(
            answering(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}")).is_protocol(),
            "{chunks:?}"
        );
    }
}

#[test]
fn heads_beyond_the_limits_are_too_large() {
    assert!(answering(format!("{HEAD}X: {}\r\n\r\n", "x".repeat(70_000))).is_too_large());
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert!(answering(format!("{HEAD}{many}\r\n")).is_too_large());
    assert!(answering("HTTP/1.1 100 Continue\r\n\r\n".repeat(40)).is_too_large());
    let server = Server::answering(|_| {
        Reply::with("200 OK", "X-Long: 0123456789012345678901234567890123456789\r\n", "")
    });
    let session = ClientSession::builder().max_response_head(64).build().expect("good settings");
    assert!(curio::run(session.get(server.url("/"))).expect_err("a long head").is_too_large());
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_a_protocol_error() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert!(answering(head).is_protocol());
}

#[test]
fn case_009_credentials_appear_in_no_error() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/redirect" => Reply::redirect("302 Found", "ftp://ann:secret@h/"),
        _ => Reply::with("500 Oops", "", "no json"),
    });
    let url = |path: &str| server.url(path).replace("http://", "http://ann:secret@");
    curio::run(async {
        let session = ClientSession::new();
        let mut response = session.get(url("/")).await.expect("a response");
        let errors = [
            response.raise_for_status().expect_err("a 500"),
            response.json::<i32>().await.expect_err("no json"),
            session.get(url("/redirect")).await.expect_err("ftp"),
            session
                .get(url("/").replace("127.0.0.1", "no-such-host.invalid"))
                .await
                .expect_err("no such host"),
        ];
        for error in errors {
            let text = format!("{error} {error:?} {:?}", error.url());
            assert!(!text.contains("secret") && !text.contains("ann"), "{text}");
        }
    });
}

#[test]
fn an_error_converts_into_any_error() {
    fn any() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(curio_http::Url::parse("nonsense").expect_err("no address"))?
    }
    assert!(any().expect_err("an error").is::<Error>());
}
