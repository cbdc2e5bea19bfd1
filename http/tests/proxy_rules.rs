//! Proxies by scheme, by host and by request, and hosts without one.

mod server;

use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, ClientSessionBuilder, Error, ErrorKind};
use curio_support::TestProxy;
use server::{Received, Reply, Server};

/// A proxy that answers requests itself, with its name.
fn proxy(name: &'static str) -> Server {
    Server::answering(move |request: &Received| {
        let credentials =
            request.header("proxy-authorization").map(|_| " with credentials").unwrap_or_default();
        Reply::ok(&format!("{name}{credentials}"))
    })
}

fn builder() -> ClientSessionBuilder {
    ClientSession::builder().trust_env(false)
}

async fn answers(session: &ClientSession, urls: &[&str]) -> Vec<String> {
    let mut answers = Vec::new();
    for url in urls {
        let response = session.get(*url).await;
        answers.push(response.expect(url).text().await.expect(url));
    }
    answers
}

#[test]
fn the_first_proxy_that_fits_is_used_and_else_that_for_all() {
    let (a, b, others) = (proxy("a"), proxy("b"), proxy("others"));
    let session = builder()
        .proxy(others.url("/"))
        .proxy_for("a.test:8080", b.url("/"))
        .proxy_for("a.test", a.url("/"))
        .proxy_for("http://b.test", b.url("/"))
        .proxy_for("https", "http://nothing.invalid:1")
        .build()
        .expect("good settings");
    let urls =
        ["http://a.test/", "http://x.a.test/", "http://a.test:8080/", "http://b.test/", "http://c.test/"];
    let answers = curio::run(answers(&session, &urls));
    assert_eq!(answers, ["a", "a", "b", "b", "others"]);
    let error = curio::run(async { session.get("https://c.test/").await.expect_err("no such proxy") });
    assert!(error.is_proxy() && error.to_string().contains("nothing.invalid"), "{error}");
}

#[test]
fn hosts_without_a_proxy_are_connected_to_directly() {
    let (all, server) = (proxy("the proxy"), proxy("the server"));
    let address = server.addr();
    let session = builder()
        .proxy(all.url("/"))
        .proxy_for("direct.test", all.url("/"))
        .no_proxy_for("direct.test, 127.0.0.0/8")
        .no_proxy_for("bücher.test")
        .resolve("direct.test", address)
        .resolve("bücher.test", address)
        .build()
        .expect("good settings");
    let port = address.port();
    let at = |host: &str| format!("http://{host}:{port}/");
    let urls = ["direct.test", "127.0.0.1", "bücher.test", "other.test"].map(at);
    let answers = curio::run(answers(&session, &urls.each_ref().map(String::as_str)));
    assert_eq!(answers, ["the server", "the server", "the server", "the proxy"]);
}

#[test]
fn a_request_has_its_own_proxy_or_none_and_its_own_connections() {
    let (of_session, own, server) = (proxy("the session's"), proxy("its own"), proxy("none"));
    curio::run(async {
        let session = builder().proxy(of_session.url("/")).no_proxy_for("a.test").build()?;
        let there = server.url("/");
        let with_credentials = own.url("/").replace("http://", "http://ann:secret@");
        for _ in 0..2 {
            assert_eq!(session.get(&there).await?.text().await?, "the session's");
            assert_eq!(session.get(&there).proxy(own.url("/")).await?.text().await?, "its own");
            let other = session.get(&there).proxy(&with_credentials);
            assert_eq!(other.await?.text().await?, "its own with credentials");
            assert_eq!(session.get(&there).no_proxy().await?.text().await?, "none");
            let listed = session.get("http://a.test/").proxy(own.url("/"));
            assert_eq!(listed.await?.text().await?, "its own");
        }
        Ok::<_, Error>(())
    })
    .expect("responses");
    assert_eq!((of_session.connections(), own.connections(), server.connections()), (1, 3, 1));
}

#[test]
fn the_proxy_of_a_request_is_for_its_redirects_too() {
    let own = Server::answering(|request: &Received| match request.target.contains("a.test") {
        true => Reply::redirect("302 Found", "http://b.test/"),
        false => Reply::ok(&request.target),
    });
    let text = curio::run(async {
        builder().build()?.get("http://a.test/").proxy(own.url("/")).await?.text().await
    });
    assert_eq!(text.expect("a response"), "http://b.test/");
}

#[test]
fn a_proxy_of_a_request_reaches_names_that_only_it_knows() {
    curio::run(async {
        let proxy = TestProxy::http(None).await.expect("a proxy");
        let server = curio_support::Httpbin::start().await.expect("a server");
        let session = builder().build().expect("good settings");
        let port = server.address().port();
        let request = session.get(format!("http://a.test:{port}/get")).proxy(proxy.url("http"));
        assert_eq!(request.await.expect("a response").status_code(), 200);
    });
}

#[test]
fn a_proxy_without_sense_is_refused_by_the_session_and_by_the_request() {
    for (builder, word) in [
        (builder().proxy_for("ftp://a.test", "http://p:1"), "ftp://a.test"),
        (builder().proxy_for("http", "gopher://ann:secret@p"), "gopher"),
        (builder().proxy_for("*.a.test", "http://p:1"), "has no *"),
        (builder().no_proxy_for("a.test, b.test:http"), "b.test:http"),
        (builder().no_proxy_for("10.0.0.0/99"), "10.0.0.0/99"),
        (builder().no_proxy_for("a@b"), "a@b"),
    ] {
        let error = builder.build().expect_err(word).to_string();
        assert!(error.contains(word) && !error.contains("secret"), "{error}");
    }
    let request = ClientSession::new().get("http://a.test/").proxy("gopher://ann:secret@p");
    let error = request.build().expect_err("no proxy");
    assert!(error.is_url() && !error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_connector_makes_connections_without_a_proxy_and_says_so() {
    curio::testing::run(async {
        let session = Mock::new().otherwise(|_| Answer::text("mocked")).session();
        let request = session.get("http://h.test/").proxy("http://p.test:1");
        let error = request.await.expect_err("the connector has no proxies");
        assert!(error.is_request() && error.to_string().contains("leave one of them out"), "{error}");
        let direct = session.get("http://h.test/").no_proxy();
        assert_eq!(direct.await.expect("a response").status_code(), 200);
    });
}

#[test]
fn no_proxy_forgets_all_of_them() {
    let server = proxy("the server");
    let session =
        builder().proxy("http://p.invalid").proxy_for("http", "http://p.invalid").no_proxy().build();
    let answers = curio::run(answers(&session.expect("good settings"), &[&server.url("/")]));
    assert_eq!(answers, ["the server"]);
}

#[test]
fn kinds_of_errors_are_those_of_other_proxies() {
    let error =
        curio::run(async { builder().build()?.get("http://a.test/").proxy("http://127.0.0.1:1").await });
    assert_eq!(error.expect_err("nothing listens").kind(), ErrorKind::Proxy);
}
