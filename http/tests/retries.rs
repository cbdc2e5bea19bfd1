//! Patience with servers that are down or busy: what is sent again, when, and what is not.

use curio::{Kernel, clock};
use curio_http::{Body, ClientSession, ErrorKind, Method, Retry};
use curio_support::{HostileServer, Script};
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn status(line: &str) -> Script {
    Script::new().read_request().send(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")).close()
}

fn ok() -> Script {
    Script::new().read_request().send(OK)
}

fn with(scripts: impl IntoIterator<Item = Script>, program: impl AsyncFnOnce(&HostileServer)) {
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start(scripts).await.expect("a server");
        program(&server).await;
    });
}

fn session(retries: u32) -> ClientSession {
    ClientSession::builder().retries(retries).build().expect("a session")
}

fn millis(range: std::ops::Range<u64>, took: Duration) -> bool {
    (Duration::from_millis(range.start)..Duration::from_millis(range.end)).contains(&took)
}

#[test]
fn nothing_is_retried_unless_asked_for() {
    with([status("503 Busy"), ok()], async |server| {
        assert_eq!(ClientSession::new().get(server.url("/")).await.expect("a response").status_code(), 503);
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn the_statuses_of_a_server_in_trouble_are_retried() {
    for line in ["408 T", "429 T", "500 T", "502 T", "503 T", "504 T"] {
        with([status(line), ok()], async |server| {
            assert_eq!(
                session(1).get(server.url("/")).await.expect("a response").status_code(),
                200,
                "{line}"
            );
        });
    }
}

#[test]
fn other_statuses_are_the_answer() {
    for line in ["400 No", "401 No", "404 No", "501 No", "505 No", "599 No"] {
        with([status(line), ok()], async |server| {
            let response = session(3).get(server.url("/")).await.expect("a response");
            assert_eq!(response.status_code(), line[..3].parse::<u16>().expect("a number"));
            assert_eq!(server.connections(), 1, "{line}");
        });
    }
}

#[test]
fn waits_double_and_the_last_response_is_returned() {
    with([status("503 Busy")], async |server| {
        let start = clock();
        let response = session(3).get(server.url("/")).await.expect("a response");
        assert_eq!((response.status_code(), server.connections()), (503, 4));
        // 125 to 250 ms, 250 to 500 ms, 500 to 1000 ms, and a little for packets.
        assert!(millis(875..2500, clock() - start), "{:?}", clock() - start);
    });
}

#[test]
fn what_may_have_been_done_is_not_done_again() {
    with([status("503 Busy"), ok()], async |server| {
        assert_eq!(session(3).post(server.url("/")).data("x").await.expect("a response").status_code(), 503);
    });
    with([Script::new().read_request().reset(), ok()], async |server| {
        assert!(session(3).post(server.url("/")).data("x").await.is_err());
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_server_that_says_when_to_come_back_is_obeyed_whatever_the_method() {
    for line in ["429 Slow down\r\nRetry-After: 7", "503 Busy\r\nRetry-After: 7"] {
        with([status(line), ok()], async |server| {
            let start = clock();
            let response = session(1).post(server.url("/")).data("x").await.expect("a response");
            assert_eq!(response.status_code(), 200);
            assert!(millis(7000..8000, clock() - start), "{:?}", clock() - start);
        });
    }
}

#[test]
fn a_server_that_asks_for_too_long_a_wait_has_given_the_answer() {
    with([status("503 Busy\r\nRetry-After: 3600"), ok()], async |server| {
        let start = clock();
        assert_eq!(session(1).get(server.url("/")).await.expect("a response").status_code(), 503);
        assert!(clock() - start < Duration::from_secs(1));
    });
}

#[test]
fn retries_end_with_the_limit_of_the_request() {
    with([status("503 Busy\r\nRetry-After: 4"), ok()], async |server| {
        let start = clock();
        let request = session(5).get(server.url("/")).timeout(Duration::from_secs(3));
        assert_eq!(request.await.expect("a response").status_code(), 503);
        assert!(clock() - start < Duration::from_secs(1), "a wait that cannot help is not begun");
    });
}

#[test]
fn a_broken_connection_is_retried_and_the_error_says_how_often() {
    with(
        [Script::new().read_request().reset(), Script::new().read_request().close(), ok()],
        async |server| {
            assert_eq!(session(2).get(server.url("/")).await.expect("a response").status_code(), 200);
            assert_eq!(server.connections(), 3);
        },
    );
    with([Script::new().read_request().close()], async |server| {
        let error = session(2).get(server.url("/")).await.expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().ends_with("(tried 3 times)"), "{error}");
        assert_eq!(server.connections(), 3);
    });
}

#[test]
fn a_silent_server_is_retried() {
    with([Script::new().read_request().stall(), ok()], async |server| {
        let start = clock();
        assert_eq!(session(1).get(server.url("/")).await.expect("a response").status_code(), 200);
        assert!(millis(30_000..31_500, clock() - start), "{:?}", clock() - start);
    });
}

#[test]
fn a_broken_rule_or_a_cut_off_body_is_not_retried() {
    let nonsense = Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n");
    with([nonsense, ok()], async |server| {
        assert!(session(3).get(server.url("/")).await.expect_err("nonsense").is_protocol());
        assert_eq!(server.connections(), 1);
    });
    let cut_off = Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").close();
    with([cut_off, ok()], async |server| {
        let mut response = session(3).get(server.url("/")).await.expect("a head");
        assert!(response.text().await.expect_err("half a body").is_body());
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_server_that_is_not_there_is_retried_for_every_method() {
    Kernel::builder().virtual_clock(true).run(async {
        let gone = HostileServer::start([ok()]).await.expect("a server");
        let url = gone.url("/");
        gone.close().await;
        for method in [Method::GET, Method::POST] {
            let start = clock();
            let error = session(2).request(method, &url).data("x").await.expect_err("nothing listens");
            assert!(error.is_connect() && error.to_string().ends_with("(tried 3 times)"), "{error}");
            assert!(clock() - start >= Duration::from_millis(375));
        }
    });
}

#[test]
fn a_reader_is_sent_once_only() {
    with([status("503 Busy"), ok()], async |server| {
        let upload = session(3).put(server.url("/")).body(Body::from_reader(&b"once"[..]));
        assert_eq!(upload.await.expect("a response").status_code(), 503);
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_cancelled_wait_leaves_nothing_behind() {
    curio::testing::run(async {
        let server = HostileServer::start([status("503 Busy\r\nRetry-After: 100")]).await.expect("a server");
        let session = session(3);
        let request = session.get(server.url("/")).into_future();
        assert!(curio::timeout_after(Duration::from_secs(5), request).await.is_err());
        drop(session);
        server.close().await;
    });
}

fn with_policy(policy: Retry) -> ClientSession {
    ClientSession::builder().retry(policy).build().expect("a session")
}

#[test]
fn a_policy_names_the_statuses() {
    with([status("503 Busy"), ok()], async |server| {
        let session = with_policy(Retry::new(2).statuses([404]));
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 503);
    });
    with([status("404 Not yet"), ok()], async |server| {
        let session = with_policy(Retry::new(2).statuses([404]));
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
    });
}

#[test]
fn a_status_below_400_can_be_one_of_them() {
    with([status("202 Not ready"), ok()], async |server| {
        let session = with_policy(Retry::new(2).statuses([202]));
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
    });
    with([status("202 Not ready"), ok()], async |server| {
        let request = ClientSession::new().get(server.url("/")).retry(Retry::new(2).statuses([202]));
        assert_eq!(request.await.expect("a response").status_code(), 200);
    });
}

#[test]
fn a_policy_names_the_methods() {
    let post = || Retry::new(2).methods([Method::POST]);
    with([status("503 Busy"), ok()], async |server| {
        let response = with_policy(post()).post(server.url("/")).data("x").await.expect("a response");
        assert_eq!(response.status_code(), 200);
    });
    with([Script::new().read_request().close(), ok()], async |server| {
        let response = with_policy(post()).post(server.url("/")).data("x").await.expect("a response");
        assert_eq!(response.status_code(), 200);
    });
    for line in ["503 Busy", "503 Busy\r\nRetry-After: 1"] {
        with([status(line), ok()], async |server| {
            let response = with_policy(post()).get(server.url("/")).await.expect("a response");
            assert_eq!(response.status_code(), 503, "GET is not one of them");
        });
    }
}

#[test]
fn a_policy_has_its_own_waits() {
    with([status("503 Busy")], async |server| {
        let (start, second) = (clock(), Duration::from_secs(1));
        let policy = Retry::new(3).backoff(4 * second, 6 * second);
        assert_eq!(with_policy(policy).get(server.url("/")).await.expect("a response").status_code(), 503);
        // 2 to 4, 3 to 6, and 3 to 6 seconds.
        assert!(millis(8_000..16_500, clock() - start), "{:?}", clock() - start);
    });
    with([status("503 Busy\r\nRetry-After: 9"), ok()], async |server| {
        let policy = Retry::new(3).max_retry_after(Duration::from_secs(8));
        assert_eq!(with_policy(policy).get(server.url("/")).await.expect("a response").status_code(), 503);
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_budget_is_for_all_requests_of_the_policy() {
    with([status("503 Busy")], async |server| {
        let session = with_policy(Retry::new(5).budget(3, Duration::from_secs(100_000)));
        for connections in [4, 5, 6] {
            assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 503);
            assert_eq!(server.connections(), connections);
        }
        curio::sleep(Duration::from_secs(100_000)).await;
        session.get(server.url("/")).await.expect("a response");
        assert_eq!(server.connections(), 10);
    });
}

#[test]
fn a_request_has_its_own_policy() {
    with([status("503 Busy"), ok()], async |server| {
        let request = ClientSession::new().get(server.url("/")).retries(1);
        assert_eq!(request.await.expect("a response").status_code(), 200);
    });
    with([status("503 Busy"), ok()], async |server| {
        let request = session(3).get(server.url("/")).retries(0);
        assert_eq!(request.await.expect("a response").status_code(), 503);
    });
    with([Script::new().read_request().close(), ok()], async |server| {
        let request = ClientSession::new().get(server.url("/")).retries(1);
        assert_eq!(request.await.expect("a response").status_code(), 200);
    });
}

#[test]
fn a_policy_without_sense_is_refused_by_the_session_and_by_the_request() {
    let nonsense = || Retry::new(1).statuses([7]);
    let error = ClientSession::builder().retry(nonsense()).build().expect_err("no status");
    assert!(error.is_request() && error.to_string().contains("7 is not the status"), "{error}");
    let request = ClientSession::new().get("http://h.test/").retry(nonsense());
    let error = curio::run(async { request.await.expect_err("no status") });
    assert!(error.to_string().starts_with("GET http://h.test/: the retry policy"), "{error}");
}

#[test]
fn the_trace_says_what_is_decided_and_why() {
    let traces = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let noted = |policy: Retry| {
        let traces = std::rc::Rc::clone(&traces);
        let note = move |trace: &curio_http::Trace<'_>| {
            if let curio_http::Trace::Note(text) = trace {
                traces.borrow_mut().push((*text).to_owned());
            }
        };
        ClientSession::builder().retry(policy).on_trace(note).build().expect("a session")
    };
    let said = || traces.borrow_mut().drain(..).collect::<Vec<_>>();
    with([status("503 Busy")], async |server| {
        noted(Retry::new(1)).get(server.url("/")).await.expect("a response");
        let said = said();
        assert!(said[0].starts_with("Sending the request again in "), "{said:?}");
        assert!(said[0].ends_with("because the status is 503: retry 1 of at most 1"), "{said:?}");
        assert_eq!(said[1..], ["Not sending the request again: it has been retried 1 times"]);
    });
    for (policy, line, why) in [
        (Retry::new(9), "404 No", "the status 404 is not retried"),
        (
            Retry::new(9),
            "503 No\r\nRetry-After: 999",
            "the server asks for a wait of 999s, and 120s is the most",
        ),
        (Retry::new(9).methods([]), "503 No", "the server may have acted on it, and GET is not repeated"),
    ] {
        with([status(line)], async |server| {
            noted(policy).get(server.url("/")).await.expect("a response");
            assert_eq!(said(), [format!("Not sending the request again: {why}")]);
        });
    }
    with([Script::new().read_request().close(), ok()], async |server| {
        noted(Retry::new(1)).get(server.url("/")).await.expect("a response");
        assert!(said()[0].contains("because it failed (Protocol)"));
    });
    with([ok()], async |server| {
        noted(Retry::new(1)).get(server.url("/")).await.expect("a response");
        assert_eq!(said(), [""; 0], "a success needs no words");
    });
}
