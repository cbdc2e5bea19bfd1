//! Redirects by a hostile server: where they may not lead, and which credentials are not sent along.

mod server;

use curio_http::{ClientSessionBuilder, Policy, RequestBuilder};
use curio_support::{Httpbin, TestAuthority};
use server::{ClientSession, Received, Reply, Server};
use std::net::SocketAddr;

/// Everything that a request may carry and that was meant for one origin, in odd spellings too.
fn with_credentials(request: RequestBuilder) -> RequestBuilder {
    request
        .header("aUTHORIZATION", "Bearer token")
        .header("COOKIE", "session=1")
        .header("proxy-authorization", "Basic x")
        .header("X-Harmless", "1")
}

fn has_credentials(request: &Received) -> bool {
    ["authorization", "cookie", "proxy-authorization"].iter().any(|name| request.header(name).is_some())
}

/// A session for which these names are on the loopback interface.
fn knowing(names: &[&str]) -> ClientSessionBuilder {
    names.iter().fold(ClientSession::builder(), |builder, name| {
        builder.resolve(*name, SocketAddr::from(([127, 0, 0, 1], 0)))
    })
}

/// Goes from `http://FROM/` to `http://TO/`, both at the same server and port, and returns the second request.
fn between(from: &str, to: &str) -> Received {
    let names: Vec<_> = [from, to].iter().map(|host| host.trim_end_matches('.').to_owned()).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.extend([from, to]);
    let to = to.to_owned();
    let server = Server::answering(move |request| match request.target.as_str() {
        "/start" => {
            let port = request.header("host").and_then(|host| host.rsplit_once(':')).map(|(_, port)| port);
            Reply::redirect("302 Found", &format!("http://{to}:{}/next", port.unwrap_or("80")))
        }
        _ => Reply::ok("arrived"),
    });
    let session = knowing(&all).build().expect("good settings");
    let start = format!("http://{from}:{}/start", server.addr().port());
    curio::run(with_credentials(session.get(start))).expect("an answer");
    server.requests().pop().expect("two requests")
}

#[test]
fn case_082_the_error_of_a_loop_names_the_chain_and_no_credentials() {
    let server = Server::answering(|request| {
        let host = request.header("host").unwrap_or_default();
        Reply::redirect("302 Found", &format!("http://ann:s3cret@{host}{}x", request.target))
    });
    let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err("too many");
    assert!(error.is_redirect(), "{error}");
    let line = error.to_string();
    assert!(line.contains("more than 10 redirects") && line.contains("/xxxxxxxxxx -> "), "{line}");
    assert!(!line.contains("s3cret") && !line.contains("ann"), "{line}");
    assert_eq!(server.requests().len(), 11);
}

#[test]
fn case_083_no_other_scheme_is_followed_however_it_is_spelled() {
    for to in [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "ftp://127.0.0.1/x",
        "data:text/plain,x",
        "javascript:alert(1)",
        "gopher://127.0.0.1/",
        "dict://127.0.0.1/",
        "ws://127.0.0.1/",
        "about:blank",
        "blob:http://127.0.0.1/x",
    ] {
        let server = Server::answering(move |_| Reply::redirect("302 Found", to));
        let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err(to);
        assert!(error.is_redirect(), "{to}: {error}");
        assert_eq!(server.requests().len(), 1);
    }
}

/// A way from an `https` server to a plain one; the requests that the plain one has seen.
fn downgraded(allow: bool) -> (Result<curio_http::Response, curio_http::Error>, Vec<Received>) {
    let plain = Server::answering(|_| Reply::ok("arrived"));
    let authority = TestAuthority::new().expect("an authority");
    let result = curio::run(async {
        let identity = authority.localhost().expect("a certificate");
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        let session = ClientSession::builder()
            .only_root_certificates(authority.ca_pem())
            .redirect(Policy::default().allow_https_to_http(allow))
            .build()
            .expect("good settings");
        let start = session.get(httpbin.url("/redirect-to")).params(&[("url", plain.url("/"))]);
        with_credentials(start).await
    });
    (result, plain.requests())
}

#[test]
fn case_084_a_way_from_https_to_http_is_refused() {
    let (result, requests) = downgraded(false);
    let error = result.expect_err("not encrypted");
    assert!(error.is_redirect() && error.to_string().contains("not encrypted"), "{error}");
    assert!(requests.is_empty());
}

#[test]
fn case_084_where_it_is_allowed_the_credentials_stay_behind() {
    let (result, requests) = downgraded(true);
    assert!(result.expect("an answer").ok());
    assert!(requests.len() == 1 && !has_credentials(&requests[0]), "{}", requests[0].head);
    assert_eq!(requests[0].header("x-harmless"), Some("1"));
}

#[test]
fn case_085_credentials_do_not_go_to_another_host() {
    let request = between("one.test", "two.test");
    assert!(!has_credentials(&request), "{}", request.head);
    assert_eq!(request.header("x-harmless"), Some("1"));
    assert!(!has_credentials(&between("127.0.0.1", "localhost")));
}

#[test]
fn case_087_credentials_do_not_go_from_http_to_https_on_the_same_host() {
    let authority = TestAuthority::new().expect("an authority");
    curio::run(async {
        let identity = authority.localhost().expect("a certificate");
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        let target = httpbin.url("/headers");
        let plain = Server::answering(move |_| Reply::redirect("302 Found", &target));
        let session = ClientSession::builder().only_root_certificates(authority.ca_pem());
        let session = session.build().expect("good settings");
        let mut response = with_credentials(session.get(plain.url("/"))).await.expect("an answer");
        let seen = response.text().await.expect("a body").to_ascii_lowercase();
        assert!(seen.contains("x-harmless"), "{seen}");
        assert!(!seen.contains("token") && !seen.contains("session=1") && !seen.contains("basic"), "{seen}");
    });
}

#[test]
fn case_088_credentials_go_neither_up_nor_down_among_subdomains() {
    for (from, to) in
        [("a.example.test", "example.test"), ("example.test", "a.example.test"), ("a.b.test", "c.b.test")]
    {
        assert!(!has_credentials(&between(from, to)), "{from} to {to}");
    }
}

#[test]
fn case_089_what_was_dropped_stays_dropped_on_the_way_home() {
    let server = Server::answering(|request| {
        let port = request.header("host").and_then(|host| host.rsplit_once(':')).map(|(_, port)| port);
        let port = port.unwrap_or("80").to_owned();
        match request.target.as_str() {
            "/start" => Reply::redirect("302 Found", &format!("http://away.test:{port}/away")),
            "/away" => Reply::redirect("302 Found", &format!("http://home.test:{port}/home")),
            _ => Reply::ok("arrived"),
        }
    });
    let session = knowing(&["home.test", "away.test"]).auth("ann", "pw").build().expect("good settings");
    let start = format!("http://home.test:{}/start", server.addr().port());
    curio::run(async {
        with_credentials(session.get(&start)).await.expect("an answer");
        session.get(start.replace("http://", "http://ann:pw@")).await.expect("an answer");
    });
    let requests = server.requests();
    assert_eq!(requests.len(), 6);
    assert!(has_credentials(&requests[0]) && has_credentials(&requests[3]));
    assert!([1, 2, 4, 5].iter().all(|&nth| !has_credentials(&requests[nth])));
}

#[test]
fn case_090_credentials_are_dropped_in_any_spelling_of_their_names() {
    for name in ["authorization", "AUTHORIZATION", "AuThOrIzAtIoN", "cookie", "PROXY-authorization"] {
        let second = Server::answering(|_| Reply::ok("arrived"));
        let target = second.url("/");
        let first = Server::answering(move |_| Reply::redirect("307 Elsewhere", &target));
        curio::run(ClientSession::new().get(first.url("/")).header(name, "secret")).expect("an answer");
        assert!(!second.request().head.contains("secret"), "{name}");
        assert!(first.request().head.contains("secret"));
    }
}

#[test]
fn case_091_the_schemes_own_port_is_the_same_origin_as_none() {
    use curio_http::Url;
    for (one, other) in
        [("https://h:443/", "https://h/"), ("http://h:80/", "http://H/"), ("http://h", "http://h:80")]
    {
        assert_eq!(Url::parse(one).expect(one), Url::parse(other).expect(other));
    }
}

#[test]
fn case_091_the_case_of_a_host_makes_no_other_origin_and_a_dot_at_its_end_does() {
    assert!(has_credentials(&between("one.test", "ONE.test")));
    assert!(!has_credentials(&between("one.test", "one.test.")));
}

#[test]
fn case_092_a_user_in_a_location_is_neither_carried_on_nor_looked_up() {
    let third = Server::answering(|_| Reply::ok("arrived"));
    let onward = third.url("/");
    let second = Server::answering(move |_| Reply::redirect("302 Found", &onward));
    let away = second.url("/").replace("http://", "http://ann:s3cret@");
    let first = Server::answering(move |_| Reply::redirect("302 Found", &away));
    let response = curio::run(ClientSession::new().get(first.url("/"))).expect("an answer");
    assert_eq!(second.request().header("authorization"), Some("Basic YW5uOnMzY3JldA=="));
    assert_eq!(second.request().header("host"), Some(second.addr().to_string().as_str()));
    assert!(!has_credentials(&third.request()));
    assert!(response.history().iter().all(|hop| !format!("{:?}", hop.url()).contains("s3cret")));
}

#[test]
fn case_093_what_describes_the_body_goes_with_the_body() {
    for (status, keeps_body) in [(303, false), (302, false), (301, false), (307, true), (308, true)] {
        let server = Server::answering(move |request| match request.target.as_str() {
            "/start" => Reply::redirect(&format!("{status} Elsewhere"), "/next"),
            _ => Reply::ok("arrived"),
        });
        let request = ClientSession::new()
            .post(server.url("/start"))
            .header("Content-Type", "text/plain")
            .header("Content-Encoding", "identity")
            .header("Content-Language", "en")
            .header("Content-Length", "5")
            .data("hello");
        curio::run(request).expect("an answer");
        let last = server.requests().pop().expect("two requests");
        assert_eq!(last.method, if keeps_body { "POST" } else { "GET" }, "{status}");
        assert_eq!(last.text(), if keeps_body { "hello" } else { "" }, "{status}");
        for name in ["content-type", "content-encoding", "content-language", "content-length"] {
            assert_eq!(last.header(name).is_some(), keeps_body, "{status} {name}");
        }
    }
}

#[test]
fn case_095_an_odd_location_has_one_reading_or_none() {
    let endless = format!("/{}", "x".repeat(60_000));
    for (location, expected) in [
        ("///", None),
        ("//", None),
        ("http:/x", Some("/x")),
        ("http:x", Some("/deep/x")),
        ("\\\\evil.invalid\\x", None),
        ("/\\evil.invalid/x", None),
        ("", Some("/deep/start")),
        ("?q", Some("/deep/start?q")),
        ("#f", Some("/deep/start")),
        ("%zz", Some("/deep/%zz")),
        ("http://", None),
        ("http://[::1", None),
        ("http://1.2.3.4.5/", None),
        (endless.as_str(), Some(endless.as_str())),
    ] {
        let to = location.to_owned();
        let server = Server::answering(move |request| match request.nth {
            0 if request.connection == 0 => Reply::redirect("302 Found", &to),
            _ => Reply::ok("arrived"),
        });
        let session = ClientSession::new();
        match curio::run(session.get(server.url("/deep/start"))) {
            Ok(response) => {
                let path = expected.unwrap_or_else(|| panic!("{location:?} led to {:?}", response.url()));
                assert_eq!(response.url().host_str(), Some("127.0.0.1"), "{location:?}");
                assert_eq!(server.requests().pop().expect("requests").target, path, "{location:?}");
            }
            Err(error) => {
                assert!(expected.is_none(), "{location:?}: {error}");
                assert!(error.is_redirect() || error.is_dns(), "{location:?}: {error}");
                assert_eq!(server.requests().len(), 1);
            }
        }
    }
}

/// As requests and browsers do; what is text goes out as the same bytes.
#[test]
fn case_095_bytes_beyond_ascii_in_a_location_are_encoded() {
    for (bytes, expected) in [
        (&b"/\xff"[..], "/%FF"),
        (b"/caf\xe9?q=\xe9 x", "/caf%E9?q=%E9%20x"),
        ("/caf\u{e9}/\u{e9} x".as_bytes(), "/caf%C3%A9/%C3%A9%20x"),
        (b"\x80", "/%80"),
        (b"/a b", "/a%20b"),
        (b" /a ", "/a"),
    ] {
        let server = Server::answering(move |request| match request.target.as_str() {
            "/" => {
                let reply =
                    [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ", bytes, b"\r\n\r\n"].concat();
                Reply::raw(reply)
            }
            _ => Reply::ok("arrived"),
        });
        let response = curio::run(ClientSession::new().get(server.url("/"))).expect(expected);
        assert_eq!(response.url().as_str(), server.url(expected));
        assert_eq!(server.requests().pop().expect("two requests").target, expected);
    }
}

#[test]
fn case_095_bytes_beyond_ascii_in_the_host_of_a_location_are_refused() {
    for bytes in [&b"http://caf\xe9.invalid/"[..], b"//\xff/", b"http://u\xe9@h\x80/"] {
        let reply = [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ", bytes, b"\r\n\r\n"].concat();
        let server = Server::answering(move |_| Reply::raw(reply.clone()));
        let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err("no host");
        assert!(error.is_redirect(), "{error}");
    }
}

#[test]
fn case_096_the_fragment_goes_along_and_the_query_is_not_doubled() {
    for (location, expected) in
        [("/next?b=2", "/next?b=2#top"), ("/next", "/next#top"), ("/next#own", "/next#own")]
    {
        let server = Server::answering(move |request| match request.target.as_str() {
            "/start?a=1" => Reply::redirect("302 Found", location),
            _ => Reply::ok("arrived"),
        });
        let request = ClientSession::new().get(server.url("/start#top")).params(&[("a", "1")]);
        let response = curio::run(request).expect("an answer");
        assert_eq!(response.url().as_str(), server.url(expected));
        let last = server.requests().pop().expect("two requests");
        assert_eq!(last.target, location.split('#').next().expect("a path"), "a fragment is not sent");
    }
}
