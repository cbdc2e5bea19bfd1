//! What goes over the wire for each thing a request can be told.

mod server;

use curio_http::{Body, Error, ErrorKind, HeaderMap, HeaderValue, Method, Request};
use futures_io::AsyncRead;
use server::{ClientSession, Received, Reply, Server};
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

fn echo() -> Server {
    Server::answering(|_| Reply::ok("ok"))
}

/// Sends one request to a server that says ok, and returns what the server saw.
fn sent(make: impl FnOnce(&curio_http::ClientSession, String) -> curio_http::RequestBuilder) -> Received {
    let server = echo();
    let session = ClientSession::new();
    curio::run(make(&session, server.url("/path?q=1"))).expect("an answer");
    server.request()
}

fn refused(make: impl FnOnce(&curio_http::ClientSession, String) -> curio_http::RequestBuilder) -> Error {
    let server = echo();
    let session = ClientSession::new();
    let error = curio::run(make(&session, server.url("/"))).expect_err("it should be refused");
    assert_eq!(server.requests().len(), 0, "nothing may have been sent");
    error
}

/// A reader that gives `left` bytes, at most `at_a_time` at once.
struct Source {
    left: usize,
    at_a_time: usize,
}

impl AsyncRead for Source {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = self.left.min(self.at_a_time).min(space.len());
        space[..n].fill(b'x');
        self.left -= n;
        Poll::Ready(Ok(n))
    }
}

#[test]
fn case_016_a_get_has_a_host_and_no_body_and_nothing_that_frames_one() {
    let request = sent(|session, url| session.get(url));
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/path?q=1"));
    assert!(request.header("host").is_some_and(|host| host.starts_with("127.0.0.1:")));
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("curio-http/")));
    assert_eq!(request.header("accept"), Some("*/*"));
    let br = if cfg!(feature = "brotli") { ", br" } else { "" };
    let zstd = if cfg!(feature = "zstd") { ", zstd" } else { "" };
    assert_eq!(request.header("accept-encoding"), Some(format!("gzip, deflate{br}{zstd}").as_str()));
    assert_eq!(request.header("content-length"), None);
    assert_eq!(request.header("transfer-encoding"), None);
}

#[test]
fn every_method_is_sent_by_its_name() {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        let name = Method::from_bytes(method.as_bytes()).expect("a method");
        assert_eq!(sent(|session, url| session.request(name, url)).method, method);
    }
    assert_eq!(sent(|session, url| session.post(url)).method, "POST");
    assert_eq!(sent(|session, url| session.put(url)).method, "PUT");
    assert_eq!(sent(|session, url| session.patch(url)).method, "PATCH");
    assert_eq!(sent(|session, url| session.delete(url)).method, "DELETE");
    assert_eq!(sent(|session, url| session.options(url)).method, "OPTIONS");
}

#[test]
fn a_post_without_a_body_says_that_it_has_none() {
    assert_eq!(sent(|session, url| session.post(url)).header("content-length"), Some("0"));
}

#[test]
fn case_008_the_fragment_stays_at_home() {
    assert_eq!(sent(|session, url| session.get(url + "#secret")).target, "/path?q=1");
}

#[test]
fn params_are_added_to_the_query_that_is_there() {
    let request = sent(|session, url| {
        session
            .get(url)
            .params(&[("a b", "c&d"), ("e", "ü")])
            .params(&HashMap::from([("m", 1)]))
            .params(&[("n", None::<&str>)])
    });
    assert_eq!(request.target, "/path?q=1&a+b=c%26d&e=%C3%BC&m=1");
}

#[test]
fn headers_are_appended_and_replace_the_sessions() {
    let server = echo();
    let session = ClientSession::builder()
        .header("X-Default", "one")
        .header("X-Both", "session")
        .user_agent("agent/1")
        .build()
        .expect("good settings");
    let request = session.get(server.url("/")).header("X-Both", "a").header("x-both", String::from("b"));
    curio::run(request).expect("an answer");
    let request = server.request();
    assert_eq!(request.header("x-default"), Some("one"));
    assert_eq!(request.header("x-both"), Some("a, b"));
    assert_eq!(request.header("user-agent"), Some("agent/1"));
}

#[test]
fn a_header_map_replaces_what_was_set_before() {
    let mut map = HeaderMap::new();
    map.append("x-a", HeaderValue::from_static("1"));
    map.append("x-a", HeaderValue::from_static("2"));
    let request = sent(|session, url| session.get(url).header("x-a", "0").header("x-b", "b").headers(map));
    assert_eq!((request.header("x-a"), request.header("x-b")), (Some("1, 2"), Some("b")));
}

#[test]
fn case_001_a_line_break_in_a_header_is_refused_before_a_byte_is_sent() {
    for value in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"] {
        assert_eq!(refused(|session, url| session.get(url).header("X-A", value)).kind(), ErrorKind::Request);
    }
    for name in ["X-A\r\nX-Evil", "X A", "X:A", "", "ä"] {
        assert_eq!(refused(|session, url| session.get(url).header(name, "v")).kind(), ErrorKind::Request);
    }
}

#[test]
fn case_012_a_host_that_is_none_is_refused() {
    for value in ["", "a,b", "a b", "user@host", "a/b"] {
        assert_eq!(
            refused(|session, url| session.get(url).header("Host", value)).kind(),
            ErrorKind::Request,
            "{value}"
        );
    }
    assert!(refused(|session, url| session.get(url).header("Host", "a").header("Host", "b")).is_request());
}

#[test]
fn case_012_a_host_of_ones_own_is_sent_and_concerns_this_request_only() {
    let server = echo();
    let session = ClientSession::new();
    curio::run(async {
        session.get(server.url("/")).header("Host", "other.example").await?;
        session.get(server.url("/")).await
    })
    .expect("answers");
    let requests = server.requests();
    assert_eq!(requests[0].header("host"), Some("other.example"));
    assert_eq!(requests[1].header("host"), Some(server.addr().to_string().as_str()));
}

#[test]
fn json_is_sent_with_its_type() {
    let request = sent(|session, url| session.post(url).json(&serde_json::json!({"a": [1, null]})));
    assert_eq!(request.text(), r#"{"a":[1,null]}"#);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-length"), Some("14"));
}

#[test]
fn a_content_type_of_ones_own_wins_wherever_it_is_set() {
    let before = sent(|session, url| session.post(url).header("Content-Type", "application/x").json(&1));
    assert_eq!(before.header("content-type"), Some("application/x"));
    let after = sent(|session, url| session.post(url).json(&1).header("Content-Type", "application/x"));
    assert_eq!(after.header("content-type"), Some("application/x"));
}

#[test]
fn a_form_is_sent_encoded() {
    let request = sent(|session, url| session.post(url).form(&[("a", "1 2"), ("a", "&")]));
    assert_eq!(request.text(), "a=1+2&a=%26");
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn data_is_sent_as_it_is_and_counted_in_bytes() {
    let request = sent(|session, url| session.post(url).data("größe"));
    assert_eq!(request.text(), "größe");
    assert_eq!(request.header("content-length"), Some("7"));
    assert_eq!(request.header("content-type"), None);
    assert_eq!(sent(|session, url| session.post(url).data(vec![0u8, 255])).body, [0, 255]);
    assert_eq!(sent(|session, url| session.put(url).body(b"abc")).body, b"abc");
}

#[test]
fn a_large_body_in_memory_arrives_whole() {
    let body: Vec<u8> = (0..5_000_000u32).map(|n| n as u8).collect();
    let expected = body.clone();
    assert!(sent(|session, url| session.post(url).data(body)).body == expected);
}

#[test]
fn a_reader_is_sent_in_chunks() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let request = sent(|session, url| {
        session.post(url).body(Body::from_reader(Source { left: 200_000, at_a_time: 777 }))
    });
    assert_eq!(request.header("transfer-encoding"), Some("chunked"));
    assert_eq!(request.header("content-length"), None);
    assert_eq!(request.body.len(), 200_000);
}

#[test]
fn a_reader_with_a_declared_length_is_sent_without_chunks() {
    let request = sent(|session, url| {
        session
            .post(url)
            .header("Content-Length", "1000")
            .body(Body::from_reader(Source { left: 1000, at_a_time: 300 }))
    });
    assert_eq!(request.header("content-length"), Some("1000"));
    assert_eq!(request.body.len(), 1000);
}

#[test]
fn a_reader_that_yields_another_length_than_declared_is_an_error_and_never_oversends() {
    for length in ["999", "1001"] {
        let server = echo();
        let body = Body::from_reader(Source { left: 1000, at_a_time: 1000 });
        let request = ClientSession::new().post(server.url("/")).header("Content-Length", length).body(body);
        assert_eq!(curio::run(request).expect_err("a wrong length").kind(), ErrorKind::Request);
        assert!(server.all_closed());
        assert_eq!(server.requests().len(), 0, "the body must not look complete");
    }
}

#[test]
fn case_011_a_declared_length_that_is_not_the_bodys_is_refused() {
    for length in ["4", "2", "+3", "-3", "x", ""] {
        let error = refused(|session, url| session.post(url).header("Content-Length", length).data("abc"));
        assert_eq!(error.kind(), ErrorKind::Request, "{length}");
    }
}

#[test]
fn case_011_length_and_encoding_together_are_refused() {
    let error = refused(|session, url| {
        session.post(url).header("Content-Length", "3").header("Transfer-Encoding", "chunked").data("abc")
    });
    assert_eq!(error.kind(), ErrorKind::Request);
}

#[test]
fn a_failing_reader_is_reported_as_such() {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::Error::other("the tape is torn")))
        }
    }
    let server = echo();
    let error = curio::run(ClientSession::new().post(server.url("/")).body(Body::from_reader(Broken)))
        .expect_err("torn");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("the tape is torn"), "{error}");
}

#[test]
fn a_reader_that_lies_about_how_much_it_read_is_an_error_and_no_panic() {
    struct Liar;
    impl AsyncRead for Liar {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(space.len() + 1))
        }
    }
    let server = echo();
    let error = curio::run(ClientSession::new().post(server.url("/")).body(Body::from_reader(Liar)))
        .expect_err("a lie");
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn a_file_is_opened_when_it_is_sent_and_has_its_length() {
    let path = std::env::temp_dir().join(format!("curio-http-upload-{}", std::process::id()));
    let session = ClientSession::new();
    let server = echo();
    let request = session.put(server.url("/")).body(Body::from_file(&path));
    std::fs::write(&path, vec![7; 700_000]).expect("a temporary file");
    let sent = curio::run(request);
    std::fs::remove_file(&path).expect("the file is there");
    sent.expect("an answer");
    let request = server.request();
    assert_eq!(request.header("content-length"), Some("700000"));
    assert!(request.body == vec![7; 700_000]);
}

#[test]
fn a_file_that_is_not_there_is_named_in_the_error() {
    for path in ["/no/such/file", "/"] {
        let error = refused(|session, url| session.put(url).body(Body::from_file(path)));
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains(path), "{error}");
    }
}

#[test]
fn credentials_go_into_the_authorization_header() {
    let basic = sent(|session, url| session.get(url).basic_auth("Aladdin", Some("open sesame")));
    assert_eq!(basic.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert_eq!(
        sent(|session, url| session.get(url).basic_auth("a", None)).header("authorization"),
        Some("Basic YTo=")
    );
    assert_eq!(
        sent(|session, url| session.get(url).bearer_auth("token")).header("authorization"),
        Some("Bearer token")
    );
}

#[test]
fn case_009_credentials_in_the_address_go_into_the_authorization_header_and_nowhere_else() {
    let request = sent(|session, url| session.get(url.replace("http://", "http://Aladdin:open%20sesame@")));
    assert_eq!(request.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert!(!request.head.contains("Aladdin") && !request.head.contains('@'), "{}", request.head);
}

#[test]
fn the_sessions_credentials_are_used_unless_the_request_has_its_own() {
    let server = echo();
    let session = ClientSession::builder().auth("user", "pass").build().expect("good settings");
    curio::run(async {
        session.get(server.url("/")).await?;
        session.get(server.url("/")).bearer_auth("mine").await
    })
    .expect("answers");
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(requests[1].header("authorization"), Some("Bearer mine"));
}

#[test]
fn a_base_url_completes_relative_addresses() {
    let server = echo();
    let session = ClientSession::builder().base_url(server.url("/v2/")).build().expect("good settings");
    curio::run(async {
        session.get("users?x=1").await?;
        session.get("/root").await?;
        session.get(server.url("/absolute")).await
    })
    .expect("answers");
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/v2/users?x=1", "/root", "/absolute"]);
}

/// A reference from elsewhere must not take the session's credentials to another host.
#[test]
fn a_reference_that_leads_away_from_the_base_url_is_refused() {
    let server = echo();
    let session = ClientSession::builder()
        .base_url(server.url("/v2/"))
        .auth("ann", "s3cret")
        .build()
        .expect("good settings");
    for reference in ["//evil.test/x", "/\\evil.test/x", "\\\\evil.test/x", " //evil.test/x"] {
        let error = curio::run(session.get(reference)).expect_err(reference);
        assert!(error.is_url() && error.to_string().contains("base_url"), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_bad_address_is_reported_by_the_await() {
    let request = ClientSession::new().get("http://exa mple/").header("A", "b").params(&[("a", 1)]);
    let error = curio::run(request).expect_err("a bad address");
    assert!(error.is_url());
    assert!(error.to_string().starts_with("GET \"http://exa mple/\": "), "{error}");
}

#[test]
fn the_first_mistake_is_the_one_reported() {
    let error = ClientSession::new()
        .get("http://h/")
        .header("a b", "c")
        .header("d", "e\n")
        .build()
        .expect_err("two mistakes");
    assert!(error.is_request() && error.to_string().contains("name"), "{error}");
}

#[test]
fn a_built_request_can_be_looked_at_changed_and_executed() {
    let server = echo();
    let session = ClientSession::new();
    let mut request: Request = session.post(server.url("/x")).json(&1).build().expect("a good request");
    assert_eq!((request.method(), request.url().path()), (&Method::POST, "/x"));
    assert_eq!(request.headers()["content-type"], "application/json");
    request.headers_mut().insert("x-late", HeaderValue::from_static("1"));
    curio::run(session.execute(request)).expect("an answer");
    assert_eq!(server.request().header("x-late"), Some("1"));
}

#[test]
fn a_request_hook_sees_every_request_and_may_add_to_it() {
    let server = echo();
    let session = ClientSession::builder()
        .on_request(|request| {
            let path = HeaderValue::from_str(request.url().path()).expect("a path");
            request.headers_mut().insert("x-hook", path);
        })
        .build()
        .expect("good settings");
    curio::run(session.get(server.url("/hooked"))).expect("an answer");
    assert_eq!(server.request().header("x-hook"), Some("/hooked"));
}

#[test]
fn case_016_a_trace_with_a_body_and_a_connect_are_refused() {
    assert!(refused(|session, url| session.request(Method::TRACE, url).data("x")).is_request());
    assert!(refused(|session, url| session.request(Method::CONNECT, url)).is_request());
}

#[test]
fn a_value_that_does_not_serialise_is_refused() {
    let bad = HashMap::from([(vec![1], 1)]);
    assert!(refused(|session, url| session.post(url).json(&bad)).is_request());
    assert!(refused(|session, url| session.get(url).params(&1)).is_request());
    assert!(refused(|session, url| session.post(url).form("x")).is_request());
}

#[test]
fn https_only_refuses_plain_http() {
    let server = echo();
    let session = ClientSession::builder().https_only(true).build().expect("good settings");
    assert!(curio::run(session.get(server.url("/"))).expect_err("plain http").is_url());
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_mistake_in_the_settings_is_reported_by_build() {
    assert!(ClientSession::builder().header("a b", "c").build().expect_err("a bad name").is_request());
    assert!(ClientSession::builder().base_url("nonsense").build().expect_err("a bad address").is_url());
    assert!(ClientSession::builder().auth("a:b", "c").build().expect_err("a colon").is_request());
    assert!(ClientSession::builder().max_connections_per_host(0).build().expect_err("no way").is_request());
    assert!(
        ClientSession::builder().add_root_certificate("no pem").build().expect_err("no certificate").is_tls()
    );
    assert!(ClientSession::builder().identity("x", "y").build().expect_err("no certificate").is_tls());
}

#[test]
fn one_off_functions_need_no_session() {
    let server = echo();
    curio::run(async {
        assert!(curio_http::get(server.url("/")).await?.ok());
        assert!(curio_http::post(server.url("/")).data("x").await?.ok());
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.requests()[1].text(), "x");
}

#[test]
fn resolve_sends_a_host_to_another_address() {
    let server = echo();
    let session =
        ClientSession::builder().resolve("Example.test", server.addr()).build().expect("good settings");
    curio::run(session.get("http://example.test/")).expect("an answer");
    assert_eq!(server.request().header("host"), Some("example.test"));
}

#[test]
fn resolve_takes_a_host_in_any_spelling_and_refuses_what_is_none() {
    let server = echo();
    for (given, asked) in [
        ("B\u{fc}cher.test", "http://b\u{fc}cher.test/"),
        ("xn--bcher-kva.test", "http://B\u{dc}CHER.test/"),
        ("::1", "http://[::1]/"),
        ("[0::1]", "http://[::1]/"),
        ("192.0.2.1", "http://192.0.2.1/"),
    ] {
        let session = ClientSession::builder().resolve(given, server.addr()).build().expect(given);
        assert!(curio::run(session.get(asked)).is_ok(), "{given}");
    }
    for none in ["h.test:80", "http://h.test", "h.test/", ""] {
        let refused = ClientSession::builder().resolve(none, server.addr()).build();
        assert!(refused.expect_err(none).is_url(), "{none}");
    }
}

#[test]
fn no_credentials_show_in_debug_output() {
    let settings = ClientSession::builder()
        .base_url("http://ann:secret@h.test/")
        .proxy("http://ann:secret@proxy.test:3128")
        .header("Authorization", "Bearer secret")
        .auth("ann", "secret");
    let before = format!("{settings:?}");
    let session = settings.build().expect("good settings");
    let request = session.get("x").header("authorization", "Bearer secret").header("Cookie", "a=secret");
    let unsent = format!("{request:?}");
    let shown = format!("{before} {session:?} {unsent} {:?}", request.build());
    assert!(shown.contains("h.test") && !shown.contains("secret"), "{shown}");
}

/// curl chunks such a body, too.
#[test]
fn a_body_of_known_length_is_chunked_if_the_request_says_so() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let server = Server::answering(|_| Reply::ok(""));
    curio::run(async {
        let session = ClientSession::new();
        for body in ["five!", ""] {
            session.post(server.url("/")).header("Transfer-Encoding", "chunked").body(body).await?;
        }
        session.put(server.url("/")).header("Transfer-Encoding", "Chunked").body("x".repeat(300_000)).await?;
        Ok::<_, Error>(())
    })
    .expect("answers");
    let requests = server.requests();
    let bodies: Vec<_> = requests.iter().map(|request| request.body.len()).collect();
    assert_eq!(bodies, [5, 0, 300_000]);
    for request in requests {
        assert_eq!(request.header("content-length"), None);
        assert!(request.head.to_ascii_lowercase().contains("transfer-encoding: chunked\r\n"));
    }
}

#[test]
fn a_transfer_encoding_is_refused_where_there_is_no_body_to_be_chunked() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let error = refused(|session, url| session.get(url).header("Transfer-Encoding", "chunked"));
    assert!(error.is_request(), "{error}");
}
