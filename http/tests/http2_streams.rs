//! The streams of a shared connection: cancellation, refusals, GOAWAY, flow control, limits.
#![cfg(feature = "http2")]

mod h2_server;

use bytes::Bytes;
use curio_http::{ClientSession, ErrorKind};
use h2::Reason;
use h2::server::Builder;
use h2_server::raw::{
    END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Raw, SETTINGS, STATUS_200, frame,
};
use h2_server::{Exchange, H2Server};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

fn knowing() -> ClientSession {
    ClientSession::builder().http2_prior_knowledge().build().expect("good settings")
}

/// A response without a body on this stream.
fn response(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, STATUS_200)
}

fn goaway(last: u32, reason: Reason) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), u32::from(reason).to_be_bytes()].concat())
}

#[test]
fn a_response_that_is_dropped_resets_its_stream_at_once_and_nothing_else() {
    curio::run(async {
        let frames = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&frames);
        let server = H2Server::on_connection(move |_, tcp| {
            let log = Rc::clone(&log);
            async move {
                let mut raw = Raw::accept(tcp).await.expect("a client");
                let first = raw.next_of(HEADERS).await.expect("a request");
                raw.send(&frame(HEADERS, END_HEADERS, first.stream, STATUS_200)).await.expect("sent");
                let reset = raw.next_of(RST_STREAM).await.expect("a reset");
                log.borrow_mut().push((reset.stream, reset.payload));
                let second = raw.next_of(HEADERS).await.expect("a request");
                raw.send(&response(second.stream)).await.expect("sent");
                raw.rest().await;
            }
        });
        let session = knowing();
        let response = session.get(server.url("/")).await.expect("a response");
        drop(response);
        // Nothing polls a stream now, and no upkeep is due.
        curio::timeout_after(Duration::from_millis(900), async {
            while frames.borrow().is_empty() {
                curio::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the reset has left without the upkeep");
        let cancel = u32::from(Reason::CANCEL).to_be_bytes().to_vec();
        assert_eq!(*frames.borrow(), [(1, cancel)]);
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
        assert_eq!(server.seen.connections.get(), 1);
        server.stop().await;
    });
}

#[test]
fn a_request_that_is_cancelled_resets_its_stream_and_nothing_else() {
    curio::run(async {
        let server = H2Server::start(async |exchange| match exchange.path().as_str() {
            "/slow" => curio::sleep(Duration::from_secs(1000)).await,
            path => exchange.ok(path.to_owned()).await,
        });
        let session = knowing();
        let slow = curio::timeout_after(Duration::from_millis(50), session.get(server.url("/slow"))).await;
        assert!(slow.is_err());
        let mut quick = session.get(server.url("/quick")).await.expect("a response");
        assert_eq!(quick.text().await.expect("a body"), "/quick");
        assert_eq!(server.seen.connections.get(), 1);
        server.stop().await;
    });
}

#[test]
fn a_refused_post_is_sent_again_because_it_was_not_processed() {
    curio::run(async {
        let tries = Rc::new(Cell::new(0));
        let count = Rc::clone(&tries);
        let server = H2Server::start(async move |mut exchange: Exchange| {
            count.set(count.get() + 1);
            if count.get() < 3 {
                return exchange.reset(Reason::REFUSED_STREAM);
            }
            let body = exchange.body().await;
            exchange.ok(body).await;
        });
        let mut response = knowing().post(server.url("/")).body("once").await.expect("a response");
        assert_eq!(response.text().await.expect("a body"), "once");
        assert_eq!(tries.get(), 3);
        server.stop().await;
    });
}

#[test]
fn a_server_that_refuses_for_ever_is_asked_three_times() {
    curio::run(async {
        let server = H2Server::start(async |exchange: Exchange| exchange.reset(Reason::REFUSED_STREAM));
        let error = knowing().get(server.url("/")).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("refused the request without processing it"), "{error}");
        assert_eq!(server.seen.requests.borrow().len(), 3);
        server.stop().await;
    });
}

#[test]
fn a_stream_that_is_reset_otherwise_may_have_been_processed_and_is_not_sent_again() {
    curio::run(async {
        let server = H2Server::start(async |exchange: Exchange| exchange.reset(Reason::INTERNAL_ERROR));
        let error = knowing().get(server.url("/")).await.expect_err("reset");
        assert!(error.to_string().contains("reset the stream"), "{error}");
        assert_eq!(server.seen.requests.borrow().len(), 1);
        server.stop().await;
    });
}

#[test]
fn case_140_a_request_above_the_last_stream_of_a_goaway_is_sent_again_on_a_new_connection() {
    curio::run(async {
        let server = H2Server::on_connection(|number, tcp| async move {
            let mut raw = Raw::accept(tcp).await.expect("a client");
            let request = raw.next_of(HEADERS).await.expect("a request");
            match number {
                0 => raw.send(&goaway(0, Reason::NO_ERROR)).await.expect("sent"),
                _ => raw.send(&response(request.stream)).await.expect("sent"),
            }
            raw.rest().await;
        });
        let response = knowing().post(server.url("/")).body("x").await.expect("a response");
        assert_eq!(response.status_code(), 200);
        assert_eq!(server.seen.connections.get(), 2);
        server.stop().await;
    });
}

#[test]
fn case_140_a_request_that_a_goaway_names_is_answered_and_the_next_one_has_a_new_connection() {
    curio::run(async {
        let server = H2Server::on_connection(|number, tcp| async move {
            let mut raw = Raw::accept(tcp).await.expect("a client");
            let request = raw.next_of(HEADERS).await.expect("a request");
            if number == 0 {
                raw.send(&goaway(request.stream, Reason::NO_ERROR)).await.expect("sent");
            }
            raw.send(&response(request.stream)).await.expect("sent");
            raw.rest().await;
        });
        let session = knowing();
        for _ in 0..2 {
            assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
        }
        assert_eq!(server.seen.connections.get(), 2);
        server.stop().await;
    });
}

#[test]
fn case_140_a_post_that_was_perhaps_processed_is_not_sent_again() {
    curio::run(async {
        // The connection ends after the GOAWAY that names the request as perhaps processed.
        let server = H2Server::on_connection(|_, tcp| async move {
            let mut raw = Raw::accept(tcp).await.expect("a client");
            let request = raw.next_of(HEADERS).await.expect("a request");
            raw.send(&goaway(request.stream, Reason::NO_ERROR)).await.expect("sent");
        });
        let error = knowing().post(server.url("/")).body("x").await.expect_err("no response");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert_eq!(server.seen.connections.get(), 1);
        server.stop().await;
    });
}

#[test]
fn case_140_a_goaway_before_the_first_request_costs_a_connection_each_and_ends() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let mut raw = Raw::accept(tcp).await.expect("a client");
            raw.send(&goaway(0, Reason::ENHANCE_YOUR_CALM)).await.expect("sent");
            raw.rest().await;
        });
        let error = knowing().get(server.url("/")).await.expect_err("no response");
        assert!(error.to_string().contains("GOAWAY"), "{error}");
        assert_eq!(server.seen.connections.get(), 3);
        server.stop().await;
    });
}

#[test]
fn a_reset_without_error_after_a_whole_response_is_success() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let mut raw = Raw::accept(tcp).await.expect("a client");
            let request = raw.next_of(HEADERS).await.expect("a request");
            let no_error = frame(RST_STREAM, 0, request.stream, &[0; 4]);
            raw.send(&[response(request.stream), no_error].concat()).await.expect("sent");
            raw.rest().await;
        });
        let upload = vec![7; 1_000_000];
        let response = knowing().post(server.url("/")).body(upload).await.expect("a response");
        assert_eq!(response.status_code(), 200);
        server.stop().await;
    });
}

#[test]
fn a_server_that_allows_no_stream_makes_requests_wait_until_it_does() {
    curio::run(async {
        let server = H2Server::on_connection(|_, tcp| async move {
            let mut raw = Raw::with_settings(tcp, &[(3, 0)]).await.expect("a client");
            let first = raw.next_of(HEADERS).await.expect("a request was under way");
            curio::sleep(Duration::from_millis(50)).await;
            raw.send(&response(first.stream)).await.expect("sent");
            raw.send(&frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1])).await.expect("sent");
            while let Ok(next) = raw.next_of(HEADERS).await {
                raw.send(&response(next.stream)).await.expect("sent");
            }
        });
        let session = knowing();
        for _ in 0..4 {
            assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
        }
        server.stop().await;
    });
}

#[test]
fn the_pool_timeout_ends_the_wait_for_a_stream() {
    curio::run(async {
        let mut builder = Builder::new();
        builder.max_concurrent_streams(1);
        let server = H2Server::with(builder, None, async |exchange: Exchange| match &*exchange.path() {
            "/slow" => curio::sleep(Duration::from_secs(1000)).await,
            _ => exchange.ok("ok").await,
        });
        let session = ClientSession::builder()
            .http2_prior_knowledge()
            .pool_timeout(Duration::from_millis(50))
            .build()
            .expect("good settings");
        session.get(server.url("/first")).await.expect("a response");
        let slow = session.get(server.url("/slow"));
        let slow = curio::spawn(async move { slow.await.map(drop) });
        curio::sleep(Duration::from_millis(20)).await;
        let error = session.get(server.url("/")).await.expect_err("no stream is free");
        assert!(error.is_timeout() && error.to_string().contains("waiting for"), "{error}");
        slow.cancel().await;
        session.get(server.url("/")).await.expect("the stream is free again");
        server.stop().await;
    });
}

#[test]
fn a_response_that_nobody_reads_keeps_no_sibling_from_arriving() {
    curio::run(async {
        let server = H2Server::start(async |exchange: Exchange| {
            exchange.ok(Bytes::from(vec![1; 3_000_000])).await;
        });
        let session = knowing();
        let mut unread = Vec::new();
        for _ in 0..10 {
            unread.push(session.get(server.url("/")).await.expect("a response"));
        }
        let mut read = session.get(server.url("/")).await.expect("a response");
        assert_eq!(read.binary().await.expect("a body").len(), 3_000_000);
        for mut response in unread {
            assert_eq!(response.binary().await.expect("a body").len(), 3_000_000);
        }
        assert_eq!(server.seen.connections.get(), 1);
        server.stop().await;
    });
}

#[test]
fn a_failed_connection_fails_all_requests_that_waited_for_it() {
    curio::run(async {
        let attempts = Rc::new(Cell::new(0));
        let count = Rc::clone(&attempts);
        let connector = move |_| {
            count.set(count.get() + 1);
            async {
                curio::sleep(Duration::from_millis(30)).await;
                std::io::Result::<curio::TcpStream>::Err(std::io::ErrorKind::ConnectionRefused.into())
            }
        };
        let session =
            ClientSession::builder().http2_prior_knowledge().connector(connector).build().expect("settings");
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let request = session.get("http://h/");
                curio::spawn(async move { request.await.map(drop) })
            })
            .collect();
        for task in tasks {
            let error = task.join().await.expect("no panic").expect_err("no connection");
            assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        }
        assert_eq!(attempts.get(), 1);
        session.get("http://h/").await.expect_err("another attempt");
        assert_eq!(attempts.get(), 2);
    });
}

#[test]
fn an_idle_connection_answers_pings_and_is_closed_when_it_expires() {
    curio::run(async {
        let pongs = Rc::new(Cell::new(false));
        let (log, closed) = (Rc::clone(&pongs), Rc::new(Cell::new(false)));
        let ended = Rc::clone(&closed);
        let server = H2Server::on_connection(move |_, tcp| {
            let (log, ended) = (Rc::clone(&log), Rc::clone(&ended));
            async move {
                let mut raw = Raw::accept(tcp).await.expect("a client");
                let request = raw.next_of(HEADERS).await.expect("a request");
                raw.send(&response(request.stream)).await.expect("sent");
                // Not together with the response: no task polls the connection when it comes.
                curio::sleep(Duration::from_millis(200)).await;
                raw.send(&frame(h2_server::raw::PING, 0, 0, &[7; 8])).await.expect("sent");
                raw.next_of(h2_server::raw::PING).await.expect("a pong");
                log.set(true);
                raw.rest().await;
                ended.set(true);
            }
        });
        let session = ClientSession::builder()
            .http2_prior_knowledge()
            .pool_idle_timeout(Duration::from_secs(2))
            .build()
            .expect("good settings");
        session.get(server.url("/")).await.expect("a response");
        curio::timeout_after(Duration::from_secs(20), async {
            while !closed.get() {
                curio::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("the upkeep closes it");
        assert!(pongs.get());
        server.stop().await;
    });
}
