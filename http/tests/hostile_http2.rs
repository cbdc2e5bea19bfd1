//! HTTP/2 where it is not spoken: it is not offered then, is not taken for HTTP/1, and its floods find no one to flood.
//! `hostile_http2_frames.rs` has the cases of connections that speak it.

mod server;
mod tls_server;

use curio_http::h1::{BodyLength, Connection, LocalError, RequestHead};
use curio_http::{ClientSession, Method};
use http::HeaderMap;
use http::header::{HOST, HeaderValue};
use server::Server;
use std::io::Write;
use tls_server::{Authority, TlsServer};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An empty settings frame, and one that acknowledges settings: how a server of HTTP/2 begins.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";

#[test]
fn case_139_a_flood_of_frames_where_http_1_is_spoken_ends_with_the_first_of_them() {
    let empty_data = [0, 0, 0, 0, 0, 0, 0, 0, 1];
    let continuation = [0, 0, 1, 9, 0, 0, 0, 0, 1, 0x88];
    let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
    for frame in [&empty_data[..], &continuation, &reset, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let flood = [SETTINGS, &frame.repeat(100_000)].concat();
        let server = Server::on_connection(move |_, mut stream| {
            let _ = stream.write_all(&flood);
        });
        let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err("no HTTP/1");
        assert!(error.is_protocol() && error.to_string().contains("not HTTP/1"), "{error}");
        assert!(server.all_closed());
    }
}

#[test]
fn case_140_http_2_is_not_offered_without_the_feature_or_if_it_is_switched_off() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["localhost"], "x", &[b"h2", b"http/1.1"]), OK);
    let builder = ClientSession::builder();
    #[cfg(feature = "http2")]
    let builder = builder.http2(false);
    let session = builder
        .only_root_certificates(authority.pem())
        .resolve("localhost", server.address)
        .build()
        .expect("good settings");
    let url = format!("https://localhost:{}/", server.address.port());
    assert!(curio::run(session.get(url)).expect("an answer").ok());
    assert_eq!(server.seen()[0].protocol.as_deref(), Some(&b"http/1.1"[..]), "though the server prefers h2");
}

#[test]
fn case_140_the_preface_of_http_2_cannot_be_sent() {
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("h"))]);
    let pri = Method::from_bytes(b"PRI").expect("a token");
    let head = RequestHead { method: &pri, target: "*", headers: &headers };
    let refusal = Connection::new().start(&head, BodyLength::None, &mut Vec::new());
    assert_eq!(refusal, Err(LocalError::Target));
}

#[test]
fn case_141_a_status_line_of_http_2_is_refused() {
    for line in ["HTTP/2 200\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", ":status: 200\r\n\r\n"] {
        let server = Server::on_connection(move |_, mut stream| {
            let _ = stream.write_all(line.as_bytes());
            let _ = server::Reader::new(stream).request();
        });
        let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err(line);
        assert!(error.is_protocol(), "{error}");
    }
}

#[test]
fn case_142_hosts_that_share_a_certificate_and_an_address_share_no_connection() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["*.example.test"], "x", &[b"http/1.1"]), OK);
    let session = ClientSession::builder()
        .only_root_certificates(authority.pem())
        .resolve("a.example.test", server.address)
        .resolve("b.example.test", server.address)
        .build()
        .expect("good settings");
    curio::run(async {
        for host in ["a", "b", "a", "b"] {
            let url = format!("https://{host}.example.test:{}/", server.address.port());
            let mut response = session.get(url).await.expect("an answer");
            assert_eq!(response.text().await.expect("a body"), "ok");
        }
    });
    let names: Vec<_> = server.seen().into_iter().filter_map(|seen| seen.name).collect();
    assert_eq!(names, ["a.example.test", "b.example.test"]);
}
