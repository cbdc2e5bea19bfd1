//! GOAWAY at every point of an exchange, and servers that want HTTP/1.1 after all (RFC 9113 §6.8 and §7).
#![cfg(feature = "http2")]

mod h2_server;

use curio_http::{ClientSession, Error};
use h2::Reason;
use h2_server::H2Server;
use h2_server::raw::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Raw, STATUS_200, frame};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The stream of a connection's first request.
const FIRST: u32 = 1;
/// What a server names that is about to close the connection and has not decided on the last stream yet.
const ANY: u32 = 0x7fff_ffff;
const LIMIT: Duration = Duration::from_secs(5);

fn session() -> ClientSession {
    let session = ClientSession::builder().http2_prior_knowledge().read_timeout(LIMIT).timeout(LIMIT * 2);
    session.build().expect("good settings")
}

fn goaway(last: u32, reason: Reason) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), u32::from(reason).to_be_bytes()].concat())
}

/// A response with the body "abcdef", in frames.
fn response() -> [Vec<u8>; 3] {
    [
        frame(HEADERS, END_HEADERS, FIRST, STATUS_200),
        frame(DATA, 0, FIRST, b"abc"),
        frame(DATA, END_STREAM, FIRST, b"def"),
    ]
}

/// The frames for each connection; the last ones are for all that come after.
type Scripts = Vec<Vec<Vec<u8>>>;

/// Sends the frames of a connection's script when its first request has come, some time after each other, so that the client
/// sees each by itself. Then the stream ends, unless it is to `linger` until the client ends it.
fn scripted(scripts: Scripts, linger: bool) -> H2Server {
    H2Server::on_connection(move |number, tcp| {
        let script = scripts[number.min(scripts.len() - 1)].clone();
        async move {
            let Ok(mut raw) = Raw::accept(tcp).await else { return };
            let Ok(_) = raw.next_of(HEADERS).await else { return };
            for frame in script {
                if raw.send(&frame).await.is_err() {
                    return;
                }
                curio::sleep(Duration::from_millis(3)).await;
            }
            match linger {
                true => drop(raw.rest().await),
                false => raw.end().await,
            }
        }
    })
}

async fn body(server: &H2Server, session: &ClientSession) -> Result<String, Error> {
    session.post(server.url("/")).body("x").await?.text().await
}

#[test]
fn a_goaway_in_the_middle_of_a_body_leaves_the_body_whole_and_the_next_request_has_a_new_connection() {
    curio::run(async {
        let [head, first, second] = response();
        let going = vec![head, first, goaway(FIRST, Reason::NO_ERROR), second];
        let server = scripted(vec![going, response().to_vec()], true);
        let session = session();
        for _ in 0..2 {
            assert_eq!(body(&server, &session).await.expect("a response"), "abcdef");
        }
        assert_eq!(server.seen.connections.get(), 2);
        server.stop().await;
    });
}

#[test]
fn a_request_that_comes_while_a_body_outlives_its_goaway_does_not_wait_for_the_body() {
    curio::run(async {
        let [head, first, _] = response();
        let server =
            scripted(vec![vec![head, first, goaway(FIRST, Reason::NO_ERROR)], response().to_vec()], true);
        let session = session();
        let mut going = session.get(server.url("/")).await.expect("a response");
        {
            let mut chunks = going.iter_chunked(100);
            assert_eq!(chunks.next().await.expect("a chunk").expect("no error"), "abc");
            let rest = curio::ignore_after(Duration::from_millis(200), chunks.next()).await;
            assert!(rest.is_none(), "the rest does not come");
        }
        assert_eq!(body(&server, &session).await.expect("a response"), "abcdef");
        assert_eq!(server.seen.connections.get(), 2);
        drop(going);
        server.stop().await;
    });
}

#[test]
fn a_goaway_that_takes_back_the_stream_of_a_half_read_body_is_an_error_of_the_body() {
    curio::run(async {
        let [head, first, second] = response();
        let server = scripted(vec![vec![head, first, goaway(0, Reason::NO_ERROR), second]], true);
        let error = body(&server, &session()).await.expect_err("the body is not complete");
        assert!(error.is_body() && error.to_string().contains("GOAWAY"), "{error}");
        assert_eq!(
            server.seen.connections.get(),
            1,
            "a response had begun, so the request is not sent again"
        );
        server.stop().await;
    });
}

#[test]
fn a_goaway_with_an_error_in_the_middle_of_a_body_ends_the_body_when_the_connection_ends() {
    curio::run(async {
        let [head, first, _] = response();
        let broken = vec![head, first, goaway(FIRST, Reason::INTERNAL_ERROR)];
        let server = scripted(vec![broken], false);
        let error = body(&server, &session()).await.expect_err("the body is not complete");
        assert!(error.is_body(), "{error}");
        assert_eq!(server.seen.connections.get(), 1);
        server.stop().await;
    });
}

#[test]
fn a_server_that_announces_its_end_first_and_names_the_last_stream_later_answers_what_it_has_taken() {
    curio::run(async {
        let [head, first, second] = response();
        let graceful =
            vec![goaway(ANY, Reason::NO_ERROR), head, first, goaway(FIRST, Reason::NO_ERROR), second];
        let server = scripted(vec![graceful], true);
        assert_eq!(body(&server, &session()).await.expect("a response"), "abcdef");
        server.stop().await;
    });
}

#[test]
fn a_goaway_at_any_point_ends_in_the_whole_response_or_an_error_and_repeats_only_what_was_not_processed() {
    curio::run(async {
        for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM, Reason::PROTOCOL_ERROR] {
            for last in [0, FIRST, ANY] {
                for linger in [true, false] {
                    for place in 0..=response().len() {
                        let mut script = response().to_vec();
                        match script.get(place) {
                            Some(_) => script.insert(place, goaway(last, reason)),
                            // With the end of the response: later, the next request could be on its way already.
                            None => script[place - 1].extend(goaway(last, reason)),
                        }
                        let server = scripted(vec![script, response().to_vec()], linger);
                        let session = session();
                        let result = body(&server, &session).await;
                        let what =
                            format!("{reason:?}, last {last}, linger {linger}, at {place}: {result:?}");
                        let connections = server.seen.connections.get();
                        match (last, place) {
                            // Not processed: it is sent again.
                            (0, 0) => assert_eq!((result.expect(&what).as_str(), connections), ("abcdef", 2)),
                            // Taken back when it had begun.
                            (0, 1 | 2) => assert!(result.is_err() && connections == 1, "{what}"),
                            _ => assert_eq!((result.expect(&what).as_str(), connections), ("abcdef", 1)),
                        }
                        // The session goes on, on the next connection, whose script answers one request.
                        if connections == 1 {
                            assert_eq!(body(&server, &session).await.expect(&what), "abcdef");
                            assert_eq!(server.seen.connections.get(), 2, "{what}");
                        }
                        server.stop().await;
                    }
                }
            }
        }
    });
}

#[test]
fn a_goaway_that_is_cut_off_at_any_byte_ends_in_an_error_or_the_whole_response() {
    curio::run(async {
        let whole = goaway(FIRST, Reason::NO_ERROR);
        for length in 0..whole.len() {
            let [head, first, _] = response();
            let server = scripted(vec![vec![head, first, whole[..length].to_vec()]], false);
            let error = body(&server, &session()).await.expect_err("the body is cut off");
            assert!(error.is_body() || error.is_protocol(), "{length}: {error}");
            server.stop().await;
        }
    });
}

/// Refuses HTTP/2 with this frame, and speaks HTTP/1.1 on the next connections. Returns the requests in HTTP/1.1, too.
fn wants_http1(refusal: Vec<u8>) -> (H2Server, Rc<RefCell<Vec<String>>>) {
    let requests = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&requests);
    let server = H2Server::on_connection(move |number, tcp| {
        let (log, refusal) = (Rc::clone(&log), refusal.clone());
        async move {
            if number == 0 {
                let Ok(mut raw) = Raw::accept(tcp).await else { return };
                let Ok(_) = raw.next_of(HEADERS).await else { return };
                let _ = raw.send(&refusal).await;
                raw.rest().await;
                return;
            }
            let mut space = [0; 4096];
            while let Ok(n @ 1..) = tcp.recv(&mut space).await {
                let text = String::from_utf8_lossy(&space[..n]);
                log.borrow_mut().push(text.lines().next().unwrap_or_default().to_owned());
                let _ = tcp.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold").await;
            }
        }
    });
    (server, requests)
}

#[test]
fn a_request_that_the_server_wants_over_http_1_is_sent_over_it_and_so_are_all_others() {
    curio::run(async {
        let required = u32::from(Reason::HTTP_1_1_REQUIRED).to_be_bytes();
        let refusals = [frame(RST_STREAM, 0, FIRST, &required), goaway(0, Reason::HTTP_1_1_REQUIRED)];
        for refusal in refusals {
            let (server, requests) = wants_http1(refusal);
            let session = session();
            for _ in 0..2 {
                let mut response = session.post(server.url("/a")).body("x").await.expect("a response");
                assert_eq!(response.http_version(), "1.1");
                assert_eq!(response.text().await.expect("a body"), "old");
            }
            assert_eq!(server.seen.connections.get(), 2);
            assert_eq!(*requests.borrow(), ["POST /a HTTP/1.1"; 2]);
            session.close().await;
            server.stop().await;
        }
    });
}

#[test]
fn a_request_that_is_wanted_over_http_1_and_cannot_be_sent_again_says_so() {
    curio::run(async {
        let required = u32::from(Reason::HTTP_1_1_REQUIRED).to_be_bytes();
        let (server, requests) = wants_http1(frame(RST_STREAM, 0, FIRST, &required));
        let once = curio_http::Body::from_reader(futures_util::io::Cursor::new(vec![1; 100]));
        let error = session().post(server.url("/")).body(once).await.expect_err("the reader is used up");
        assert!(error.to_string().contains("HTTP_1_1_REQUIRED"), "{error}");
        assert!(requests.borrow().is_empty());
        server.stop().await;
    });
}
