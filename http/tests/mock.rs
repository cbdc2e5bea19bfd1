//! Answers without sockets: the client over a transport inside the test.

use curio_http::mock::{Answer, Mock, MockConnect};
use curio_http::{Body, ClientSession, Connector, Method, Target};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io;
use std::time::Duration;

#[test]
fn requests_are_answered_by_method_and_path_and_written_down() {
    let mock = Mock::new()
        .on(Method::GET, "/a", |_| Answer::text("get"))
        .on(Method::POST, "/a", |request| Answer::json(&json!({ "got": request.text() })).status(201))
        .otherwise(|request| Answer::text(format!("other {}", request.path())));
    curio::testing::run(async {
        let session = mock.session();
        assert_eq!(session.get("http://h.test/a?x=1").await.unwrap().text().await.unwrap(), "get");
        let mut response = session.post("http://h.test/a").data("body").await.unwrap();
        assert_eq!(response.status_code(), 201);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "got": "body" }));
        let mut response = session.get("http://h.test:81/b/c").await.unwrap();
        assert_eq!(response.text().await.unwrap(), "other /b/c");
        assert_eq!((response.remote_addr(), response.tls()), (None, None));
    });
    let requests = mock.requests();
    let seen: Vec<_> =
        requests.iter().map(|r| (r.method().as_str(), r.path(), r.query(), r.host())).collect();
    assert_eq!(
        seen,
        [
            ("GET", "/a", Some("x=1"), "h.test"),
            ("POST", "/a", None, "h.test"),
            ("GET", "/b/c", None, "h.test:81")
        ]
    );
    assert_eq!(mock.connections(), 2, "one for each origin");
}

#[test]
fn https_needs_no_certificates() {
    let mock = Mock::new().on(Method::GET, "/", |request| Answer::text(request.is_https().to_string()));
    curio::testing::run(async {
        let session = mock.session();
        assert_eq!(session.get("https://h.test/").await.unwrap().text().await.unwrap(), "true");
        assert_eq!(session.get("http://h.test/").await.unwrap().text().await.unwrap(), "false");
    });
}

#[test]
fn bodies_of_unknown_length_are_read_whole() {
    let mock = Mock::new().on(Method::POST, "/", |request| Answer::new(200).body(request.body()));
    let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    curio::testing::run(async {
        let reader = Reader(sent.clone(), 0);
        let session = mock.session();
        let mut response = session.post("http://h.test/").data(Body::from_reader(reader)).await.unwrap();
        assert_eq!(response.binary().await.unwrap(), sent);
    });
    assert_eq!(mock.requests()[0].header("transfer-encoding"), Some("chunked"));
}

struct Reader(Vec<u8>, usize);

impl futures_io::AsyncRead for Reader {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buf: &mut [u8],
    ) -> std::task::Poll<io::Result<usize>> {
        let n = buf.len().min(self.0.len() - self.1).min(10_000);
        let from = self.1;
        buf[..n].copy_from_slice(&self.0[from..from + n]);
        self.1 += n;
        std::task::Poll::Ready(Ok(n))
    }
}

#[test]
fn an_answer_may_change_from_one_try_to_the_next() {
    let mock = Mock::new().on(Method::GET, "/", |request| match request.nth() {
        0 => Answer::redirect("/"),
        1 => Answer::new(503).header("Retry-After", "1").then_close(),
        nth => Answer::text(nth.to_string()),
    });
    curio::testing::run(async {
        let session = mock.session();
        let response = session.get("http://h.test/").await.unwrap();
        assert_eq!((response.status_code(), response.history().len()), (503, 1));
        assert_eq!(session.get("http://h.test/").await.unwrap().text().await.unwrap(), "2");
    });
    assert_eq!(mock.connections(), 2);
}

#[test]
fn time_limits_are_tested_in_no_time_with_their_real_length() {
    let mock = Mock::new()
        .on(Method::GET, "/slow", |_| Answer::text("at last").delay(Duration::from_secs(29)))
        .on(Method::GET, "/never", |_| Answer::never())
        .on(Method::GET, "/pieces", |_| Answer::pieces(["a", "b", "c"], Duration::from_secs(20)));
    curio::testing::run(async {
        let session = mock.session();
        let began = curio::clock();
        assert_eq!(session.get("http://h.test/slow").await.unwrap().text().await.unwrap(), "at last");
        assert_eq!((curio::clock() - began).as_secs(), 29);
        assert!(session.get("http://h.test/never").await.unwrap_err().is_timeout());
        assert_eq!((curio::clock() - began).as_secs(), 59);
        let mut response = session.get("http://h.test/pieces").await.unwrap();
        let mut pieces = response.iter_chunked(100);
        let mut times = Vec::new();
        while let Some(piece) = pieces.next().await {
            assert_eq!(piece.unwrap().len(), 1);
            times.push((curio::clock() - began).as_secs());
        }
        assert_eq!(times, [79, 99, 119]);
    });
}

#[test]
fn a_request_without_an_answer_fails_and_says_which() {
    let mock = Mock::new();
    let error = curio::run(mock.session().get("http://h.test/lost?x")).unwrap_err();
    assert!(error.to_string().contains("the mock has no answer for GET /lost"), "{error}");
}

#[test]
fn answers_may_be_as_bad_as_a_server_can_be() {
    let mock = Mock::new()
        .on(Method::GET, "/raw", |_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n"))
        .on(Method::GET, "/cut", |_| {
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").then_close()
        })
        .on(Method::GET, "/fail", |_| Answer::fail(io::ErrorKind::ConnectionReset.into()))
        .on(Method::GET, "/wrong", |_| Answer::new(200).header("a b", "c"));
    curio::run(async {
        let session = mock.session();
        assert!(session.get("http://h.test/raw").await.unwrap_err().is_protocol());
        let mut cut = session.get("http://h.test/cut").await.unwrap();
        assert!(cut.binary().await.unwrap_err().is_body());
        let error = session.get("http://h.test/fail").await.unwrap_err();
        assert!(error.to_string().contains("connection reset"), "{error}");
        let error = session.get("http://h.test/wrong").await.unwrap_err();
        assert!(error.to_string().contains("\"a b\""), "{error}");
    });
}

#[test]
fn head_and_empty_answers_have_no_body() {
    let mock =
        Mock::new()
            .on(Method::HEAD, "/", |_| Answer::text("twelve bytes"))
            .on(Method::GET, "/", |_| Answer::new(204));
    curio::run(async {
        let session = mock.session();
        let response = session.head("http://h.test/").await.unwrap();
        assert_eq!(response.content_length(), Some(12));
        assert_eq!(session.get("http://h.test/").await.unwrap().status_code(), 204);
    });
    assert_eq!(mock.connections(), 1);
}

#[test]
fn the_test_may_use_the_mock_from_inside_an_answer() {
    let mock = Mock::new();
    let inside = mock.clone();
    let mock = mock.on(Method::GET, "/", move |_| {
        let _ = inside.clone().on(Method::GET, "/new", |_| Answer::text("added"));
        Answer::text(inside.requests().len().to_string())
    });
    curio::run(async {
        let session = mock.session();
        assert_eq!(session.get("http://h.test/").await.unwrap().text().await.unwrap(), "1");
        assert_eq!(session.get("http://h.test/new").await.unwrap().text().await.unwrap(), "added");
    });
}

#[test]
fn a_connector_of_ones_own_carries_http_and_with_tls_https() {
    let authority = curio_support::TestAuthority::new().unwrap();
    curio::run(async {
        let http = curio_support::Httpbin::start().await.unwrap();
        let https = curio_support::Httpbin::start_tls(&authority.localhost().unwrap()).await.unwrap();
        let (plain, secure) = (http.address(), https.address());
        let session = ClientSession::builder()
            .only_root_certificates(authority.ca_pem())
            .connector(async move |target: Target| {
                curio::TcpStream::connect(if target.is_https() { secure } else { plain }).await
            })
            .build()
            .unwrap();
        for _ in 0..2 {
            let mut response = session.get("http://anywhere.test/get").await.unwrap();
            assert_eq!(response.json::<Value>().await.unwrap()["url"], "http://anywhere.test/get");
            let mut response = session.get("https://localhost/get").await.unwrap();
            assert!(response.tls().is_some());
            assert_eq!(response.json::<Value>().await.unwrap()["url"], "https://localhost/get");
        }
        assert_eq!((http.counters().accepted(), https.counters().accepted()), (1, 1), "they are kept");
    });
}

#[test]
fn a_connector_that_fails_is_a_connect_error_with_its_words() {
    struct Broken;
    impl Connector for Broken {
        type Stream = curio::TcpStream;
        async fn connect(&self, target: Target) -> io::Result<curio::TcpStream> {
            Err(io::Error::other(format!("no way to {target}")))
        }
    }
    let session = ClientSession::builder().connector(Broken).build().unwrap();
    let error = curio::run(session.get("http://h.test/")).unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("no way to h.test:80"), "{error}");
}

#[test]
fn a_connector_that_does_nothing_ends_with_the_connect_timeout() {
    curio::testing::run(async {
        let session = ClientSession::builder()
            .connector(async |_: Target| std::future::pending::<io::Result<curio::TcpStream>>().await)
            .build()
            .unwrap();
        let error = session.get("http://h.test/").await.unwrap_err();
        assert!(error.is_timeout() && error.to_string().contains("connector"), "{error}");
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_carries_every_request_whatever_its_host() {
    let path = std::env::temp_dir().join(format!("curio-http-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    curio::run(async {
        let listener = curio::UnixListener::bind(&path).unwrap();
        let server = curio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            for host in ["a.test", "a.test"] {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.extend(stream.read_exactly(1).await.unwrap());
                }
                assert!(String::from_utf8(head).unwrap().contains(&format!("host: {host}\r\n")));
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
            }
        });
        let session =
            ClientSession::builder().unix_socket(&path).proxy("http://127.0.0.1:1").build().unwrap();
        for _ in 0..2 {
            let mut response = session.get("http://a.test/").await.unwrap();
            assert_eq!(response.text().await.unwrap(), "hi");
            assert_eq!(response.remote_addr(), None);
        }
        server.join().await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let error = session.get("http://b.test/").await.unwrap_err();
        assert!(error.is_connect() && error.to_string().contains(".sock"), "{error}");
    });
}

#[test]
fn connections_fail_are_delayed_or_never_made_as_the_test_says() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::text("ok").then_close()).on_connect(|nth| match nth {
            0 => MockConnect::fail(io::ErrorKind::ConnectionRefused.into()),
            1 => MockConnect::accept().delay(Duration::from_secs(3)),
            2 => MockConnect::never(),
            _ => MockConnect::accept(),
        });
        let session = mock.session();
        let refused = session.get("http://test/").await.expect_err("refused");
        assert!(refused.is_connect() && refused.to_string().contains("refused"), "{refused}");
        let began = curio::clock();
        session.get("http://test/").await.expect("a response").text().await.expect("a body");
        assert_eq!(curio::clock() - began, Duration::from_secs(3));
        let never = session.get("http://test/").await.expect_err("never");
        assert!(never.is_timeout(), "{never}");
        session.get("http://test/").await.expect("a response").text().await.expect("a body");
        assert_eq!(mock.connections(), 2);
    });
}

#[test]
fn a_retry_gets_through_when_the_mock_lets_it() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::text("ok")).on_connect(|nth| match nth {
            0 | 1 => MockConnect::fail(io::ErrorKind::ConnectionReset.into()),
            _ => MockConnect::accept(),
        });
        let session = ClientSession::builder().connector(mock.clone()).retries(2).build().expect("settings");
        assert!(session.get("http://test/").await.expect("a response").ok());
    });
}

#[test]
fn a_streamed_answer_comes_as_the_test_makes_it() {
    curio::testing::run(async {
        let (pieces, stream) = curio::channel::<&str>(10);
        let stream = RefCell::new(Some(stream));
        let mock = Mock::new().otherwise(move |_| {
            let stream = stream.borrow_mut().take().expect("one request");
            Answer::stream(futures_util::stream::unfold(stream, async |stream| {
                let piece = stream.recv().await?;
                Some((Ok(piece), stream))
            }))
        });
        let mut response = mock.session().get("http://test/").await.expect("a response");
        let mut chunks = response.iter_chunked(100);
        for piece in ["first", "", "second"] {
            assert!(curio::timeout_after(Duration::from_secs(1), chunks.next()).await.is_err(), "not yet");
            pieces.send(piece).await.expect("room");
            if !piece.is_empty() {
                assert_eq!(chunks.next().await.expect("a chunk").expect("no error"), piece);
            }
        }
        drop(pieces);
        assert!(chunks.next().await.is_none());
    });
}
