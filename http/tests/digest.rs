//! Digest authentication, as a program uses it.
#![cfg(feature = "digest")]

mod server;

use curio_http::Error;
use curio_support::peers::PypiHttpbin;
use server::{ClientSession, Received, Reply, Server};

fn challenge(more: &str) -> Reply {
    let field = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"{more}\r\n");
    Reply::with("401 Unauthorized", &field, "")
}

/// Accepts credentials of `user` without checking the hash, and responds with the Authorization field that it received.
fn trusting() -> Server {
    Server::answering(|request: &Received| match request.header("authorization") {
        Some(answer) if answer.contains("username=\"user\"") => Reply::ok(answer),
        _ => challenge(""),
    })
}

#[test]
fn the_first_request_is_asked_and_the_others_answer_in_advance() {
    let server = trusting();
    let session = ClientSession::new();
    let answers = curio::run(async {
        let mut answers = Vec::new();
        for path in ["/a", "/b?c", "/d"] {
            let mut response = session.get(server.url(path)).digest_auth("user", "pass").await?;
            answers.push(response.text().await?);
        }
        Ok::<_, Error>(answers)
    })
    .expect("answers");
    assert_eq!(server.requests().len(), 4);
    for (answer, (count, target)) in answers.iter().zip([(1, "/a"), (2, "/b?c"), (3, "/d")]) {
        assert!(
            answer.contains(&format!("nc={count:08}")) && answer.contains(&format!("uri=\"{target}\"")),
            "{answer}"
        );
        assert!(!answer.contains("pass"));
    }
    assert!(server.requests()[0].header("authorization").is_none());
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let server = Server::answering(|_| challenge(""));
    let response =
        curio::run(async { ClientSession::new().get(server.url("/")).digest_auth("user", "wrong").await });
    assert_eq!(response.expect("a response").status_code(), 401);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_old_nonce_is_replaced() {
    let server = Server::answering(|request: &Received| match request.header("authorization") {
        Some(answer) if answer.contains("n2") => Reply::ok("ok"),
        Some(_) => Reply::with(
            "401 No",
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", qop=\"auth\", stale=true\r\n",
            "",
        ),
        None => challenge(""),
    });
    let response =
        curio::run(async { ClientSession::new().get(server.url("/")).digest_auth("user", "pass").await });
    assert_eq!(response.expect("a response").status_code(), 200);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_finds_every_nonce_old_is_given_up() {
    let server = Server::answering(|_| challenge(", stale=true"));
    let response =
        curio::run(async { ClientSession::new().get(server.url("/")).digest_auth("user", "pass").await });
    assert_eq!(response.expect("a response").status_code(), 401);
    assert!(server.requests().len() <= 3);
}

#[test]
fn a_body_is_sent_again_with_the_answer() {
    let server = trusting();
    curio::run(async {
        let response =
            ClientSession::new().post(server.url("/")).data("body").digest_auth("user", "pass").await?;
        response.raise_for_status()
    })
    .expect("an answer");
    assert!(server.requests().iter().all(|request| request.text() == "body"));
}

#[test]
fn another_origin_gets_no_answer() {
    let other = trusting();
    let there = other.url("/");
    let server = Server::answering(move |request: &Received| match request.header("authorization") {
        Some(_) => Reply::redirect("302 Found", &there),
        None => challenge(""),
    });
    let response =
        curio::run(async { ClientSession::new().get(server.url("/")).digest_auth("user", "pass").await });
    assert_eq!(response.expect("a response").status_code(), 401);
    assert!(other.request().header("authorization").is_none());
}

#[test]
fn a_redirect_within_the_origin_gets_an_answer_of_its_own() {
    let server =
        Server::answering(|request: &Received| match (request.header("authorization"), &*request.target) {
            (None, _) => challenge(""),
            (Some(_), "/old") => Reply::redirect("302 Found", "/new"),
            (Some(answer), _) => Reply::ok(answer),
        });
    let answer = curio::run(async {
        ClientSession::new().get(server.url("/old")).digest_auth("user", "pass").await?.text().await
    });
    assert!(answer.expect("an answer").contains("uri=\"/new\""));
}

#[test]
fn credentials_in_the_address_are_not_sent_in_the_open_beside_it() {
    let server = trusting();
    let url = server.url("/").replace("http://", "http://user:pass@");
    curio::run(async { ClientSession::new().get(url).digest_auth("user", "pass").await }).expect("an answer");
    assert!(server.requests().iter().all(|request| !request.head.contains("Basic")));
}

#[test]
fn the_original_httpbin_believes_us() {
    let Some(original) = PypiHttpbin::start().expect("a server") else { return };
    curio::run(async {
        for algorithm in ["MD5", "SHA-256"] {
            let session = curio_http::ClientSession::new();
            let url = original.url(&format!("/digest-auth/auth/user/pass/{algorithm}"));
            // It ties its challenges to a cookie.
            let response = session.get(&url).digest_auth("user", "pass").await?;
            assert_eq!(response.status_code(), 200, "{algorithm}");
            let response = session.get(&url).digest_auth("user", "wrong").await?;
            assert_eq!(response.status_code(), 401, "{algorithm}");
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
}
