//! A server answers before it has read the whole request: what becomes of the rest of the body (RFC 9112 §9.5).
//!
//! Against the server of `answering_early`, curl 7.88 sends every byte behind a 200, and stops behind a 302, a 400 and a
//! complete 200 with `Connection: close`. Python's requests sends everything in each case.

mod server;

use curio_http::{Body, ClientSession, Error, ErrorKind};
use futures_io::AsyncRead;
use server::{Reply, Server};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// More than the buffers of two sockets hold.
const LARGE: usize = 32 << 20;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Reads the head of a request, byte by byte, so that nothing of its body is read.
fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Reads up to `most` bytes and counts them.
fn count(stream: &mut impl Read, most: usize) -> usize {
    let (mut read, mut space) = (0, vec![0; 64 * 1024]);
    while read < most {
        let room = space.len().min(most - read);
        match stream.read(&mut space[..room]) {
            Ok(n) if n > 0 => read += n,
            _ => break,
        }
    }
    read
}

/// Answers each head with `answer`, then reads `LARGE` bytes of body and tells how many came. Serves on after that.
fn answering_early(answer: &'static str) -> (Server, Receiver<usize>) {
    let (counted, counts) = channel();
    let counted = Mutex::new(counted);
    let server = Server::on_connection(move |_, mut stream| {
        while !read_head(&mut stream).is_empty() {
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
            let read = count(&mut stream, LARGE);
            let _ = counted.lock().expect("no panic").send(read);
            if read < LARGE {
                return;
            }
        }
    });
    (server, counts)
}

fn next(counts: &Receiver<usize>) -> usize {
    counts.recv_timeout(Duration::from_secs(20)).expect("a count")
}

/// Yields `left` bytes and then ends, or fails if it is `broken`.
struct Bytes {
    left: usize,
    broken: bool,
}

impl AsyncRead for Bytes {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = self.left.min(space.len());
        if n == 0 && self.broken {
            return Poll::Ready(Err(io::Error::other("the source is broken")));
        }
        space[..n].fill(b'x');
        self.left -= n;
        Poll::Ready(Ok(n))
    }
}

fn reader(left: usize, broken: bool) -> Body {
    Body::from_reader(Bytes { left, broken })
}

#[test]
fn case_063_an_early_success_does_not_cut_the_upload_off() {
    let (server, counts) = answering_early(OK);
    curio::run(async {
        // Only the status is looked at, and the program ends with the response.
        let response = ClientSession::new().post(server.url("/")).data(vec![b'x'; LARGE]).await?;
        assert_eq!(response.status_code(), 200);
        Ok::<_, Error>(())
    })
    .expect("an answer");
    assert_eq!(next(&counts), LARGE);
}

#[test]
fn an_upload_from_a_reader_is_finished_after_an_early_success() {
    let (server, counts) = answering_early(OK);
    let session = ClientSession::new();
    curio::run(async {
        for _ in 0..2 {
            let upload = session.post(server.url("/")).header("Content-Length", LARGE.to_string());
            let mut response = upload.body(reader(LARGE, false)).await?;
            assert_eq!(response.text().await?, "ok");
            assert_eq!(next(&counts), LARGE);
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.connections(), 1, "nothing speaks against the connection");
}

#[test]
fn the_rest_of_an_upload_reports_its_progress() {
    let (server, _counts) = answering_early(OK);
    let sent = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = sent.clone();
    curio::run(async {
        let upload = ClientSession::new().post(server.url("/")).data(vec![b'x'; LARGE]);
        upload.on_progress(move |progress, _| seen.set(progress)).await
    })
    .expect("an answer");
    assert_eq!(sent.get(), LARGE as u64);
}

/// curl 7.88 gets all of it, too; requests hangs.
#[test]
fn case_063_a_server_that_sends_back_what_it_reads_while_it_reads_gets_everything() {
    let server = Server::on_connection(|_, mut stream| {
        read_head(&mut stream);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
        let (mut left, mut space) = (LARGE, vec![0; 64 * 1024]);
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() && left > 0 {
            let Ok(n @ 1..) = stream.read(&mut space) else { return };
            left -= n;
            sent = stream.write_all(&space[..n]);
        }
    });
    let body: Vec<u8> = (0..LARGE as u32).map(|n| (n % 251) as u8).collect();
    curio::run(async {
        let session = ClientSession::builder().read_timeout(Duration::from_secs(10)).build()?;
        let mut response = session.post(server.url("/")).data(body.clone()).await?;
        assert!(response.binary().await? == body);
        Ok::<_, Error>(())
    })
    .expect("all of it");
}

#[test]
fn case_063_a_refusal_a_redirect_and_a_closed_connection_end_the_upload() {
    for answer in [
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 303 See Other\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let (server, counts) = answering_early(answer);
        curio::run(async {
            let mut response =
                ClientSession::new().post(server.url("/")).body(reader(LARGE * 8, false)).await?;
            assert_eq!(response.text().await?, "ok");
            Ok::<_, Error>(())
        })
        .expect("an answer");
        assert!(next(&counts) < LARGE, "the upload went on after {answer}");
    }
}

/// A server that reads as fast as the client writes never makes sending wait. The budget of the poll does, and then there
/// must be some left to look at the response.
#[test]
fn case_063_a_refusal_ends_the_upload_to_a_server_that_takes_each_chunk_at_once() {
    struct SmallChunks(Bytes);
    impl AsyncRead for SmallChunks {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            space: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let most = space.len().min(256);
            Pin::new(&mut self.0).poll_read(cx, &mut space[..most])
        }
    }
    let (server, counts) = answering_early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nok");
    curio::run(async {
        let body = Body::from_reader(SmallChunks(Bytes { left: LARGE * 2, broken: false }));
        let response = ClientSession::new().post(server.url("/")).body(body).await?;
        assert_eq!(response.status_code(), 413);
        Ok::<_, Error>(())
    })
    .expect("an answer");
    assert!(next(&counts) < LARGE, "the upload went on");
}

#[test]
fn an_answer_that_ends_with_the_connection_is_no_reason_to_stop() {
    let (counted, counts) = channel();
    let counted = Mutex::new(counted);
    let server = Server::on_connection(move |_, mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nbegun, ");
        let _ = counted.lock().expect("no panic").send(count(&mut stream, LARGE));
        let _ = stream.write_all(b"ended");
    });
    let text = curio::run(async {
        ClientSession::new().post(server.url("/")).data(vec![b'x'; LARGE]).await?.text().await
    });
    assert_eq!(text.expect("an answer"), "begun, ended");
    assert_eq!(next(&counts), LARGE);
}

/// requests takes the answer, too; curl reports the answer and "Connection reset by peer" beside it.
#[test]
fn a_server_that_closes_after_its_answer_has_answered() {
    let server = Server::on_connection(|_, mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(OK.as_bytes());
    });
    let text = curio::run(async {
        ClientSession::new().post(server.url("/")).data(vec![b'x'; LARGE]).await?.text().await
    });
    assert_eq!(text.expect("an answer"), "ok");
}

#[test]
fn a_body_that_breaks_after_an_early_success_is_an_error() {
    let (server, _counts) = answering_early(OK);
    let error = curio::run(async {
        ClientSession::new().post(server.url("/")).body(reader(LARGE, true)).await.expect_err("half a body")
    });
    assert!(
        error.kind() == ErrorKind::Io && error.to_string().contains("reading the request body"),
        "{error}"
    );
}

#[test]
fn a_server_that_answers_and_never_reads_on_ends_with_the_read_timeout() {
    let (done, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    let server = Server::on_connection(move |_, mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(OK.as_bytes());
        let _ = ended.lock().expect("no panic").recv_timeout(Duration::from_secs(20));
    });
    let error = curio::run(async {
        let session = ClientSession::builder().read_timeout(Duration::from_millis(300)).build()?;
        session.post(server.url("/")).data(vec![b'x'; LARGE]).await.map(drop)
    })
    .expect_err("the upload hangs");
    assert!(error.is_timeout() && error.to_string().contains("sending the request"), "{error}");
    drop(done);
}

/// Yields some bytes at once, and its end only after a pause.
struct Pausing {
    left: usize,
    pause: Pin<Box<curio::Sleep>>,
}

impl AsyncRead for Pausing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let n = self.left.min(space.len());
        if n == 0 {
            return self.pause.as_mut().poll(cx).map(|()| Ok(0));
        }
        space[..n].fill(b'x');
        self.left -= n;
        Poll::Ready(Ok(n))
    }
}

/// More of the response comes than is kept while the rest of its request is sent. A pause of the request's own body is no
/// silence of the server; one of the server is, afterwards.
#[test]
fn a_response_that_stalls_behind_an_early_head_ends_with_the_read_timeout() {
    let (done, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    let server = Server::on_connection(move |_, mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n");
        let _ = stream.write_all(&vec![b'x'; 2_000_000]);
        let _ = ended.lock().expect("no panic").recv_timeout(Duration::from_secs(20));
    });
    let error = curio::run(async {
        let session = ClientSession::builder().read_timeout(Duration::from_millis(400)).build()?;
        let body = Pausing { left: 100_000, pause: Box::pin(curio::sleep(Duration::from_millis(800))) };
        let mut response = session.post(server.url("/")).body(Body::from_reader(body)).await?;
        assert_eq!(response.status_code(), 200);
        curio::timeout_after(Duration::from_secs(10), response.binary())
            .await
            .expect("the read timeout is due")
    })
    .expect_err("half a response");
    assert!(error.is_timeout() && error.to_string().contains("reading the response body"), "{error}");
    drop(done);
}

#[test]
fn an_early_success_over_a_limit_of_one_connection_frees_its_slot() {
    let (server, counts) = answering_early(OK);
    curio::run(async {
        let session = ClientSession::builder().max_connections_per_host(1).build()?;
        for _ in 0..3 {
            session.post(server.url("/")).data(vec![b'x'; LARGE]).await?;
            assert_eq!(next(&counts), LARGE);
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.connections(), 1);
}

/// A server that ends its own direction can never answer. curl 7.88 and requests send everything and then say the same.
#[test]
fn case_063_an_upload_ends_when_the_server_has_ended_its_own_direction() {
    let read = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&read);
    let server = Server::on_connection(move |_, mut stream| {
        read_head(&mut stream);
        let _ = stream.shutdown(Shutdown::Write);
        *counted.lock().expect("no panic") = count(&mut stream, usize::MAX);
    });
    let error = curio::run(async {
        let body = reader(LARGE * 8, false);
        ClientSession::new().post(server.url("/")).body(body).await.expect_err("no answer can come")
    });
    assert!(error.is_protocol() && error.to_string().contains("closed the connection"), "{error}");
    assert!(server.all_closed());
    assert!(*read.lock().expect("no panic") < LARGE, "the upload went on");
}

#[test]
fn an_upload_is_not_cut_off_by_an_interim_response() {
    let (server, counts) =
        answering_early("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    curio::run(async { ClientSession::new().post(server.url("/")).data(vec![b'x'; LARGE]).await })
        .expect("an answer");
    assert_eq!(next(&counts), LARGE);
}

#[test]
fn an_ordinary_server_sees_no_difference() {
    let server = Server::answering(|request| Reply::ok(&request.body.len().to_string()));
    let text = curio::run(async {
        ClientSession::new().post(server.url("/")).data(vec![b'x'; LARGE]).await?.text().await
    });
    assert_eq!(text.expect("an answer"), LARGE.to_string());
}
