//! When a connection is used again, and when it is not: what the server has said and done in the meantime.

mod server;

use curio::{Kernel, sleep};
use curio_http::{ClientSession, Error};
use curio_support::{HostileServer, Script};
use server::{Reader, Reply, Server};
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The program computes while the server closes, so the kernel has not asked the system about the socket since. requests and
/// httpx look, too, and never meet the dead connection.
#[test]
fn a_post_does_not_meet_a_connection_whose_end_has_arrived_unnoticed() {
    for _ in 0..10 {
        let (closed, seen) = channel();
        let closed = Mutex::new(closed);
        let server = Server::on_connection(move |_, stream| {
            let mut reader = Reader::new(stream);
            let Ok(Some(_)) = reader.request() else { return };
            let _ = reader.stream.write_all(OK.as_bytes());
            drop(reader);
            let _ = closed.lock().expect("no panic").send(());
        });
        let session = ClientSession::new();
        curio::run(async {
            for _ in 0..2 {
                let mut response = session.post(server.url("/")).data("not to be repeated").await?;
                assert_eq!(response.text().await?, "ok");
                // Blocks the kernel, on purpose.
                seen.recv_timeout(Duration::from_secs(10)).expect("the server closes");
            }
            Ok::<_, Error>(())
        })
        .expect("two connections");
        assert_eq!(server.connections(), 2);
    }
}

#[cfg(unix)]
#[test]
fn a_post_over_a_unix_socket_does_not_meet_such_a_connection_either() {
    let path = std::env::temp_dir().join(format!("curio-{}-reuse.sock", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let (closed, seen) = channel();
    let server = std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut reader = Reader::new(stream.expect("a connection"));
            assert!(matches!(reader.request(), Ok(Some(_))));
            let _ = reader.stream.write_all(OK.as_bytes());
            drop(reader);
            let _ = closed.send(());
        }
    });
    let session = ClientSession::builder().unix_socket(&path).build().expect("good settings");
    curio::run(async {
        for _ in 0..2 {
            let mut response = session.post("http://localhost/").data("not to be repeated").await?;
            assert_eq!(response.text().await?, "ok");
            seen.recv_timeout(Duration::from_secs(10)).expect("the server closes");
        }
        Ok::<_, Error>(())
    })
    .expect("two connections");
    server.join().expect("both were served");
    let _ = std::fs::remove_file(path);
}

#[test]
fn posts_that_are_seconds_apart_share_a_connection() {
    Kernel::builder().virtual_clock(true).run(async {
        let script = Script::new().read_request().send(OK).read_request().send(OK).read_request().send(OK);
        let server = HostileServer::start([script.stall()]).await.expect("a server");
        let session = ClientSession::new();
        for _ in 0..3 {
            assert_eq!(session.post(server.url("/")).data("x").await.expect("an answer").status_code(), 200);
            sleep(Duration::from_millis(2200)).await;
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_server_that_keeps_connections_for_a_second_is_asked_again_within_it() {
    let reply = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok";
    Kernel::builder().virtual_clock(true).run(async {
        let script = Script::new().read_request().send(reply).read_request().send(reply).stall();
        let server = HostileServer::start([script]).await.expect("a server");
        let session = ClientSession::new();
        for (expected, pause) in [(1, 200), (1, 700), (2, 0)] {
            session.get(server.url("/")).await.expect("an answer");
            assert_eq!(server.connections(), expected);
            // Half of what the server allows is used: 200 ms are within it, 700 ms are not.
            sleep(Duration::from_millis(pause)).await;
        }
    });
}

/// RFC 9112 §9.3: HTTP/1.0 with `Connection: keep-alive` persists, for a client that is no proxy. curl 7.88 and requests
/// use such a connection again, too.
#[test]
fn a_server_of_http_1_0_that_offers_keep_alive_is_asked_again_on_the_same_connection() {
    let kept = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok";
    let not_kept = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let undecided = "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nok";
    let without_length = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok";
    for (reply, connections) in [(kept, 1), (not_kept, 2), (undecided, 2)] {
        let server = Server::answering(move |_| Reply::raw(reply));
        let session = ClientSession::new();
        curio::run(async {
            for _ in 0..2 {
                assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
            }
            Ok::<_, Error>(())
        })
        .expect("answers");
        assert_eq!(server.connections(), connections, "{reply}");
    }
    let server = Server::answering(move |_| Reply::raw(without_length).then_close());
    let text = curio::run(async { ClientSession::new().get(server.url("/")).await?.text().await });
    assert_eq!(text.expect("a body that ends with the connection"), "ok");
}

fn stalling_first_hop(head: &'static str) -> Script {
    Script::new().read_request().send(head).stall()
}

/// Asks a server whose first connection plays `first` and whose second one answers, with one connection allowed.
fn with_one_slot(first: Script, ask: impl AsyncFnOnce(&ClientSession, String) -> Result<String, Error>) {
    Kernel::builder().virtual_clock(true).run(async {
        let second = Script::new().read_request().send(OK).stall();
        let server = HostileServer::start([first, second]).await.expect("a server");
        let session = ClientSession::builder()
            .max_connections_per_host(1)
            .retries(1)
            .pool_timeout(Duration::from_secs(20))
            .build()
            .expect("good settings");
        assert_eq!(ask(&session, server.url("/")).await.expect("the second answer"), "ok");
        assert_eq!(server.connections(), 2);
        assert_eq!(server.open(), 1, "the connection that was given up is closed");
    });
}

async fn get(session: &ClientSession, url: String) -> Result<String, Error> {
    session.get(url).await?.text().await
}

#[test]
fn a_redirect_whose_body_stalls_gives_its_slot_to_the_next_hop() {
    for head in [
        "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 302 Found\r\nLocation: /next\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 10000000\r\n\r\nhalf",
        "HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\nhalf",
    ] {
        with_one_slot(stalling_first_hop(head), get);
    }
}

#[test]
fn a_retried_response_whose_body_stalls_gives_its_slot_to_the_next_try() {
    let head = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 10\r\n\r\nhalf";
    with_one_slot(stalling_first_hop(head), get);
}

#[test]
fn a_refused_expectation_whose_body_stalls_gives_its_slot_to_the_next_try() {
    let head = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 10\r\n\r\nhalf";
    let first = Script::new().read_head().send(head).stall();
    with_one_slot(first, async |session, url| {
        session.put(url).header("Expect", "100-continue").data("body").await?.text().await
    });
}

/// The body of a redirect is small as a rule. One that trickles in for ever costs a second and its connection.
#[test]
fn a_redirect_whose_body_trickles_in_is_bounded_in_time() {
    let mut first = Script::new()
        .read_request()
        .send("HTTP/1.1 302 Found\r\nLocation: /next\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..200 {
        first = first.send("1\r\nx\r\n").wait(Duration::from_millis(100));
    }
    Kernel::builder().virtual_clock(true).run(async {
        let second = Script::new().read_request().send(OK).stall();
        let server = HostileServer::start([first.stall(), second]).await.expect("a server");
        let start = curio::clock();
        assert_eq!(get(&ClientSession::new(), server.url("/")).await.expect("the answer"), "ok");
        assert!(curio::clock() - start < Duration::from_secs(3));
    });
}
