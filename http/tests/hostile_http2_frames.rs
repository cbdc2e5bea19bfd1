//! Servers that misbehave over HTTP/2 (cases 139 to 142): each test has a bounded end, by an error or by a timeout.
#![cfg(feature = "http2")]

mod h2_server;
mod tls_server;

use curio_http::{ClientSession, Error, Response};
use h2_server::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PUSH_PROMISE, RST_STREAM, Raw, SETTINGS,
    STATUS_200, WINDOW_UPDATE, frame,
};
use h2_server::{Exchange, H2Server};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tls_server::Authority;

/// A frame for the stream of the request.
type Flood = fn(u32) -> Vec<u8>;

/// Long enough for any test, and short enough for one that ends by it.
const LIMIT: Duration = Duration::from_millis(700);

fn session() -> ClientSession {
    let session = ClientSession::builder().http2_prior_knowledge().read_timeout(LIMIT).timeout(LIMIT * 2);
    session.build().expect("good settings")
}

/// Answers the first request with these bytes, over and over for `times`, and reads what the client says.
async fn against(
    bytes: impl Fn(u32) -> Vec<u8> + 'static,
    times: usize,
    ask: impl AsyncFnOnce(Result<Response, Error>),
) {
    let bytes = Rc::new(bytes);
    let server = H2Server::on_connection(move |_, tcp| {
        let bytes = Rc::clone(&bytes);
        async move {
            let Ok(mut raw) = Raw::accept(tcp).await else { return };
            let Ok(request) = raw.next_of(HEADERS).await else { return };
            let flood = bytes(request.stream);
            for _ in 0..times {
                if raw.send(&flood).await.is_err() {
                    return;
                }
            }
            raw.rest().await;
        }
    });
    ask(session().get(server.url("/")).await).await;
    server.stop().await;
}

/// The request fails, or its body does.
async fn fails(result: Result<Response, Error>) {
    let error = match result {
        Ok(mut response) => response.binary().await.expect_err("the body fails"),
        Err(error) => error,
    };
    assert!(error.is_protocol() || error.is_timeout() || error.is_body() || error.is_too_large(), "{error}");
}

#[test]
fn case_139_floods_of_frames_end_by_a_limit_or_a_timeout() {
    let head = |stream| frame(HEADERS, END_HEADERS, stream, STATUS_200);
    let floods: [(&str, Flood); 8] = [
        ("pings", |_| frame(PING, 0, 0, &[1; 8])),
        ("settings", |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("acknowledged settings", |_| frame(SETTINGS, ACK, 0, &[])),
        ("resets of unopened streams", |_| frame(RST_STREAM, 0, 9, &[0, 0, 0, 8])),
        ("window updates", |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("an unknown frame type", |_| frame(99, 0, 0, b"what is it?")),
        ("empty data", |stream| frame(DATA, 0, stream, &[])),
        ("headers that never end", |stream| frame(CONTINUATION, 0, stream, &[0x88])),
    ];
    for (what, flood) in floods {
        println!("{what}");
        curio::run(against(
            move |stream| match what {
                "headers that never end" => {
                    [frame(HEADERS, 0, stream, STATUS_200), flood(stream).repeat(2000)].concat()
                }
                "empty data" => [head(stream), flood(stream).repeat(2000)].concat(),
                _ => flood(stream).repeat(2000),
            },
            50,
            fails,
        ));
    }
}

#[test]
fn case_139_a_flood_of_interim_responses_ends_at_the_limit() {
    // `:status: 103` as a literal.
    let hints = |stream| frame(HEADERS, END_HEADERS, stream, b"\x08\x03103").repeat(100);
    curio::run(against(hints, 1, async |result| {
        let error = result.expect_err("too many");
        assert!(error.is_too_large() && error.to_string().contains("max_interim_responses"), "{error}");
    }));
}

#[test]
fn case_139_a_window_of_zero_for_ever_ends_by_the_read_timeout() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let Ok(mut raw) = Raw::with_settings(tcp, &[(4, 0)]).await else { return };
            raw.rest().await;
        });
        // The first window is that of the RFC, because the settings may come later: so the body is larger than it.
        let upload = session().post(server.url("/")).body(vec![1; 1_000_000]).await;
        let error = upload.expect_err("the server takes nothing");
        assert!(error.is_timeout() && error.to_string().contains("sending the request"), "{error}");
        server.stop().await;
    });
}

#[test]
fn case_139_tiny_windows_for_ever_end_by_the_timeout_of_the_request() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let Ok(mut raw) = Raw::with_settings(tcp, &[(4, 1)]).await else { return };
            let Ok(request) = raw.next_of(HEADERS).await else { return };
            let one = frame(WINDOW_UPDATE, 0, request.stream, &[0, 0, 0, 1]);
            while raw.send(&one).await.is_ok() {
                curio::sleep(Duration::from_millis(5)).await;
            }
        });
        let upload = session().post(server.url("/")).body(vec![1; 1_000_000]).await;
        let error = upload.expect_err("the server takes a byte at a time");
        assert!(error.is_timeout(), "{error}");
        server.stop().await;
    });
}

#[test]
fn case_140_a_header_bomb_is_refused() {
    // Each field refers to one large entry of the dynamic table, which the first one has made.
    let bomb = |stream| {
        let mut block = STATUS_200.to_vec();
        block.extend_from_slice(&[0x40, 1, b'x', 0x7f, 0x81, 0x1e]);
        block.extend_from_slice(&[b'y'; 4000]);
        block.extend_from_slice(&[0xbe; 12_000]);
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
    };
    curio::run(against(bomb, 1, fails));
}

#[test]
fn case_140_a_head_beyond_the_limits_is_refused_with_the_setting_that_allows_more() {
    let field = |n: usize, length: usize| {
        let name = format!("x-{n:04}");
        [&[0x00, 6][..], name.as_bytes(), &[length as u8], &vec![b'v'; length]].concat()
    };
    let head = move |stream, fields: usize, length: usize| {
        let block = [STATUS_200.to_vec(), (0..fields).flat_map(|n| field(n, length)).collect()].concat();
        let (first, rest) = block.split_at(block.len().min(16_000));
        let mut frames = frame(HEADERS, END_STREAM, stream, first);
        for part in rest.chunks(16_000) {
            frames.extend(frame(CONTINUATION, 0, stream, part));
        }
        frames.extend(frame(CONTINUATION, END_HEADERS, stream, &[]));
        frames
    };
    curio::run(against(
        move |stream| head(stream, 200, 1),
        1,
        async |result| {
            let error = result.expect_err("too many fields");
            assert!(error.is_too_large() && error.to_string().contains("max_response_headers"), "{error}");
        },
    ));
    curio::run(against(
        move |stream| head(stream, 120, 120),
        1,
        async |result| {
            let response = result.expect("within the limits");
            assert_eq!(response.headers().len(), 120);
        },
    ));
}

#[test]
fn case_140_a_pushed_response_ends_the_connection() {
    let push = |stream| {
        let promised = [&2u32.to_be_bytes()[..], b"\x82\x86\x84\x41\x01h"].concat();
        frame(PUSH_PROMISE, END_HEADERS, stream, &promised)
    };
    curio::run(against(push, 1, async |result| {
        let error = result.expect_err("push is off");
        assert!(error.is_protocol(), "{error}");
    }));
}

#[test]
fn case_140_http_2_is_offered_first_and_no_other_protocol_than_the_two() {
    curio::run(async {
        let authority = Authority::new(|_| {});
        // A server that prefers HTTP/1.1 gets it on the connection that was made.
        let config = authority.server(&["localhost"], "x", &[b"http/1.1", b"h2"]);
        let server = tls_server::TlsServer::start(config, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .resolve("localhost", server.address)
            .build()
            .expect("good settings");
        let url = format!("https://localhost:{}/", server.address.port());
        for _ in 0..2 {
            let mut response = session.get(&*url).await.expect("a response");
            assert_eq!(response.http_version(), "1.1");
            assert_eq!(response.text().await.expect("a body"), "ok");
        }
        let seen = server.seen();
        assert_eq!(seen.len(), 1, "one connection, which is reused");
        assert_eq!(seen[0].protocol.as_deref(), Some(&b"http/1.1"[..]));
    });
}

#[test]
fn case_141_a_response_that_http_2_does_not_allow_is_refused() {
    let literal = |name: &str, value: &str| {
        [&[0x00, name.len() as u8][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
    };
    let blocks = [
        [STATUS_200.to_vec(), literal("Server", "upper case")].concat(),
        [STATUS_200.to_vec(), literal("connection", "close")].concat(),
        [STATUS_200.to_vec(), literal("transfer-encoding", "chunked")].concat(),
        [STATUS_200.to_vec(), literal("x", "a\r\nb")].concat(),
        [STATUS_200.to_vec(), STATUS_200.to_vec()].concat(),
        literal("server", "no status"),
        [STATUS_200.to_vec(), literal("content-length", "5")].concat(),
        vec![0xff; 20],
    ];
    for block in blocks {
        let response = move |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        curio::run(against(response, 1, fails));
    }
}

#[test]
fn case_141_frames_on_wrong_streams_are_refused() {
    for stream in [2, 7, 0] {
        curio::run(against(move |_| frame(HEADERS, END_HEADERS | END_STREAM, stream, STATUS_200), 1, fails));
        curio::run(against(move |_| frame(DATA, END_STREAM, stream, b"x"), 1, fails));
    }
}

#[test]
fn case_141_a_body_of_another_length_than_declared_is_refused() {
    for sent in [&b"1234"[..], b"123456"] {
        let response = move |stream| {
            let block = [STATUS_200, b"\x00\x0econtent-length\x015"].concat();
            [frame(HEADERS, END_HEADERS, stream, &block), frame(DATA, END_STREAM, stream, sent)].concat()
        };
        curio::run(against(response, 1, fails));
    }
}

#[test]
fn case_141_a_server_that_speaks_http_1_is_named_as_such() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let _ = tcp.recv(&mut [0; 1000]).await;
            let _ = tcp.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
            let _ = tcp.recv(&mut [0; 1000]).await;
        });
        let error = session().get(server.url("/")).await.expect_err("not HTTP/2");
        assert!(error.to_string().contains("speaks HTTP/1 and not HTTP/2"), "{error}");
        server.stop().await;
    });
}

#[test]
fn case_142_hosts_that_share_a_certificate_and_an_address_share_no_connection_of_http_2() {
    curio::run(async {
        let authority = Authority::new(|_| {});
        let config = Arc::new(authority.server(&["*.example.test"], "x", &[b"h2"]));
        let server = H2Server::with(h2::server::Builder::new(), Some(config), async |exchange: Exchange| {
            exchange.ok("ok").await;
        });
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .resolve("a.example.test", server.addr)
            .resolve("b.example.test", server.addr)
            .build()
            .expect("good settings");
        for host in ["a", "b", "a", "b"] {
            let url = format!("https://{host}.example.test:{}/", server.addr.port());
            assert_eq!(session.get(url).await.expect("a response").http_version(), "2");
        }
        assert_eq!(server.seen.connections.get(), 2);
        session.close().await;
        server.stop().await;
    });
}

#[test]
fn case_139_interim_responses_of_a_request_that_is_not_polled_end_its_stream_at_the_limit() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let Ok(mut raw) = Raw::accept(tcp).await else { return };
            let Ok(first) = raw.next_of(HEADERS).await else { return };
            let Ok(second) = raw.next_of(HEADERS).await else { return };
            let hint = frame(HEADERS, END_HEADERS, first.stream, b"\x08\x03103");
            // Until the client resets the stream.
            let flood = hint.repeat(10_000);
            if raw.send(&flood).await.is_err() || raw.next_of(RST_STREAM).await.is_err() {
                return;
            }
            let answer = frame(HEADERS, END_HEADERS | END_STREAM, second.stream, STATUS_200);
            let _ = raw.send(&answer).await;
            raw.rest().await;
        });
        let session = session();
        // On the connection's first stream, and then put aside.
        let mut put_aside = std::pin::pin!(session.get(server.url("/first")).into_future());
        curio::ignore_after(Duration::from_millis(50), put_aside.as_mut()).await;
        let second = session.get(server.url("/second")).await.expect("the flood has ended");
        assert_eq!(second.status_code(), 200);
        let error = put_aside.await.expect_err("too many");
        assert!(error.is_too_large() && error.to_string().contains("max_interim_responses"), "{error}");
        server.stop().await;
    });
}
