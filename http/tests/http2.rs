//! HTTP/2: one connection for all requests of an origin, by ALPN or by prior knowledge.
#![cfg(feature = "http2")]

mod h2_server;
mod tls_server;

use bytes::Bytes;
use curio_http::ClientSession;
use curio_support::TestProxy;
use h2::server::Builder;
use h2_server::raw::{END_HEADERS, END_STREAM, GOAWAY, HEADERS, Raw, STATUS_200, frame};
use h2_server::{H2Server, TlsIo};
use http::Version;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
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

#[test]
fn a_request_with_an_upgrade_field_is_sent_over_http_1() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let mut head = vec![0; 1000];
            let n = tcp.recv(&mut head).await.expect("a request");
            assert!(head[..n].starts_with(b"GET / HTTP/1.1\r\n"));
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
            tcp.sendall(answer).await.expect("sent");
            let _ = tcp.recv(&mut head).await;
        });
        let request = knowing().get(server.url("/")).header("Connection", "upgrade").header("Upgrade", "x");
        let response = request.await.expect("a response");
        assert_eq!((response.status_code(), response.http_version()), (101, "1.1"));
        drop(response.upgrade().expect("a stream"));
        server.stop().await;
    });
}

#[test]
fn trailers_come_at_the_end() {
    curio::run(async {
        let server = H2Server::start(async |mut exchange| {
            let mut send = exchange.respond.send_response(http::Response::new(()), false).expect("sent");
            send.send_data(Bytes::from_static(b"body"), false).expect("sent");
            let trailers = http::HeaderMap::from_iter([(
                http::HeaderName::from_static("x-sum"),
                http::HeaderValue::from_static("42"),
            )]);
            send.send_trailers(trailers).expect("sent");
        });
        let mut response = knowing().get(server.url("/")).await.expect("a response");
        assert_eq!(response.text().await.expect("a body"), "body");
        assert_eq!(response.trailers().expect("trailers")["x-sum"], "42");
        server.stop().await;
    });
}

#[test]
fn a_response_that_refuses_an_upload_ends_it_and_one_that_accepts_it_does_not() {
    curio::run(async {
        let server = H2Server::start(async |mut exchange| {
            let status = if exchange.path() == "/refused" { 413 } else { 200 };
            let mut response = http::Response::new(());
            *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            let Ok(mut send) = exchange.respond.send_response(response, false) else { return };
            if status == 413 {
                return drop(send.send_data(Bytes::from_static(b"too large"), true));
            }
            let body = exchange.body().await;
            let _ = send.send_data(Bytes::from(body.len().to_string()), true);
        });
        let session = knowing();
        let body = || vec![1; 3_000_000];
        let mut refused = session.post(server.url("/refused")).body(body()).await.expect("a response");
        assert_eq!(refused.status_code(), 413);
        assert_eq!(refused.text().await.expect("a body"), "too large");
        let mut accepted = session.post(server.url("/accepted")).body(body()).await.expect("a response");
        assert_eq!(accepted.text().await.expect("a body"), "3000000");
        assert_eq!(server.seen.connections.get(), 1);
        server.stop().await;
    });
}

#[test]
fn the_body_waits_for_a_100_if_the_request_expects_one() {
    curio::run(async {
        let server = H2Server::start(async |mut exchange| {
            if exchange.path() == "/refused" {
                let mut response = http::Response::new(());
                *response.status_mut() = http::StatusCode::FORBIDDEN;
                let _ = exchange.respond.send_response(response, true);
                return;
            }
            let mut interim = http::Response::new(());
            *interim.status_mut() = http::StatusCode::CONTINUE;
            exchange.respond.send_informational(interim).expect("sent");
            let body = exchange.body().await;
            exchange.ok(body).await;
        });
        let session = knowing();
        let post = |path: &str| session.post(server.url(path)).header("Expect", "100-continue").body("body");
        let mut wanted = post("/wanted").await.expect("a response");
        assert_eq!(wanted.text().await.expect("a body"), "body");
        assert_eq!(post("/refused").await.expect("a response").status_code(), 403);
        server.stop().await;
    });
}

#[test]
fn the_trace_shows_heads_and_the_timings_show_phases() {
    curio::run(async {
        let server = H2Server::start(async |exchange| exchange.ok("ok").await);
        let lines = Rc::new(RefCell::new(String::new()));
        let log = Rc::clone(&lines);
        let session = ClientSession::builder()
            .http2_prior_knowledge()
            .on_trace(move |trace| log.borrow_mut().push_str(&trace.to_string()))
            .build()
            .expect("good settings");
        let get = || session.get(server.url("/a?b")).bearer_auth("secret");
        let mut response = get().await.expect("a response");
        response.text().await.expect("a body");
        let timings = response.timings();
        assert!(timings.connect.is_some() && timings.send.is_some() && timings.first_byte.is_some());
        assert!(timings.total.is_some() && timings.tls.is_none());
        assert_eq!(get().await.expect("a response").timings().connect, None);
        let shown = lines.borrow().clone();
        for line in
            ["* Connected to", "> GET /a?b HTTP/2\n", "> host: 127", "< HTTP/2 200\n", "* Reusing the"]
        {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        assert!(!shown.contains("secret"), "{shown}");
        server.stop().await;
    });
}

#[test]
fn there_is_no_task_of_the_client() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let mut raw = Raw::accept(tcp).await.expect("a client");
            let request = raw.next_of(HEADERS).await.expect("a request");
            raw.send(&frame(HEADERS, END_HEADERS, request.stream, STATUS_200)).await.expect("sent");
            raw.rest().await;
        });
        let before = curio::tasks().len();
        let session = knowing();
        let response = session.get(server.url("/")).await.expect("a response");
        assert_eq!(curio::tasks().len(), before + 1, "the server's task for the connection");
        drop(response);
        server.stop().await;
    });
}

#[test]
fn closing_the_session_says_goodbye() {
    curio::run(async {
        let ended = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&ended);
        let server = H2Server::on_connection(move |_, tcp| {
            let log = Rc::clone(&log);
            async move {
                let mut raw = Raw::accept(tcp).await.expect("a client");
                let request = raw.next_of(HEADERS).await.expect("a request");
                let head = frame(HEADERS, END_HEADERS | END_STREAM, request.stream, STATUS_200);
                raw.send(&head).await.expect("sent");
                let frames = raw.rest().await;
                log.borrow_mut().extend(frames.into_iter().map(|frame| frame.kind));
            }
        });
        let session = knowing();
        session.get(server.url("/")).await.expect("a response");
        session.close().await;
        curio::timeout_after(Duration::from_secs(10), async {
            while ended.borrow().is_empty() {
                curio::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the connection is closed");
        assert_eq!(ended.borrow().last(), Some(&GOAWAY));
        server.stop().await;
    });
}

#[test]
fn contradictory_settings_are_refused() {
    let error = ClientSession::builder().http2_prior_knowledge().http2(false).build().expect_err("refused");
    assert!(error.is_request() && error.to_string().contains("leave one of them out"), "{error}");
}

#[test]
fn a_connection_of_the_pool_is_given_up_for_another_host_that_waits() {
    curio::run(async {
        let first = H2Server::start(async |exchange| exchange.ok("first").await);
        let second = H2Server::start(async |exchange| exchange.ok("second").await);
        let session = ClientSession::builder()
            .http2_prior_knowledge()
            .max_connections(1)
            .pool_timeout(Duration::from_secs(5))
            .build()
            .expect("good settings");
        for server in [&first, &second, &first] {
            session.get(server.url("/")).await.expect("a response");
        }
        assert_eq!((first.seen.connections.get(), second.seen.connections.get()), (2, 1));
        first.stop().await;
        second.stop().await;
    });
}

#[test]
fn it_is_spoken_through_the_tunnel_of_a_proxy() {
    curio::run(async {
        let authority = Authority::new(|_| {});
        let config = Arc::new(authority.server(&["localhost"], "x", &[b"h2"]));
        let server = H2Server::with(Builder::new(), Some(config), async |exchange| exchange.ok("ok").await);
        let proxy = TestProxy::http(None).await.expect("a proxy");
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .trust_env(false)
            .proxy(proxy.url("http"))
            .build()
            .expect("good settings");
        let url = format!("https://localhost:{}/", server.addr.port());
        for _ in 0..3 {
            assert_eq!(session.get(&*url).await.expect("a response").version(), Version::HTTP_2);
        }
        assert_eq!(proxy.asked().len(), 1);
        session.close().await;
        proxy.close().await;
        server.stop().await;
    });
}

#[test]
fn what_arrives_over_tls_while_no_task_reads_is_kept_whole() {
    curio::run(async {
        let authority = Authority::new(|_| {});
        let config = Arc::new(authority.server(&["localhost"], "x", &[b"h2"]));
        let body: Vec<u8> = (0..900_000u32).map(|n| (n % 251) as u8).collect();
        let sent = body.clone();
        let server = H2Server::with(Builder::new(), Some(config), async move |mut exchange| {
            let mut send = exchange.respond.send_response(http::Response::new(()), false).expect("sent");
            curio::sleep(Duration::from_millis(100)).await;
            h2_server::send_all(&mut send, sent.clone().into(), true).await;
        });
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .resolve("localhost", server.addr)
            .build()
            .expect("good settings");
        let url = format!("https://localhost:{}/", server.addr.port());
        let mut response = session.get(url).await.expect("a response");
        // Long enough for the upkeep, which drives the connection meanwhile.
        curio::sleep(Duration::from_millis(2500)).await;
        assert!(response.binary().await.expect("a body") == body);
        session.close().await;
        server.stop().await;
    });
}

#[test]
fn an_idle_connection_over_tls_answers_pings_and_is_used_again() {
    curio::run(async {
        let authority = Authority::new(|_| {});
        let config = Arc::new(authority.server(&["localhost"], "x", &[b"h2"]));
        let pongs = Rc::new(Cell::new(0));
        let count = Rc::clone(&pongs);
        let server = H2Server::on_connection(move |_, tcp| {
            let (config, count) = (Arc::clone(&config), Rc::clone(&count));
            async move {
                let Ok(io) = TlsIo::accept(tcp, config).await else { return };
                let Ok(mut connection) = h2::server::handshake(io).await else { return };
                let mut pings = connection.ping_pong().expect("the only one");
                curio::scope(async |scope| {
                    scope.spawn(async {
                        // When the response has arrived, so that no task of the client polls the connection.
                        curio::sleep(Duration::from_millis(200)).await;
                        if pings.ping(h2::Ping::opaque()).await.is_ok() {
                            count.set(count.get() + 1);
                        }
                    });
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        respond.send_response(http::Response::new(()), true).expect("sent");
                    }
                })
                .await;
            }
        });
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .resolve("localhost", server.addr)
            .build()
            .expect("good settings");
        let url = format!("https://localhost:{}/", server.addr.port());
        session.get(&*url).await.expect("a response");
        curio::timeout_after(Duration::from_secs(10), async {
            while pongs.get() == 0 {
                curio::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("the upkeep answers");
        session.get(&*url).await.expect("a response");
        assert_eq!(server.seen.connections.get(), 1);
        session.close().await;
        server.stop().await;
    });
}

#[test]
fn an_idle_connection_is_not_used_again_if_the_session_keeps_none() {
    curio::run(async {
        let server = H2Server::start(async |exchange| exchange.ok("ok").await);
        let session = ClientSession::builder().http2_prior_knowledge().max_idle_per_host(0);
        let session = session.build().expect("good settings");
        for _ in 0..3 {
            let mut response = session.get(server.url("/")).await.expect("a response");
            response.text().await.expect("a body");
        }
        assert_eq!(server.seen.connections.get(), 3);
        server.stop().await;
    });
}
