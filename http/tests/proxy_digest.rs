//! Digest authentication at proxies.
#![cfg(feature = "digest")]

mod server;

use curio_http::{ClientSession, Error};
use curio_support::TestAuthority;
use server::{Received, Reply, Server};
use std::io::Write;
use std::sync::{Arc, Mutex};

const CHALLENGE: &str =
    "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n";

fn session(proxy: &Server) -> curio_http::ClientSessionBuilder {
    let url = format!("http://ann:s3cret@{}", proxy.addr());
    ClientSession::builder().trust_env(false).proxy(url).proxy_digest_auth(true)
}

/// A proxy that forwards, and believes each answer of `ann`.
fn forwarding() -> Server {
    Server::answering(|request: &Received| match request.header("proxy-authorization") {
        Some(answer) if answer.contains("username=\"ann\"") => Reply::ok(answer),
        _ => Reply::with("407 Who are you?", CHALLENGE, ""),
    })
}

#[test]
fn a_forwarded_request_answers_the_challenge_and_the_next_in_advance() {
    let proxy = forwarding();
    let session = session(&proxy).build().expect("good settings");
    curio::run(async {
        for (count, path) in [(1, "/a?b"), (2, "/c")] {
            let answer = session.post(format!("http://h.test{path}")).data("body").await?.text().await?;
            assert!(answer.contains(&format!("nc={count:08}")), "{answer}");
            assert!(answer.contains(&format!("uri=\"{path}\"")), "{answer}");
        }
        Ok::<_, Error>(())
    })
    .expect("responses");
    let seen = proxy.requests();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| !request.head.contains("Basic") && !request.head.contains("s3cret")));
    assert!(seen.iter().all(|request| request.text() == "body"));
}

#[test]
fn a_wrong_password_is_the_proxys_answer() {
    let proxy = Server::answering(|_| Reply::with("407 Who are you?", CHALLENGE, ""));
    let response = curio::run(async { session(&proxy).build()?.get("http://h.test/").await });
    assert_eq!(response.expect("a response").status_code(), 407);
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn another_origin_is_not_given_the_answer() {
    let direct = Server::answering(|request: &Received| {
        Reply::ok(request.header("proxy-authorization").unwrap_or("none"))
    });
    let there = direct.url("/");
    let proxy = Server::answering(move |request: &Received| match request.header("proxy-authorization") {
        Some(_) => Reply::redirect("302 Found", &there),
        None => Reply::with("407 Who are you?", CHALLENGE, ""),
    });
    let text = curio::run(async {
        session(&proxy).no_proxy_for("127.0.0.1").build()?.get("http://h.test/").await?.text().await
    });
    assert_eq!(text.expect("a response"), "none");
}

/// Proxy and server in one: the tunnel leads to itself. It keeps the credentials that it is given.
fn tunnelling(authority: &TestAuthority, believes: bool) -> (Server, Arc<Mutex<Vec<String>>>) {
    let config = authority.localhost().expect("a certificate").server_config().expect("a configuration");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&asked);
    let proxy = Server::on_connection(move |_, stream| {
        let mut outer = server::Reader::new(stream);
        let Ok(Some(request)) = outer.request() else { return };
        let answer = request.header("proxy-authorization").unwrap_or_default().to_owned();
        given.lock().expect("no panic").push(format!("{} {answer}", request.target));
        if answer.is_empty() || !believes {
            let _ = write!(outer.stream, "HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n{CHALLENGE}\r\n");
            return;
        }
        let _ = outer.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let tls = rustls::ServerConnection::new(config.clone()).expect("a configuration");
        let mut inner = server::Reader::new(rustls::StreamOwned::new(tls, outer.stream));
        while let Ok(Some(request)) = inner.request() {
            let body = request.header("proxy-authorization").unwrap_or("nothing");
            let _ = write!(inner.stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    (proxy, asked)
}

#[test]
fn a_tunnel_is_asked_for_again_with_the_answer() {
    let authority = TestAuthority::new().expect("an authority");
    let (proxy, asked) = tunnelling(&authority, true);
    let session = session(&proxy).only_root_certificates(authority.ca_pem()).max_idle_per_host(0);
    let session = session.build().expect("good settings");
    for _ in 0..2 {
        let text = curio::run(async { session.get("https://localhost/").await?.text().await });
        assert_eq!(text.expect("a response"), "nothing");
    }
    let asked = asked.lock().expect("no panic");
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0], "localhost:443 ");
    for (asked, count) in asked[1..].iter().zip([1, 2]) {
        assert!(
            asked.contains("uri=\"localhost:443\"") && asked.contains(&format!("nc={count:08}")),
            "{asked}"
        );
    }
}

#[test]
fn a_tunnel_that_is_refused_twice_is_an_error() {
    let authority = TestAuthority::new().expect("an authority");
    let (proxy, asked) = tunnelling(&authority, false);
    let error = curio::run(async { session(&proxy).build()?.get("https://localhost/").await });
    let error = error.expect_err("no tunnel");
    assert!(error.is_proxy() && error.to_string().contains("does not accept these credentials"), "{error}");
    assert_eq!(asked.lock().expect("no panic").len(), 2);
}

#[test]
fn a_proxy_without_credentials_is_not_answered() {
    let proxy = forwarding();
    let session = ClientSession::builder().trust_env(false).proxy(proxy.url("")).proxy_digest_auth(true);
    let response = curio::run(async { session.build()?.get("http://h.test/").await });
    assert_eq!(response.expect("a response").status_code(), 407);
    assert_eq!(proxy.requests().len(), 1);
}
