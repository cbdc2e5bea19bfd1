//! Redirects: how far, as what, and with what.

mod server;

use curio_http::{Body, Error, Policy, Url};
use futures_io::AsyncRead;
use server::{ClientSession, Received, Reply, Server};
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Answers `/to` with a redirect to the rest of the query, and everything else with 200.
fn redirecting() -> Server {
    Server::answering(|request| match request.target.split_once("?to=") {
        Some((status, to)) => Reply::redirect(&format!("{} Elsewhere", &status[1..]), to),
        None => Reply::ok("arrived"),
    })
}

/// Sends `method` with a body to a server that answers with `status`; returns the second request.
fn after(status: u16, method: &str) -> Received {
    let server = redirecting();
    let session = ClientSession::new();
    let method = curio_http::Method::from_bytes(method.as_bytes()).expect("a method");
    let request =
        session.request(method, server.url(&format!("/{status}?to=/next"))).header("X-Kept", "1").json(&1);
    curio::run(request).expect("an answer");
    server.requests().pop().expect("requests")
}

fn follow(policy: Policy, path: &str) -> (Server, Result<curio_http::Response, Error>) {
    let server = redirecting();
    let session = ClientSession::builder().redirect(policy).build().expect("good settings");
    let result = curio::run(session.get(server.url(path)));
    (server, result)
}

#[test]
fn case_093_the_method_changes_as_the_status_says() {
    let table = [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (301, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (303, "HEAD", "HEAD"),
    ];
    for (status, before, expected) in table {
        let request = after(status, before);
        assert_eq!(
            (request.target.as_str(), request.method.as_str()),
            ("/next", expected),
            "{status} {before}"
        );
        assert_eq!(request.header("x-kept"), Some("1"));
        let keeps_body = before == expected;
        assert_eq!(request.text() == "1", keeps_body, "{status} {before}");
        assert_eq!(request.header("content-type").is_some(), keeps_body, "{status} {before}");
    }
}

#[test]
fn history_holds_the_hops_in_order_and_url_is_the_last() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/1" => Reply::redirect("302 Found", "/2"),
        "/2" => Reply::redirect("301 Moved", "/3?x=y"),
        _ => Reply::ok("arrived"),
    });
    curio::run(async {
        let mut response = ClientSession::new().get(server.url("/1#top")).await.expect("an answer");
        assert_eq!(response.text().await.expect("a body"), "arrived");
        let history: Vec<_> =
            response.history().iter().map(|hop| (hop.status_code(), hop.url().path().to_owned())).collect();
        assert_eq!(history, [(302, "/1".into()), (301, "/2".into())]);
        assert_eq!(response.url().as_str(), server.url("/3?x=y#top"));
        assert!(response.history().iter().all(|hop| hop.is_redirect()));
    });
    assert_eq!(server.connections(), 1, "the connection is kept over redirects");
}

#[test]
fn case_082_a_loop_ends_at_the_limit_and_the_error_shows_the_chain() {
    let server = Server::answering(|_| Reply::redirect("302 Found", "/again"));
    let session = ClientSession::builder().max_redirects(3).build().expect("good settings");
    let error = curio::run(session.get(server.url("/"))).expect_err("a loop");
    assert!(error.is_redirect());
    assert!(
        error.to_string().contains("more than 3 redirects") && error.to_string().contains("/again ->"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 4);
    let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err("a loop");
    assert!(error.to_string().contains("more than 10 redirects"), "{error}");
}

#[test]
fn exactly_as_many_as_allowed_are_followed() {
    let server = Server::answering(|request| match request.target.len() {
        4 => Reply::ok("arrived"),
        _ => Reply::redirect("302 Found", &format!("{}x", request.target)),
    });
    let get = |limit: usize| {
        let session =
            ClientSession::builder().redirect(Policy::limited(limit)).build().expect("good settings");
        curio::run(session.get(server.url("/")))
    };
    assert_eq!(get(3).expect("three").history().len(), 3);
    assert!(get(2).is_err());
}

#[test]
fn redirects_can_be_switched_off() {
    let (server, response) = follow(Policy::none(), "/302?to=/next");
    let response = response.expect("the redirect itself");
    assert!(response.is_redirect() && response.header("location") == Some("/next"));
    assert_eq!(server.requests().len(), 1);
    let response = curio::run(ClientSession::new().get(server.url("/302?to=/next")).allow_redirects(false));
    assert_eq!(response.expect("the redirect itself").status_code(), 302);
}

#[test]
fn a_custom_policy_is_asked_and_sees_the_way() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/1" => Reply::redirect("302 Found", "/2"),
        "/2" => Reply::redirect("307 Found", "/3"),
        _ => Reply::ok("arrived"),
    });
    let policy = Policy::custom(|attempt| {
        let so_far: Vec<_> = attempt.previous().iter().map(Url::path).collect();
        match attempt.status().as_u16() {
            302 => assert_eq!((so_far, attempt.url().path()), (vec!["/1"], "/2")),
            _ => assert_eq!((so_far, attempt.url().path()), (vec!["/1", "/2"], "/3")),
        }
        attempt.url().path() != "/3"
    });
    let session = ClientSession::builder().redirect(policy).build().expect("good settings");
    let response = curio::run(session.get(server.url("/1"))).expect("the second redirect");
    assert_eq!((response.status_code(), response.url().path(), response.history().len()), (307, "/2", 1));
}

#[test]
fn case_082_an_endless_custom_policy_ends_all_the_same() {
    let server = Server::answering(|_| Reply::redirect("302 Found", "/again"));
    let session = ClientSession::builder().redirect(Policy::custom(|_| true)).build().expect("good settings");
    assert!(curio::run(session.get(server.url("/"))).expect_err("a loop").is_redirect());
}

#[test]
fn case_083_a_redirect_to_anything_but_http_is_refused() {
    for to in ["file:///etc/passwd", "ftp://h/", "data:,x", "javascript:alert(1)", "gopher://h/"] {
        let (_, result) = follow(Policy::default(), &format!("/302?to={to}"));
        let error = result.expect_err(to);
        assert!(
            error.is_redirect() && error.to_string().contains(to.split(':').next().expect("a scheme")),
            "{error}"
        );
    }
}

#[test]
fn case_095_odd_locations_are_errors_or_followed_and_never_a_panic() {
    for to in ["http://", "http://[::1", "http://h:0/", "///", "\\\\evil\\x", "http://a b/", "a\tb", "%"] {
        let server = Server::answering(move |request| match request.target.as_str() {
            "/start" => Reply::redirect("302 Found", to),
            _ => Reply::ok("arrived"),
        });
        let session = ClientSession::builder()
            .max_redirects(2)
            .connect_timeout(std::time::Duration::from_secs(2))
            .build();
        match curio::run(session.expect("good settings").get(server.url("/start"))) {
            Ok(response) => assert_eq!(response.url().host_str(), Some("127.0.0.1"), "{to:?}"),
            Err(error) => {
                assert!(error.is_redirect() || error.is_dns() || error.is_connect(), "{to:?}: {error}")
            }
        }
    }
}

#[test]
fn case_095_two_locations_are_refused() {
    let two: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
    let server = Server::answering(move |_| Reply::raw(two));
    let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err("no place to go");
    assert!(error.is_redirect() || error.is_protocol(), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_redirect_without_a_destination_is_a_plain_response() {
    let server = Server::answering(|_| Reply::with("302 Found", "", "body"));
    let response = curio::run(ClientSession::new().get(server.url("/"))).expect("a response");
    assert!(response.status_code() == 302 && !response.is_redirect());
}

/// The headers of the second request after a redirect from one server to `to(other server)`.
fn credentials_after(to: impl Fn(&Server) -> String, authorize: bool) -> Received {
    let second = Server::answering(|_| Reply::ok("arrived"));
    let target = to(&second);
    let first = Server::answering(move |_| Reply::redirect("307 Elsewhere", &target));
    let mut request = ClientSession::builder()
        .auth("session", "secret")
        .resolve("localhost", second.addr())
        .build()
        .expect("good settings")
        .get(first.url("/"))
        .header("Cookie", "a=b")
        .header("Proxy-Authorization", "Basic x")
        .header("X-Harmless", "1");
    if authorize {
        request = request.bearer_auth("token");
    }
    curio::run(request).expect("an answer");
    assert!(first.request().header("authorization").is_some());
    second.request()
}

#[test]
fn case_086_credentials_do_not_go_to_another_port_or_host() {
    for authorize in [true, false] {
        let other_port = credentials_after(|server| server.url("/"), authorize);
        let other_host =
            credentials_after(|server| format!("http://localhost:{}/", server.addr().port()), authorize);
        for request in [other_port, other_host] {
            assert_eq!(request.header("authorization"), None);
            assert_eq!(request.header("cookie"), None);
            assert_eq!(request.header("proxy-authorization"), None);
            assert_eq!(request.header("x-harmless"), Some("1"));
        }
    }
}

#[test]
fn credentials_stay_within_an_origin() {
    let server = redirecting();
    curio::run(ClientSession::new().get(server.url("/302?to=/next")).bearer_auth("token"))
        .expect("an answer");
    assert!(server.requests().iter().all(|request| request.header("authorization") == Some("Bearer token")));
}

#[test]
fn case_089_dropped_credentials_do_not_come_back_with_the_first_origin() {
    let first = redirecting();
    let home = first.url("/home");
    let second = Server::answering(move |_| Reply::redirect("302 Found", &home));
    let away = second.url("/");
    let start = first.url(&format!("/302?to={away}"));
    curio::run(ClientSession::new().get(start).bearer_auth("token")).expect("an answer");
    let last = first.requests().pop().expect("requests");
    assert_eq!((last.target.as_str(), last.header("authorization")), ("/home", None));
}

#[test]
fn a_host_of_ones_own_does_not_go_to_another_origin() {
    let second = redirecting();
    let away = second.url("/");
    let first = Server::answering(move |_| Reply::redirect("302 Found", &away));
    curio::run(ClientSession::new().get(first.url("/")).header("Host", "mine.example")).expect("an answer");
    assert_eq!(second.request().header("host"), Some(second.addr().to_string().as_str()));
}

#[test]
fn case_092_credentials_in_a_location_are_for_that_origin() {
    let second = Server::answering(|_| Reply::ok("arrived"));
    let away = second.url("/").replace("http://", "http://user:pass@");
    let first = Server::answering(move |_| Reply::redirect("302 Found", &away));
    let response = curio::run(ClientSession::new().get(first.url("/"))).expect("an answer");
    assert_eq!(second.request().header("authorization"), Some("Basic dXNlcjpwYXNz"));
    assert!(!format!("{response:?}").contains("pass"));
}

#[test]
fn case_093_a_reader_cannot_be_sent_twice_and_the_error_says_so() {
    struct Once(usize);
    impl AsyncRead for Once {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(std::mem::take(&mut self.0)))
        }
    }
    let server = redirecting();
    let post = |path| ClientSession::new().post(server.url(path)).body(Body::from_reader(Once(5)));
    let error = curio::run(post("/307?to=/next")).expect_err("spent");
    assert!(error.is_redirect() && error.to_string().contains("reader"), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(307));
    let response = curio::run(post("/303?to=/next"));
    assert!(response.expect("a 303 needs no body").ok());
}

#[test]
fn case_074_the_body_of_a_redirect_is_neither_decoded_nor_waited_for() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/bomb" => {
            Reply::with("302 Found", "Location: /next\r\nContent-Encoding: gzip\r\n", "no gzip at all")
        }
        "/huge" => Reply::raw("HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 99999999\r\n\r\nx")
            .then_stall(),
        _ => Reply::ok("arrived"),
    });
    for path in ["/bomb", "/huge"] {
        assert!(curio::run(ClientSession::new().get(server.url(path))).expect("an answer").ok());
    }
}

#[test]
fn hooks_see_every_hop() {
    use std::cell::Cell;
    use std::rc::Rc;
    let server = redirecting();
    let (requests, responses) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (asked, answered) = (Rc::clone(&requests), Rc::clone(&responses));
    let session = ClientSession::builder()
        .on_request(move |_| asked.set(asked.get() + 1))
        .on_response(move |_| answered.set(answered.get() + 1))
        .build()
        .expect("good settings");
    curio::run(session.get(server.url("/302?to=/next"))).expect("an answer");
    assert_eq!((requests.get(), responses.get()), (2, 2));
}

#[test]
fn a_hook_sees_where_in_a_chain_of_redirects_its_request_is() {
    let second = Server::answering(|request| match request.target.as_str() {
        "/there" => Reply::redirect("302 Found", request.header("x-back").expect("the way back")),
        _ => Reply::ok("arrived"),
    });
    let there = second.url("/there");
    let first = Server::answering(move |request| match request.target.as_str() {
        "/" => Reply::redirect("302 Found", "/next"),
        "/next" => Reply::redirect("302 Found", &there),
        _ => Reply::ok("back again"),
    });
    let seen: Rc<RefCell<Vec<_>>> = Rc::default();
    let (log, back) = (seen.clone(), first.url("/back"));
    let session = ClientSession::builder()
        .header("x-back", back)
        .on_request(move |request| {
            let previous = request.previous_url().map(|url| url.path().to_owned());
            log.borrow_mut().push((request.redirects(), previous, request.has_left_origin()));
            if !request.has_left_origin() {
                request.headers_mut().append("x-token", "s3cret".parse().expect("a value"));
            }
        })
        .build()
        .expect("good settings");
    curio::run(session.get(first.url("/"))).expect("a response");
    let path = |text: &str| Some(text.to_owned());
    let expected =
        [(0, None, false), (1, path("/"), false), (2, path("/next"), true), (3, path("/there"), true)];
    assert_eq!(*seen.borrow(), expected);
    let tokens = |server: &Server| {
        server.requests().iter().filter(|request| request.header("x-token").is_some()).count()
    };
    assert_eq!((tokens(&first), tokens(&second)), (2, 0));
    for request in first.requests() {
        assert!(request.head.matches("x-token").count() <= 1, "appended twice: {}", request.head);
    }
}
