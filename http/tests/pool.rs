//! Which connection carries a request: kept, closed, waited for, tried again.

mod server;

use curio_http::{Body, ClientSession, ClientSessionBuilder, Error, Response};
use curio_support::{HostileServer, Script};
use futures_io::AsyncRead;
use server::{Reader, Reply, Server};
use std::cell::RefCell;
use std::io::{self, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Barrier, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn hello() -> Server {
    Server::answering(|_| Reply::ok("ok"))
}

fn session(with: impl FnOnce(ClientSessionBuilder) -> ClientSessionBuilder) -> ClientSession {
    with(ClientSession::builder()).build().expect("good settings")
}

/// Lets the kernel hear what the server has done in the meantime.
async fn a_moment() {
    curio::sleep(Duration::from_millis(50)).await;
}

/// A server whose first connection answers `good` requests and then does `afterwards`; all others answer for ever.
fn dying(good: usize, afterwards: impl Fn(&mut std::net::TcpStream) + Send + Sync + 'static) -> Server {
    Server::on_connection(move |number, stream| {
        let mut reader = Reader::new(stream);
        for nth in 0.. {
            let Ok(Some(_)) = reader.request() else { return };
            if number == 0 && nth == good {
                return afterwards(&mut reader.stream);
            }
            if reader.stream.write_all(OK).is_err() {
                return;
            }
        }
    })
}

#[test]
fn one_connection_serves_many_requests_one_after_the_other() {
    let server = hello();
    let session = ClientSession::new();
    curio::run(async {
        for _ in 0..20 {
            assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
        }
        session.post(server.url("/")).data("x").await?;
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_small_body_that_nobody_reads_does_not_cost_the_connection() {
    let server = hello();
    let session = ClientSession::new();
    curio::run(async {
        for _ in 0..20 {
            drop(session.get(server.url("/")).await?);
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.connections(), 1);
}

#[test]
fn case_135_a_response_dropped_half_read_closes_its_connection_and_harms_no_other() {
    let large = "x".repeat(4 << 20);
    let server = Server::answering(move |request| match request.target.as_str() {
        "/large" => Reply::ok(&large),
        _ => Reply::ok("ok"),
    });
    let session = ClientSession::new();
    curio::run(async {
        for _ in 0..5 {
            let mut response = session.get(server.url("/large")).await?;
            response.iter_chunked(1000).next().await.expect("a piece")?;
            drop(response);
            assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
    drop(session);
    assert!(server.all_closed());
}

#[test]
fn case_070_connection_close_is_honoured_from_both_sides_in_any_spelling() {
    let server = Server::answering(|_| Reply::with("200 OK", "Connection: x, CLOSE\r\n", "ok"));
    let asking = ClientSession::new();
    curio::run(async {
        asking.get(server.url("/")).await?;
        asking.get(server.url("/")).await
    })
    .expect("answers");
    assert_eq!(server.connections(), 2);

    let server = hello();
    let session = session(|builder| builder.header("Connection", "close"));
    curio::run(async {
        session.get(server.url("/")).await?;
        session.get(server.url("/")).await
    })
    .expect("answers");
    assert_eq!(server.connections(), 2);
}

#[test]
fn case_060_bytes_behind_a_response_are_never_given_to_the_next_request() {
    for surplus in ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "\r\n", "0\r\n\r\n"] {
        let server = Server::answering(move |_| Reply::raw([OK, surplus.as_bytes()].concat()));
        let session = ClientSession::new();
        curio::run(async {
            for _ in 0..3 {
                assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
            }
            Ok::<_, Error>(())
        })
        .expect("answers");
        assert_eq!(server.connections(), 3, "{surplus:?}");
    }
}

#[test]
fn an_idle_connection_that_the_server_has_closed_is_not_used() {
    let server = Server::answering(|_| Reply::ok("ok").then_close());
    let session = ClientSession::new();
    curio::run(async {
        for _ in 0..3 {
            // A POST would not be sent again: it must not meet the dead connection in the first place.
            session.post(server.url("/")).data("x").await?;
            a_moment().await;
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn an_idempotent_request_that_dies_on_an_old_connection_is_sent_again_once() {
    let close = dying(1, |_| {});
    let session = ClientSession::new();
    let get = async |server: &Server| session.get(server.url("/")).await?.text().await;
    curio::run(async {
        assert_eq!(get(&close).await?, "ok");
        assert_eq!(get(&close).await?, "ok");
        Ok::<_, Error>(())
    })
    .expect("the second try worked");
    assert_eq!(close.connections(), 2);
}

#[test]
fn a_post_that_dies_on_an_old_connection_is_not_sent_again() {
    let server = dying(1, |_| {});
    let session = ClientSession::new();
    let error = curio::run(async {
        session.get(server.url("/")).await.expect("an answer");
        session.post(server.url("/")).data("x").await.expect_err("it died")
    });
    let line = error.to_string();
    assert!(line.contains("idle for") && line.contains("without a reply"), "{line}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_body_that_cannot_be_had_again_is_not_sent_again() {
    struct Once(usize);
    impl AsyncRead for Once {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(std::mem::take(&mut self.0)))
        }
    }
    let server = dying(1, |_| {});
    let session = ClientSession::new();
    curio::run(async {
        session.get(server.url("/")).await.expect("an answer");
        session.put(server.url("/")).body(Body::from_reader(Once(3))).await.expect_err("it died");
    });
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_request_that_dies_after_the_first_byte_is_not_sent_again() {
    let server = dying(1, |stream| {
        let _ = stream.write_all(b"H");
    });
    let session = ClientSession::new();
    let error = curio::run(async {
        session.get(server.url("/")).await.expect("an answer");
        session.get(server.url("/")).await.expect_err("it died")
    });
    assert!(error.is_protocol(), "{error}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_request_that_dies_on_a_fresh_connection_is_not_sent_again() {
    let server = dying(0, |_| {});
    let error = curio::run(ClientSession::new().get(server.url("/"))).expect_err("it died");
    assert!(error.is_protocol() && error.to_string().contains("without a reply"), "{error}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_connection_past_the_idle_timeout_is_not_used() {
    let server = hello();
    let session = session(|builder| builder.pool_idle_timeout(Duration::from_millis(20)));
    curio::run(async {
        session.get(server.url("/")).await?;
        a_moment().await;
        session.get(server.url("/")).await
    })
    .expect("answers");
    assert_eq!(server.connections(), 2);
}

#[test]
fn the_servers_keep_alive_time_is_honoured_less_a_second() {
    let reply = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok";
    curio::Kernel::builder().virtual_clock(true).run(async {
        let script = Script::new().read_request().send(reply).read_request().send(reply).stall();
        let server = HostileServer::start([script]).await.expect("a server");
        let session = ClientSession::new();
        for (connections, pause) in [(1, 3900), (1, 4100), (2, 0)] {
            session.get(server.url("/")).await.expect("an answer");
            assert_eq!(server.connections(), connections);
            curio::sleep(Duration::from_millis(pause)).await;
        }
    });
}

#[test]
fn no_more_idle_connections_are_kept_than_allowed() {
    let all_three = Barrier::new(3);
    let server = Server::answering(move |_| {
        all_three.wait();
        Reply::ok("ok")
    });
    let session = session(|builder| builder.max_idle_per_host(1));
    let three = async || {
        let get = || session.get(server.url("/")).into_future();
        let (a, b, c) = curio::join!(get(), get(), get());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
    };
    curio::run(async {
        three().await;
        assert_eq!(server.connections(), 3);
        three().await;
        assert_eq!(server.connections(), 5);
    });
}

#[test]
fn no_more_connections_are_in_use_than_allowed_and_waiters_take_turns() {
    let two_at_once = Barrier::new(2);
    let server = Server::answering(move |_| {
        two_at_once.wait();
        Reply::ok("ok")
    });
    let session = session(|builder| builder.max_connections_per_host(2));
    let order = Rc::new(RefCell::new(Vec::new()));
    curio::run(async {
        let mut tasks = Vec::new();
        for n in 0..8 {
            let (session, url, order) = (session.clone(), server.url(&format!("/{n}")), Rc::clone(&order));
            tasks.push(curio::spawn(async move {
                let response = session.get(url).await.expect("an answer");
                order.borrow_mut().push(n);
                response.timings().pool_wait
            }));
        }
        let mut waits = Vec::new();
        for task in tasks {
            waits.push(task.join().await.expect("the task ended"));
        }
        assert!(
            waits[..2].iter().all(Option::is_none) && waits[2..].iter().all(Option::is_some),
            "{waits:?}"
        );
    });
    assert!(server.most_open() <= 2 && server.connections() == 2);
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    let position = |n: usize| targets.iter().position(|target| *target == format!("/{n}")).expect("sent");
    assert!((0..6).all(|n| position(n) < position(n + 2)), "first come, first served: {targets:?}");
}

#[test]
fn case_133_waiting_for_a_connection_ends_with_an_error_that_names_the_setting() {
    let server = Server::answering(|_| Reply::raw("").then_stall());
    let session =
        session(|builder| builder.max_connections_per_host(1).pool_timeout(Duration::from_millis(30)));
    curio::run(async {
        let first = curio::spawn(session.get(server.url("/")));
        a_moment().await;
        let error = session.get(server.url("/")).await.expect_err("the only connection is in use");
        assert!(error.is_timeout() && error.to_string().contains("max_connections_per_host"), "{error}");
        assert!(
            error.to_string().ends_with("until its body is read to the end, or it is dropped"),
            "{error}"
        );
        first.cancel().await;
    });
}

#[test]
fn a_cancelled_holder_lets_the_next_one_in() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/stall" => Reply::raw("").then_stall(),
        _ => Reply::ok("ok"),
    });
    let session = session(|builder| builder.max_connections_per_host(1));
    curio::run(async {
        let holder = curio::spawn(session.get(server.url("/stall")));
        a_moment().await;
        let given_up = curio::spawn(session.get(server.url("/")));
        let waiting = curio::spawn(session.get(server.url("/")));
        a_moment().await;
        given_up.cancel().await;
        holder.cancel().await;
        assert!(waiting.join().await.expect("the task ended").is_ok());
    });
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn different_hosts_do_not_wait_for_each_other() {
    let (one, other) = (Server::answering(|_| Reply::raw("").then_stall()), hello());
    let session = session(|builder| builder.max_connections_per_host(1));
    curio::run(async {
        let stalled = curio::spawn(session.get(one.url("/")));
        a_moment().await;
        assert!(session.get(other.url("/")).await.is_ok());
        stalled.cancel().await;
    });
}

#[test]
fn case_135_dropping_the_session_closes_what_is_idle_at_once_and_the_rest_when_it_is_done() {
    let large = "x".repeat(4 << 20);
    let server = Server::answering(move |request| match request.target.as_str() {
        "/large" => Reply::ok(&large),
        _ => Reply::ok("ok"),
    });
    curio::run(async {
        let session = ClientSession::new();
        let get = |path: &str| session.get(server.url(path)).into_future();
        let (large, small): (Result<Response, _>, _) = curio::join!(get("/large"), get("/"));
        drop((small.expect("an answer"), session));
        let mut large = large.expect("an answer");
        assert_eq!(large.binary().await.expect("the body").len(), 4 << 20);
        assert!(server.all_closed());
    });
}

#[test]
fn close_closes_idle_connections_and_the_session_goes_on() {
    let server = hello();
    curio::run(async {
        let session = ClientSession::new();
        session.get(server.url("/")).await.expect("an answer");
        session.close().await;
        assert!(server.all_closed());
        session.get(server.url("/")).await.expect("an answer");
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_session_may_be_made_outside_and_used_in_one_run_after_another() {
    let server = hello();
    let session = ClientSession::new();
    for _ in 0..3 {
        curio::run(session.post(server.url("/")).data("x")).expect("an answer");
    }
}

#[test]
fn many_sessions_and_many_hosts_leave_nothing_behind() {
    let server = hello();
    let session = ClientSession::new();
    curio::run(async {
        for n in 0..300 {
            let host = format!("http://127.0.{}.{}:{}/", n / 100, n % 100 + 1, server.addr().port());
            // Whether the system lets us reach all of 127/8 is its own affair.
            let _ = session.get(host).timeout(Duration::from_secs(2)).await;
        }
        for _ in 0..20 {
            curio_http::get(server.url("/")).await.expect("an answer");
        }
    });
    drop(session);
    assert!(server.all_closed());
}

#[test]
fn a_final_response_before_the_end_of_the_upload_ends_the_upload() {
    let (over, done) = mpsc::channel::<()>();
    let done = Mutex::new(done);
    let server = Server::on_connection(move |_, mut stream| {
        // Only the head is read; the rest of the body would fill every buffer on the way.
        let mut piece = [0; 512];
        let _ = io::Read::read(&mut stream, &mut piece);
        let _ = stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nless");
        // Closing with bytes unread would reset the connection, and the answer could be lost with it.
        let _ = done.lock().expect("one connection").recv();
    });
    let session = ClientSession::new();
    curio::run(async {
        let mut response = session.post(server.url("/")).data(vec![0; 64 << 20]).await.expect("the refusal");
        assert_eq!(response.status_code(), 413);
        assert_eq!(response.text().await.expect("its body"), "less");
    });
    drop((session, over));
    assert!(server.all_closed());
}
