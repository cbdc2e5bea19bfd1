//! Every wait ends: on a virtual clock, at exactly the time it should.

use curio::{Kernel, clock};
use curio_http::{Body, ClientSession, Error};
use curio_support::{HostileServer, Script};
use futures_io::AsyncRead;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Runs `program` against a server that plays `script`; returns its error and how long it took on the virtual clock.
fn fails(
    script: Script,
    program: impl AsyncFnOnce(&HostileServer) -> Result<(), Error>,
) -> (Error, Duration) {
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let start = clock();
        let error = program(&server).await.expect_err("a time limit");
        let took = clock() - start;
        assert!(error.is_timeout(), "{error}");
        // The script may be in the middle of a wait of its own; the clock is virtual.
        curio::sleep(seconds(300)).await;
        assert!(server.all_closed().await, "the connection is closed");
        (error, took)
    })
}

/// Between `expected` and a little more: packets need real time, in which the virtual clock may pass some too.
fn about(took: Duration, expected: Duration) -> bool {
    (expected..expected + seconds(1)).contains(&took)
}

#[test]
fn case_133_a_silent_server_is_given_thirty_seconds() {
    let (error, took) = fails(Script::new().read_head().stall(), async |server| {
        ClientSession::new().get(server.url("/")).await.map(drop)
    });
    assert!(about(took, seconds(30)), "{took:?}");
    assert!(error.to_string().contains("timed out after 30s while waiting for the response"), "{error}");
}

#[test]
fn case_024_a_head_that_trickles_in_is_bounded_as_a_whole() {
    let mut script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nX: ");
    for _ in 0..20 {
        script = script.wait(seconds(2)).send("x");
    }
    let (_, took) = fails(script, async |server| ClientSession::new().get(server.url("/")).await.map(drop));
    assert!(about(took, seconds(30)), "{took:?}");
}

#[test]
fn a_body_may_take_for_ever_as_long_as_it_moves() {
    let mut script = Script::new().read_head().send(HEAD);
    for _ in 0..10 {
        script = script.wait(seconds(20)).send("x");
    }
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let start = clock();
        let mut response = ClientSession::new().get(server.url("/")).await.expect("a head");
        assert_eq!(response.text().await.expect("a body"), "xxxxxxxxxx");
        assert!(about(clock() - start, seconds(200)));
    });
}

#[test]
fn case_133_a_body_that_stops_moving_ends_after_the_read_timeout() {
    let script = Script::new().read_head().send(HEAD).wait(seconds(4)).send("abc").stall();
    let (error, took) = fails(script, async |server| {
        let session = ClientSession::builder().read_timeout(seconds(5)).build()?;
        session.get(server.url("/")).await?.binary().await.map(drop)
    });
    assert!(about(took, seconds(9)), "{took:?}");
    assert!(error.to_string().contains("timed out after 5s while reading the response body"), "{error}");
}

#[test]
fn case_133_the_total_limit_covers_the_body_too() {
    let mut script = Script::new().read_head().send(HEAD);
    for _ in 0..9 {
        script = script.wait(seconds(2)).send("x");
    }
    let (error, took) = fails(script.stall(), async |server| {
        ClientSession::new().get(server.url("/")).timeout(seconds(7)).await?.binary().await.map(drop)
    });
    assert!(about(took, seconds(7)), "{took:?}");
    assert!(error.to_string().contains("timed out after 7s in all"), "{error}");
}

/// A server that says 102 or 103 now and then is alive; curl 7.88 and requests wait for it, too.
#[test]
fn interim_responses_are_signs_of_life() {
    let mut script = Script::new().read_head();
    for _ in 0..10 {
        script = script.wait(seconds(20)).send("HTTP/1.1 102 Processing\r\n\r\n");
    }
    let script = script.wait(seconds(20)).send("HTTP/1.1 204 No Content\r\n\r\n");
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let start = clock();
        assert_eq!(ClientSession::new().get(server.url("/")).await.expect("an answer").status_code(), 204);
        assert!(about(clock() - start, seconds(220)));
    });
}

#[test]
fn silence_after_an_interim_response_is_silence() {
    let script = Script::new().read_head().wait(seconds(20)).send("HTTP/1.1 102 Processing\r\n\r\n").stall();
    let (error, took) =
        fails(script, async |server| ClientSession::new().get(server.url("/")).await.map(drop));
    assert!(about(took, seconds(50)), "{took:?}");
    assert!(error.to_string().contains("timed out after 30s while waiting for the response"), "{error}");
}

#[test]
fn case_067_interim_responses_do_not_outlast_the_total() {
    let mut script = Script::new().read_head();
    for _ in 0..10 {
        script = script.wait(seconds(2)).send("HTTP/1.1 102 Processing\r\n\r\n");
    }
    let (_, took) = fails(script.stall(), async |server| {
        ClientSession::new().get(server.url("/")).timeout(seconds(7)).await.map(drop)
    });
    assert!(about(took, seconds(7)), "{took:?}");
}

#[test]
fn case_067_the_number_of_interim_responses_can_be_set() {
    let processing = "HTTP/1.1 102 Processing\r\n\r\n";
    let script =
        |n: usize| Script::new().read_head().send(processing.repeat(n) + "HTTP/1.1 204 No Content\r\n\r\n");
    let get = |n, limit: Option<usize>| {
        curio::run(async {
            let server = HostileServer::start([script(n)]).await.expect("a server");
            let builder = ClientSession::builder();
            let session = match limit {
                Some(limit) => builder.max_interim_responses(limit),
                None => builder,
            };
            session.build()?.get(server.url("/")).await.map(|response| response.status_code())
        })
    };
    assert_eq!(get(500, Some(500)).expect("an answer"), 204);
    assert_eq!(get(32, None).expect("an answer"), 204);
    for (n, limit) in [(33, None), (1, Some(0))] {
        let error = get(n, limit).expect_err("one too many");
        assert!(error.is_too_large() && error.to_string().contains("max_interim_responses"), "{error}");
    }
}

#[test]
fn the_requests_limit_replaces_the_sessions() {
    let stall = || Script::new().read_head().stall();
    let session = || ClientSession::builder().timeout(seconds(5)).build();
    let (_, took) = fails(stall(), async |server| session()?.get(server.url("/")).await.map(drop));
    assert!(about(took, seconds(5)), "{took:?}");
    let (_, took) =
        fails(stall(), async |server| session()?.get(server.url("/")).timeout(seconds(9)).await.map(drop));
    assert!(about(took, seconds(9)), "{took:?}");
    let (_, took) =
        fails(stall(), async |server| session()?.get(server.url("/")).timeout(None).await.map(drop));
    assert!(about(took, seconds(30)), "{took:?}");
}

#[test]
fn the_total_limit_runs_on_over_redirects() {
    let script = Script::new()
        .read_head()
        .wait(seconds(4))
        .send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        .read_head()
        .stall();
    let (_, took) = fails(script, async |server| {
        ClientSession::new().get(server.url("/")).timeout(seconds(6)).await.map(drop)
    });
    assert!(about(took, seconds(6)), "{took:?}");
}

#[test]
fn case_119_a_stalled_tls_handshake_ends_with_the_connect_timeout() {
    let (error, took) = fails(Script::new().stall(), async |server| {
        let url = server.url("/").replace("http://", "https://");
        ClientSession::builder().connect_timeout(seconds(3)).build()?.get(url).await.map(drop)
    });
    assert!(about(took, seconds(3)), "{took:?}");
    assert!(error.to_string().contains("timed out after 3s while connecting to 127.0.0.1:"), "{error}");
}

#[test]
fn case_133_a_stalled_upload_ends_with_the_read_timeout() {
    // The operating system accepts the connection and as much as its buffers hold; the server never reads.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    Kernel::builder().virtual_clock(true).run(async {
        let start = clock();
        let error = ClientSession::new()
            .post(url)
            .data(vec![0; 64 << 20])
            .await
            .expect_err("the server does not read");
        assert!(error.is_timeout() && error.to_string().contains("while sending the request"), "{error}");
        assert!(about(clock() - start, seconds(30)));
    });
}

#[test]
fn a_reader_that_never_yields_ends_with_the_total_limit_only() {
    struct Never;
    impl AsyncRead for Never {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }
    let (_, took) = fails(Script::new().read_head().stall(), async |server| {
        ClientSession::new()
            .post(server.url("/"))
            .body(Body::from_reader(Never))
            .timeout(seconds(99))
            .await
            .map(drop)
    });
    assert!(about(took, seconds(99)), "{took:?}");
}

#[test]
fn a_limit_of_curio_around_a_request_closes_its_connection() {
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([Script::new().read_head().stall()]).await.expect("a server");
        let session = ClientSession::new();
        let limited = curio::timeout_after(seconds(1), session.get(server.url("/"))).await;
        assert!(limited.is_err());
        curio::sleep(Duration::from_millis(20)).await;
        assert_eq!(server.open(), 0);
    });
}

#[test]
fn without_limits_a_request_waits() {
    let script = Script::new().read_head().wait(seconds(3600)).send("HTTP/1.1 204 No Content\r\n\r\n");
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script]).await.expect("a server");
        let session =
            ClientSession::builder().read_timeout(None).connect_timeout(None).build().expect("good settings");
        assert_eq!(session.get(server.url("/")).await.expect("an answer").status_code(), 204);
    });
}
