//! HTTP/2: one connection for all requests of an origin, by ALPN or by prior knowledge.
#![cfg(feature = "http2")]

mod h2_server;
mod tls_server;

use bytes::Bytes;
use curio_http::ClientSession;
use h2::server::Builder;
use h2_server::H2Server;
use http::Version;
use std::sync::Arc;
use tls_server::Authority;

fn knowing() -> ClientSession {
    ClientSession::builder().http2_prior_knowledge().build().expect("good settings")
}

#[test]
fn a_server_that_is_known_to_speak_it_is_spoken_to_without_tls() {
    curio::run(async {
        let server = H2Server::start(async |exchange| exchange.ok("hello").await);
        let mut response = knowing().get(server.url("/a?b=c")).await.expect("a response");
        assert_eq!((response.version(), response.http_version()), (Version::HTTP_2, "2"));
        assert_eq!(response.text().await.expect("a body"), "hello");
        assert_eq!(*server.seen.requests.borrow(), ["GET /a"]);
        server.stop().await;
    });
}

#[test]
fn all_requests_to_an_origin_share_one_connection() {
    curio::run(async {
        let server = H2Server::start(async |exchange| {
            let path = exchange.path();
            exchange.ok(path).await;
        });
        let session = knowing();
        let tasks: Vec<_> = (0..300)
            .map(|n| {
                let request = session.get(server.url(&format!("/{n}")));
                curio::spawn(async move { request.await?.text().await })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let text = task.join().await.expect("no panic").expect("a response");
            assert_eq!(text, format!("/{n}"));
        }
        assert_eq!(server.seen.connections.get(), 1);
        assert!(server.seen.most_in_progress.get() <= 100, "{}", server.seen.most_in_progress.get());
        server.stop().await;
    });
}

#[test]
fn a_request_body_is_sent_as_flow_control_allows() {
    curio::run(async {
        let server = H2Server::start(async |mut exchange| {
            let body = exchange.body().await;
            exchange.ok(format!("{}", body.iter().map(|byte| u64::from(*byte)).sum::<u64>())).await;
        });
        let body: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
        let mut response = knowing().post(server.url("/")).body(body).await.expect("a response");
        assert_eq!(response.text().await.expect("a body"), sum.to_string());
        server.stop().await;
    });
}

#[test]
fn a_large_response_is_read_in_pieces() {
    curio::run(async {
        let body: Bytes = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
        let sent = body.clone();
        let server = H2Server::start(async move |exchange| exchange.ok(sent.clone()).await);
        let mut response = knowing().get(server.url("/")).await.expect("a response");
        assert!(response.binary().await.expect("a body") == body);
        server.stop().await;
    });
}

#[test]
fn alpn_decides_and_only_one_handshake_is_made() {
    curio::run(async {
        let authority = Authority::new(|_| {});
        let config = Arc::new(authority.server(&["localhost"], "x", &[b"h2", b"http/1.1"]));
        let server = H2Server::with(Builder::new(), Some(config), async |exchange| exchange.ok("ok").await);
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .resolve("localhost", server.addr)
            .build()
            .expect("good settings");
        let url = format!("https://localhost:{}/", server.addr.port());
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let request = session.get(&*url);
                curio::spawn(async move { request.await.map(|response| response.version()) })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.join().await.expect("no panic").expect("a response"), Version::HTTP_2);
        }
        assert_eq!(server.seen.connections.get(), 1);
        session.close().await;
        server.stop().await;
    });
}
