//! Hostile cases about proxies: who gets which credentials, what a proxy may answer, and whom it is used for.

mod children;
mod server;

use children::get_in_environment;
use curio_http::{ClientSession, ClientSessionBuilder, Error, ErrorKind};
use curio_support::{HostileServer, Httpbin, Script, TestAuthority, TestProxy};
use server::{Reply, Server};

fn through(proxy: &str) -> ClientSessionBuilder {
    ClientSession::builder().trust_env(false).proxy(proxy)
}

/// Not a test by itself: what [`get_in_environment`] runs.
#[test]
fn child() {
    children::child();
}

/// Asks a proxy that plays `script` for a tunnel; returns how that failed.
fn tunnel_through(script: Script) -> Error {
    curio::run(async {
        let proxy = HostileServer::start([script]).await.unwrap();
        let session = through(&format!("http://ann:secret@{}", proxy.address())).build().unwrap();
        let error = session.get("https://a.test/").await.unwrap_err();
        let line = error.to_string();
        let expected = format!("asking the proxy http://{} for a tunnel to a.test:443", proxy.address());
        assert!(line.contains(&expected) && !line.contains("secret"), "{line}");
        while proxy.open() > 0 {
            curio::schedule().await;
        }
        error
    })
}

#[test]
fn case_015_nothing_in_a_proxys_address_becomes_a_line_of_its_own() {
    curio::run(async {
        let proxy = HostileServer::start([Script::new().read_head().close()]).await.unwrap();
        let session =
            through(&format!("http://a%0d%0aX:b%0d%0aY: z@{}", proxy.address()).replace(' ', "%20"));
        let _ = session.build().unwrap().get("https://a.test/").await.unwrap_err();
        let head = proxy.received(0);
        let names: Vec<&str> =
            head.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
        assert_eq!(names, ["CONNECT a.test", "host", "user-agent", "proxy-authorization"], "{head}");
    });
    assert!(ClientSession::builder().proxy("http://a\r\nX: y@p.test").build().is_err());
    assert!(ClientSession::builder().user_agent("a\r\nX: y").build().is_err());
}

#[test]
fn case_090_credentials_are_dropped_between_servers_behind_one_proxy() {
    let proxy = Server::answering(|request| match &*request.target {
        "http://a.test/" => Reply::redirect("307 Elsewhere", "http://b.test/"),
        _ => Reply::ok("b"),
    });
    let session = through(&proxy.url("")).build().unwrap();
    let request = session.get("http://a.test/").bearer_auth("secret").header("cookie", "c=1");
    curio::run(request).unwrap();
    let requests = proxy.requests();
    assert_eq!(requests[0].header("authorization"), Some("Bearer secret"));
    assert_eq!((requests[1].header("authorization"), requests[1].header("cookie")), (None, None));
    assert_eq!(requests[1].header("host"), Some("b.test"));
}

#[test]
fn case_097_each_hop_of_a_redirect_decides_anew() {
    let target = Server::answering(|_| Reply::ok("server"));
    let to = target.url("/");
    // It redirects every request to a host that is reached without a proxy.
    let proxy = Server::answering(move |_| Reply::redirect("302 Found", &to));
    let variables = [("http_proxy", proxy.url("")), ("no_proxy", "127.0.0.1".into())];
    assert_eq!(get_in_environment(&variables, "", "http://a.test/"), "server");
    assert_eq!(proxy.request().target, "http://a.test/");
    assert_eq!(target.request().target, "/");
}

#[test]
fn case_116_other_credentials_for_the_proxy_are_another_connection() {
    let proxy = Server::answering(|_| Reply::ok("x"));
    for user in ["ann", "bob", "ann"] {
        let session = through(&format!("http://{user}:secret@{}", proxy.addr())).build().unwrap();
        curio::run(async {
            session.get("http://a.test/").await?.binary().await?;
            session.get("http://a.test/").await?.binary().await
        })
        .unwrap();
    }
    let seen: Vec<_> = proxy
        .requests()
        .iter()
        .map(|request| {
            (request.connection, request.header("proxy-authorization").unwrap_or_default().to_owned())
        })
        .collect();
    let (ann, bob) = ("Basic YW5uOnNlY3JldA==", "Basic Ym9iOnNlY3JldA==");
    let expected = [(0, ann), (0, ann), (1, bob), (1, bob), (2, ann), (2, ann)];
    assert_eq!(seen, expected.map(|(connection, value)| (connection, value.to_owned())));
}

#[test]
fn case_116_one_host_by_two_schemes_or_two_ports_is_two_connections() {
    let proxy = Server::answering(|_| Reply::ok("x"));
    let session = through(&proxy.url("")).build().unwrap();
    curio::run(async {
        for url in ["http://a.test/", "http://a.test:81/", "http://b.test/", "http://a.test/"] {
            session.get(url).await.unwrap().binary().await.unwrap();
        }
        // The proxy's 200 to CONNECT is followed by no TLS.
        assert!(session.get("https://a.test/").await.unwrap_err().is_tls());
    });
    let connections: Vec<usize> = proxy.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 2, 0, 3]);
}

#[test]
fn case_117_connections_carry_nobodys_identity() {
    let proxy = Server::answering(|request| Reply::ok(request.header("authorization").unwrap_or("nobody")));
    let session = through(&proxy.url("")).build().unwrap();
    let answers = curio::run(async {
        let mut answers = Vec::new();
        for user in [Some("ann"), Some("bob"), None] {
            let request = session.get("http://a.test/");
            let request = match user {
                Some(user) => request.bearer_auth(user),
                None => request,
            };
            answers.push(request.await.unwrap().text().await.unwrap());
        }
        answers
    });
    // Every request says for itself who it is from, on one connection: no scheme that binds a connection is spoken.
    assert_eq!(answers, ["Bearer ann", "Bearer bob", "nobody"]);
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn case_123_a_proxys_credentials_do_not_go_through_the_tunnel() {
    let authority = TestAuthority::new().unwrap();
    curio::run(async {
        let proxy = TestProxy::http(Some("ann:secret")).await.unwrap();
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let script = Script::new().read_request().send(answer);
        let server = HostileServer::start_tls(&authority.localhost().unwrap(), [script]).await.unwrap();
        let session = through(&proxy.url("http").replace("//", "//ann:secret@"))
            .only_root_certificates(authority.ca_pem())
            .build()
            .unwrap();
        // Not even if they are set by hand.
        let request = session.get(server.url("/")).header("Proxy-Authorization", "Basic YW5uOnNlY3JldA==");
        request.await.unwrap();
        let seen = server.received(0).to_ascii_lowercase();
        assert!(seen.starts_with("get / ") && !seen.contains("proxy-authorization"), "{seen}");
    });
}

#[test]
fn case_123_a_proxys_credentials_do_not_go_to_a_server_nor_to_a_second_proxy() {
    let direct = Server::answering(|_| Reply::ok("server"));
    let second = Server::answering(|_| Reply::raw("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"));
    for (to, reached) in [(direct.url("/"), &direct), ("https://b.test/".into(), &second)] {
        let first = Server::answering(move |_| Reply::redirect("307 Elsewhere", &to));
        let variables = [
            ("http_proxy", format!("http://ann:secret@{}", first.addr())),
            ("https_proxy", second.url("")),
            ("no_proxy", "127.0.0.1".into()),
        ];
        get_in_environment(&variables, "", "http://a.test/");
        assert!(first.request().header("proxy-authorization").is_some());
        assert_eq!(reached.request().header("proxy-authorization"), None);
    }
}

#[test]
fn case_124_a_refusal_names_the_proxy_and_what_it_said() {
    let refusals = [
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: Basic realm=x\r\nContent-Length: 5\r\n",
            "407",
        ),
        ("403 Forbidden", "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n", "403 Forbidden"),
        ("502 Bad Gateway", "", "502 Bad Gateway"),
        ("302 Found", "Location: https://evil.test/\r\n", "302 Found"),
    ];
    for (status, fields, words) in refusals {
        let head = format!("HTTP/1.1 {status}\r\n{fields}\r\n<html>the whole building is closed</html>");
        let error = tunnel_through(Script::new().read_head().send(head).close());
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
        assert_eq!(error.status().unwrap().as_str(), &status[..3]);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn case_124_an_answer_that_is_no_answer_is_a_proxy_error() {
    let answers: [&[u8]; 7] = [
        b"HTTP/1.1 403 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200",
        b"",
        b"\x16\x03\x01\x02\x00",
        b"SSH-2.0-OpenSSH\r\n",
    ];
    for answer in answers {
        let error = tunnel_through(Script::new().read_head().send(answer).close());
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
    }
}

#[test]
fn case_124_a_head_without_end_stops_at_the_limit() {
    let endless =
        format!("HTTP/1.1 200 OK\r\n{}", "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(4000));
    let error = tunnel_through(Script::new().read_head().send(endless).close());
    assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
}

#[test]
fn case_124_a_consent_with_a_length_is_a_consent() {
    let authority = TestAuthority::new().unwrap();
    let config = authority.localhost().unwrap().server_config().unwrap();
    let proxy = Server::on_connection(move |_, stream| {
        use std::io::Write;
        let mut reader = server::Reader::new(stream);
        let Ok(Some(_)) = reader.request() else { return };
        // RFC 9110 §9.3.6: a client ignores both fields in a 2xx answer to CONNECT.
        let consent = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = reader.stream.write_all(consent.as_bytes());
        let tls = rustls::ServerConnection::new(config.clone()).expect("a configuration");
        let mut inner = server::Reader::new(rustls::StreamOwned::new(tls, reader.stream));
        let Ok(Some(_)) = inner.request() else { return };
        let _ = inner.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        let _ = inner.request();
    });
    let session = through(&proxy.url("")).only_root_certificates(authority.ca_pem()).build().unwrap();
    let text = curio::run(async { session.get("https://localhost:1/").await?.text().await }).unwrap();
    assert_eq!(text, "hi");
}

#[test]
fn case_125_bytes_behind_the_consent_are_bounded_and_judged_by_tls() {
    let consent = |early: usize| [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; early]].concat();
    curio::run(async {
        for early in [1, 100, 1_000_000] {
            let script = Script::new().read_head().send(consent(early)).stall();
            let proxy = HostileServer::start([script]).await.unwrap();
            let session = through(&format!("http://{}", proxy.address())).build().unwrap();
            let error = session.get("https://a.test/").await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Proxy), "{error}");
        }
    });
}

#[test]
fn case_126_no_proxy_follows_curls_rules() {
    let server = Server::answering(|_| Reply::ok("server"));
    let proxy = Server::answering(|_| Reply::ok("proxy"));
    let port = server.addr().port();
    let goes = |list: &str, host: &str| {
        let variables = [("http_proxy", proxy.url("")), ("no_proxy", list.to_owned())];
        get_in_environment(&variables, "", &format!("http://{host}:{port}/"))
    };
    for list in ["127.0.0.1", "*", "127.0.0.0/8", &format!("127.0.0.1:{port}"), "x.test , 127.0.0.1"] {
        assert_eq!(goes(list, "127.0.0.1"), "server", "{list}");
    }
    for list in ["", "128.0.0.0/8", "127.0.0.1:1", "0.0.1", ".1", "localhost", "127.0.0.1.test"] {
        assert_eq!(goes(list, "127.0.0.1"), "proxy", "{list}");
    }
    // One address in three spellings.
    for host in ["0x7f.1", "2130706433", "127.1"] {
        assert_eq!(goes("127.0.0.1", host), "server", "{host}");
    }
    for list in ["localhost", ".localhost", "LOCALHOST."] {
        assert_eq!(goes(list, "localhost"), "server", "{list}");
    }
    assert_eq!(goes("ocalhost,host", "localhost"), "proxy");
    assert_eq!(goes("::1,[::2]", "[::3]"), "proxy");
}

#[test]
fn case_127_a_zone_id_gets_into_no_address() {
    for url in ["http://[::1%25.example.com]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"] {
        let result = get_in_environment(&[("no_proxy", ".example.com".into())], "http://127.0.0.1:1", url);
        assert!(result.starts_with("Url "), "{result}");
    }
}

#[test]
fn case_128_http_proxy_in_capitals_is_ignored() {
    let server = Server::answering(|_| Reply::ok("server"));
    let proxy = Server::answering(|_| Reply::ok("proxy"));
    let mut variables = vec![("HTTP_PROXY", proxy.url(""))];
    if cfg!(windows) {
        // There it is the same variable as `http_proxy`, and is ignored where it may come from a request: under CGI.
        variables.push(("REQUEST_METHOD", "GET".into()));
    }
    assert_eq!(get_in_environment(&variables, "", &server.url("/")), "server");
}

#[test]
fn case_129_socks4_and_socks5_look_names_up_here_and_socks5h_and_socks4a_there() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let port = httpbin.address().port();
        let seen = [
            ("socks5", format!("5 address 127.0.0.1:{port}")),
            ("socks5h", format!("5 name a.test:{port}")),
            ("socks4", format!("4 address 127.0.0.1:{port}")),
            ("socks4a", format!("4 name a.test:{port}")),
            ("socks", format!("5 name a.test:{port}")),
        ];
        for (scheme, expected) in seen {
            let proxy = TestProxy::socks(None).await.unwrap();
            let looked_up = std::rc::Rc::new(std::cell::Cell::new(false));
            let look = looked_up.clone();
            let resolver = async move |_: String, port: u16| {
                look.set(true);
                Ok(vec![std::net::SocketAddr::from(([127, 0, 0, 1], port))])
            };
            let session = through(&proxy.url(scheme)).resolver(resolver).build().unwrap();
            session.get(format!("http://a.test:{port}/get")).await.unwrap();
            assert_eq!(proxy.asked(), [expected]);
            assert_eq!(looked_up.get(), matches!(scheme, "socks4" | "socks5"));
        }
    });
}

#[test]
fn case_129_a_host_that_is_too_long_is_refused_before_anything_is_sent() {
    curio::run(async {
        let proxy = TestProxy::socks(None).await.unwrap();
        let session = through(&proxy.url("socks5h")).build().unwrap();
        let label = "x".repeat(60);
        let host = [&*label; 5].join(".");
        let error = session.get(format!("http://{host}/")).await.unwrap_err();
        assert!(error.is_url(), "{error}");
        assert!(proxy.asked().is_empty());
    });
}

#[test]
fn case_129_a_socks_proxy_that_talks_nonsense_is_an_error_and_not_a_hang() {
    let answers: [&[u8]; 8] = [
        b"",
        b"\x05",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x05\x01",
        b"\x05\x00\x05\x00\x00\x07",
        b"\x05\x00\x05\x00\x00\x03\xff\x00",
        b"\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00",
        b"\x04\x5a\x00\x00\x00\x00\x00\x00",
    ];
    curio::run(async {
        for answer in answers {
            let proxy = HostileServer::start([Script::new().send(answer).close()]).await.unwrap();
            let session = through(&format!("socks5h://{}", proxy.address())).build().unwrap();
            let error = session.get("http://a.test/").await.unwrap_err();
            assert!(error.is_proxy(), "{error}");
            assert!(error.to_string().contains("asking the proxy socks5h://127.0.0.1:"), "{error}");
        }
    });
}
