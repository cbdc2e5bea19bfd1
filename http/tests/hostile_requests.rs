//! Invalid requests from a caller, or from a caller's untrusted input. Nothing of them may reach a server.

mod server;

use curio_http::{Error, ErrorKind, HeaderValue, Method, RequestBuilder, Url};
use server::{ClientSession, Received, Reply, Server};

/// The error of a request, to a server that must not have heard of it, not even by a connection.
fn refused(make: impl FnOnce(&curio_http::ClientSession, &Server) -> RequestBuilder) -> Error {
    let server = Server::answering(|_| Reply::ok("ok"));
    let error = curio::run(make(&ClientSession::new(), &server)).expect_err("it should be refused");
    assert_eq!(server.requests().len(), 0, "nothing was sent: {error}");
    let line = error.to_string();
    assert!(!line.contains(['\r', '\n', '\0']), "the message is one line: {line:?}");
    error
}

/// What a server sees of a request.
fn sent(make: impl FnOnce(&curio_http::ClientSession, &Server) -> RequestBuilder) -> Received {
    let server = Server::answering(|_| Reply::ok("ok"));
    curio::run(make(&ClientSession::new(), &server)).expect("an answer");
    server.request()
}

#[test]
fn case_001_a_line_break_or_nul_in_a_header_value_is_refused_wherever_it_is_set() {
    for value in ["a\r\nX: y", "a\rb", "a\nb", "a\0b", "a\r\n b", "\u{7f}"] {
        let error = refused(|session, server| session.get(server.url("/")).header("X-Name", value));
        assert!(error.is_request() && error.to_string().contains("x-name"), "{error}");
        assert!(ClientSession::builder().header("X-Name", value).build().is_err());
        assert!(ClientSession::builder().user_agent(value).build().is_err());
        assert!(refused(|session, server| session.get(server.url("/")).bearer_auth(value)).is_request());
    }
}

#[test]
fn case_002_a_header_name_that_is_no_token_is_refused() {
    for name in ["a\r\nb", "a\nb", "a:b", "a b", " a", "", "a\0", "ä", "a\tb", "a(b"] {
        let error = refused(|session, server| session.get(server.url("/")).header(name, "x"));
        assert!(error.is_request(), "{name:?}: {error}");
        assert!(ClientSession::builder().header(name, "x").build().is_err());
    }
}

#[test]
fn case_003_a_method_with_a_space_or_line_break_cannot_be_made() {
    for method in ["", " ", "GET /evil", "GET\r\n", "GE\nT", "G\0T", "G\u{e9}T"] {
        assert!(Method::from_bytes(method.as_bytes()).is_err(), "{method:?}");
    }
    let purge = Method::from_bytes(b"PURGE").expect("a token");
    assert_eq!(sent(|session, server| session.request(purge, server.url("/"))).method, "PURGE");
}

#[test]
fn case_004_controls_in_a_url_are_refused_by_the_await() {
    for hidden in ["\r\n", "\r", "\n", "\t", "\0", "\u{b}", "\u{7f}", "\u{85}", "\r\nHost: evil\r\n"] {
        for at in ["/a{}b", "/?a{}b", "/#a{}b"] {
            let error = refused(|session, server| session.get(server.url(&at.replace("{}", hidden))));
            assert_eq!(error.kind(), ErrorKind::Url, "{hidden:?}: {error}");
        }
        let joined = Url::parse("http://h/").expect("a good address").join(&format!("a{hidden}b"));
        assert!(joined.is_err(), "{hidden:?} is not dropped when it is joined either");
    }
}

#[test]
fn case_004_params_are_encoded_and_cannot_add_lines() {
    let params = [("a\r\nb", "c d&e=f"), ("\0", "#/?é")];
    let request = sent(|session, server| session.get(server.url("/")).params(&params));
    assert_eq!(request.target, "/?a%0D%0Ab=c+d%26e%3Df&%00=%23%2F%3F%C3%A9");
}

#[test]
fn case_005_a_line_break_hidden_in_a_host_by_percent_signs_is_refused() {
    for host in ["a%0d%0ab", "a%0D%0AX-Evil:%20y", "a%00b", "a%20b", "a%09b", "%0a"] {
        let error = refused(|session, _| session.get(format!("http://{host}/")));
        assert!(error.is_url(), "{host}: {error}");
    }
}

#[test]
fn case_006_a_location_with_such_a_thing_in_it_is_not_followed() {
    for location in ["/a\tb", "http://a%0d%0ab/", "http://a%20b/", "http://a b/", "//a%00b/"] {
        let server = Server::answering(move |_| Reply::redirect("302 Found", location));
        let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err(location);
        assert!(error.is_redirect(), "{location:?}: {error}");
        assert_eq!(server.requests().len(), 1, "{location:?}");
    }
}

#[test]
fn case_007_path_and_query_beyond_ascii_go_out_as_percent_encoded_utf8() {
    let request = sent(|session, server| session.get(server.url("/grün/日本?q=ß&r=%C3%9F")));
    assert_eq!(request.target, "/gr%C3%BCn/%E6%97%A5%E6%9C%AC?q=%C3%9F&r=%C3%9F");
    assert!(request.head.is_ascii());
}

#[test]
fn case_008_a_fragment_is_never_sent_and_never_hides_the_host() {
    let request = sent(|session, server| session.get(server.url("/path?q#@evil.example/#x")));
    assert_eq!(request.target, "/path?q");
    assert!(!request.head.contains("evil"));
}

#[test]
fn case_009_user_and_password_of_an_address_are_in_no_line_but_authorization() {
    let with_user = |server: &Server| server.url("/p?q").replace("http://", "http://ann:s3cret@");
    let request = sent(|session, server| session.get(with_user(server)));
    assert_eq!(request.target, "/p?q");
    assert_eq!(request.header("referer"), None);
    assert!(!request.head.contains("ann") && !request.head.contains("s3cret"), "{}", request.head);
    assert_eq!(request.header("authorization"), Some("Basic YW5uOnMzY3JldA=="));
}

#[test]
fn case_009_user_and_password_are_in_no_debug_output() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = ClientSession::builder().auth("ann", "s3cret").build().expect("good settings");
    let url = server.url("/").replace("http://", "http://ann:s3cret@");
    let request = session.get(url).build().expect("a good request");
    assert!(!format!("{request:?} {session:?}").contains("s3cret"));
    let response = curio::run(session.execute(request)).expect("an answer");
    assert!(!format!("{response:?}").contains("s3cret"));
}

#[test]
fn case_010_separators_hidden_in_a_host_by_percent_signs_are_refused() {
    for host in ["a%2fb", "a%2Fb", "a%3fb", "a%40b", "a%23b", "a%3ab", "a%5cb", "a%5bb"] {
        assert!(refused(|session, _| session.get(format!("http://{host}/"))).is_url(), "{host}");
    }
}

#[test]
fn case_011_two_framings_or_a_wrong_one_are_refused_before_sending() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    for (name, value) in [
        ("Content-Length", "4"),
        ("Content-Length", "6"),
        ("Content-Length", "+5"),
        ("Content-Length", "5, 5"),
        ("Transfer-Encoding", "gzip"),
        ("Transfer-Encoding", "gzip, chunked"),
    ] {
        let error =
            refused(|session, server| session.post(server.url("/")).header(name, value).data("hello"));
        assert!(error.is_request(), "{name}: {value}: {error}");
    }
    let both = refused(|session, server| {
        let request = session.post(server.url("/")).data("hello").header("Content-Length", "5");
        request.header("Transfer-Encoding", "chunked")
    });
    assert!(both.to_string().contains("both Content-Length and Transfer-Encoding"), "{both}");
}

#[test]
fn case_012_a_host_field_that_is_no_host_is_refused() {
    for host in ["", "a, b", "a b", "a/b", "user@a", "a\tb", "http://a"] {
        let value = HeaderValue::from_str(host).expect("a header value");
        assert!(
            refused(|session, server| session.get(server.url("/")).header("Host", value)).is_request(),
            "{host:?}"
        );
    }
    assert!(refused(|session, server| session.get(server.url("/")).header("Host", "a\r\nX: y")).is_request());
}

#[test]
fn case_012_two_host_fields_are_refused() {
    let error =
        refused(|session, server| session.get(server.url("/")).header("Host", "a").header("Host", "b"));
    assert!(error.is_request(), "{error}");
}

#[test]
fn case_012_a_host_field_of_ones_own_changes_neither_the_connection_nor_later_requests() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = ClientSession::new();
    curio::run(async {
        session.get(server.url("/1")).header("Host", "mine.example").await?.text().await?;
        session.get(server.url("/2")).await?.text().await
    })
    .expect("answers");
    let hosts: Vec<_> = server.requests().iter().map(|request| request.headers["host"].clone()).collect();
    assert_eq!(hosts, ["mine.example".to_owned(), server.addr().to_string()]);
    assert_eq!(server.connections(), 1, "both belong to the same pool");
}

#[test]
fn case_015_a_connect_of_the_callers_is_refused() {
    let error = refused(|session, server| session.request(Method::CONNECT, server.url("/")));
    assert!(error.is_request(), "{error}");
}

#[test]
fn case_016_an_empty_body_on_a_get_is_no_body() {
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS] {
        let request = sent(|session, server| session.request(method.clone(), server.url("/")).data(""));
        assert_eq!(request.header("content-length"), None, "{method}");
        assert_eq!(request.header("transfer-encoding"), None, "{method}");
    }
}

#[test]
fn case_016_a_trace_never_carries_a_body() {
    assert!(
        refused(|session, server| session.request(Method::TRACE, server.url("/")).data("x")).is_request()
    );
    let request = sent(|session, server| session.request(Method::TRACE, server.url("/")));
    assert_eq!((request.header("content-length"), request.header("transfer-encoding")), (None, None));
}

#[test]
fn case_017_a_request_head_over_the_limit_is_an_error_and_no_hang() {
    let error =
        refused(|session, server| session.get(server.url("/")).header("X", "x".repeat(2 << 20).as_str()));
    assert!(error.is_request() && error.to_string().contains("1048576"), "{error}");
}
