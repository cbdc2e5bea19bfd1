//! After a 101 the connection is a stream of bytes.

use curio::Kernel;
use curio_http::{ClientSession, Error, Response};
use curio_support::{HostileServer, Script, TestAuthority};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::time::Duration;

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

async fn ask(session: &ClientSession, url: String) -> Result<Response, Error> {
    session.get(url).header("Connection", "upgrade").header("Upgrade", "echo").await
}

async fn talk(session: &ClientSession, server: &HostileServer) {
    let response = ask(session, server.url("/")).await.expect("a response");
    assert_eq!(response.status_code(), 101);
    let mut stream = response.upgrade().expect("a stream");
    assert_eq!(stream.remote_addr(), Some(server.address()));
    assert_eq!((stream.header("upgrade"), stream.headers().len()), (Some("echo"), 2));
    let mut first = [0; 5];
    stream.read_exact(&mut first).await.expect("what came with the head");
    assert_eq!(&first, b"hello");
    stream.write_all(b"question").await.expect("room");
    stream.flush().await.expect("room");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the rest");
    assert_eq!(answer, b"answer");
    stream.close().await.expect("a goodbye");
}

fn script() -> Script {
    Script::new().read_head().send(format!("{SWITCH}hel")).send("lo").read(8).send("answer").close()
}

#[test]
fn a_switch_that_was_asked_for_leaves_a_stream() {
    curio::testing::run(async {
        let server = HostileServer::start([script()]).await.expect("a server");
        let session = ClientSession::new();
        talk(&session, &server).await;
        drop(session);
        server.close().await;
    });
}

#[test]
fn over_tls_too() {
    Kernel::builder().virtual_clock(true).run(async {
        let authority = TestAuthority::new().expect("an authority");
        let identity = authority.localhost().expect("a certificate");
        let server = HostileServer::start_tls(&identity, [script()]).await.expect("a server");
        let session =
            ClientSession::builder().only_root_certificates(authority.ca_pem()).build().expect("a session");
        talk(&session, &server).await;
    });
}

#[test]
fn case_065_a_switch_that_nobody_asked_for_is_an_error() {
    Kernel::builder().virtual_clock(true).run(async {
        let to_h2 = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
        for (script, asks) in [(SWITCH, false), (to_h2, true)] {
            let server = HostileServer::start([Script::new().read_head().send(script).stall()])
                .await
                .expect("a server");
            let session = ClientSession::new();
            let error = if asks {
                ask(&session, server.url("/")).await.expect_err("another protocol")
            } else {
                session.get(server.url("/")).await.expect_err("unasked")
            };
            assert!(error.is_protocol(), "{error}");
        }
    });
}

#[test]
fn a_server_that_does_not_switch_gives_a_response_and_no_stream() {
    Kernel::builder().virtual_clock(true).run(async {
        let script =
            Script::new().read_head().send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
        let server = HostileServer::start([script]).await.expect("a server");
        let response = ask(&ClientSession::new(), server.url("/")).await.expect("a response");
        let error = response.upgrade().expect_err("no switch");
        assert!(error.is_protocol() && error.to_string().contains("426"), "{error}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(426));
    });
}

#[test]
fn the_stream_keeps_its_place_until_it_is_dropped() {
    Kernel::builder().virtual_clock(true).run(async {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let server = HostileServer::start([
            Script::new().read_head().send(SWITCH).stall(),
            Script::new().read_request().send(ok),
        ])
        .await
        .expect("a server");
        let session = ClientSession::builder().max_connections_per_host(1).build().expect("a session");
        let stream = ask(&session, server.url("/")).await.expect("a response").upgrade().expect("a stream");
        let second = curio::timeout_after(Duration::from_secs(1), session.get(server.url("/"))).await;
        assert!(second.is_err(), "the only place is taken");
        drop(stream);
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
    });
}
