//! What becomes of a connection when its exchange is over: it is kept only if nothing speaks against it, and nothing
//! that a server does to a kept one reaches the next request.
#![forbid(unsafe_code)]

use std::time::Duration;

use curio_http::ClientSession;
use curio_support::{Failure, HostileServer, Script};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";

#[test]
fn bytes_after_the_body_are_no_part_of_it_and_end_the_connection() -> Result<(), Failure> {
    curio::run(async {
        let extra = Script::new().read_request().send(format!("{ANSWER}EXTRA")).stall();
        let good = Script::new().read_request().send(ANSWER).close();
        let server = HostileServer::start([extra, good]).await?;
        let session = ClientSession::new();
        for _ in 0..2 {
            assert_eq!(session.get(server.url("/")).await?.text().await?, "[]");
        }
        assert_eq!(server.connections(), 2);
        assert!(server.all_closed().await, "a connection was left behind");
        Ok(())
    })
}

#[test]
fn an_answer_that_nobody_asked_for_is_given_to_nobody() -> Result<(), Failure> {
    curio::run(async {
        let forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
        let pushes = Script::new().read_request().send(ANSWER).pause().send(forged).stall();
        let good = Script::new().read_request().send(ANSWER).close();
        let server = HostileServer::start([pushes, good]).await?;
        let session = ClientSession::new();
        assert_eq!(session.get(server.url("/")).await?.text().await?, "[]");
        server.go_on();
        curio::sleep(Duration::from_millis(50)).await;
        assert_eq!(session.get(server.url("/")).await?.text().await?, "[]");
        assert_eq!(server.connections(), 2);
        Ok(())
    })
}

#[test]
fn a_kept_connection_that_has_died_is_replaced_without_a_word() -> Result<(), Failure> {
    curio::run(async {
        // It answers once, waits for the next request, and dies of it.
        let dies = Script::new().read_request().send(ANSWER).read(1).close();
        let good = Script::new().read_request().send(ANSWER).close();
        let server = HostileServer::start([dies, good]).await?;
        let session = ClientSession::new();
        for _ in 0..2 {
            assert_eq!(session.get(server.url("/")).await?.text().await?, "[]");
        }
        assert_eq!(server.connections(), 2);
        Ok(())
    })
}

#[test]
fn a_post_is_never_sent_twice() -> Result<(), Failure> {
    curio::run(async {
        let dies = Script::new().read_request().send(ANSWER).read(1).close();
        let good = Script::new().read_request().send(ANSWER).close();
        let server = HostileServer::start([dies, good]).await?;
        let session = ClientSession::new();
        session.get(server.url("/")).await?.text().await?;
        let posted = session.post(server.url("/")).data("x").await;
        // Either it went over a connection of its own from the start, or it failed; it is not repeated.
        let posts: usize = (0..2).map(|index| server.received(index).matches("POST / ").count()).sum();
        assert_eq!(posts, 1, "{posted:?}");
        Ok(())
    })
}

#[test]
fn an_answer_is_the_same_in_whatever_pieces_it_comes() -> Result<(), Failure> {
    curio::run(async {
        let answer =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n";
        let mut scripts = vec![Script::new().read_request().send_byte_by_byte(answer)];
        scripts.extend((1..answer.len()).map(|at| Script::new().read_request().send_split(answer, at)));
        let n = scripts.len();
        let server = HostileServer::start(scripts).await?;
        for _ in 0..n {
            let mut response = ClientSession::new().get(server.url("/")).await?;
            assert_eq!(response.header("x"), Some("y"));
            assert_eq!(response.json::<Vec<u8>>().await?, [1, 2]);
        }
        Ok(())
    })
}

#[test]
fn a_request_that_is_cancelled_leaves_nothing_behind() -> Result<(), Failure> {
    curio::run(async {
        let server = HostileServer::start([Script::new().read_request().stall()]).await?;
        let task = curio::spawn(ClientSession::new().get(server.url("/")));
        while server.received(0).is_empty() {
            curio::sleep(Duration::from_millis(2)).await;
        }
        assert!(task.cancel().await);
        assert!(server.all_closed().await, "a connection was left behind");
        Ok(())
    })
}
