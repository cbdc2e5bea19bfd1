//! What can go wrong with what we send, and what a server can do while we send it.

mod server;

use curio::{Kernel, clock};
use curio_http::{Body, ClientSession, Error, ErrorKind, Form, Part};
use curio_support::{HostileServer, Script};
use futures_io::AsyncRead;
use server::{Reply, Server};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A reader that yields `left` bytes and then ends, or never ends if it `stalls`.
struct Reader {
    left: usize,
    stalls: bool,
    read: Rc<Cell<usize>>,
}

fn reader(left: usize) -> Reader {
    Reader { left, stalls: false, read: Rc::default() }
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = self.left.min(space.len());
        if n == 0 && self.stalls {
            return Poll::Pending;
        }
        space[..n].fill(b'x');
        self.left -= n;
        self.read.set(self.read.get() + n);
        Poll::Ready(Ok(n))
    }
}

fn on_a_virtual_clock<T>(program: impl Future<Output = T>) -> T {
    Kernel::builder().virtual_clock(true).run(program)
}

#[test]
fn case_013_a_body_shorter_than_declared_is_an_error_and_ends_the_connection() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = ClientSession::new();
    curio::run(async {
        let short = session
            .put(server.url("/"))
            .header("Content-Length", "100000")
            .body(Body::from_reader(reader(70_000)));
        assert!(short.await.expect_err("too short").is_request());
        assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
        Ok::<_, Error>(())
    })
    .expect("the next request has a connection of its own");
    assert_eq!((server.connections(), server.requests().len()), (2, 1));
}

#[test]
fn case_013_a_body_longer_than_declared_is_an_error_and_nothing_over_is_sent() {
    on_a_virtual_clock(async {
        let server =
            HostileServer::start([Script::new().read_head().read(10).stall()]).await.expect("a server");
        let session = ClientSession::new();
        let long =
            session.put(server.url("/")).header("Content-Length", "10").body(Body::from_reader(reader(11)));
        assert!(long.await.expect_err("too long").is_request());
        curio::sleep(Duration::from_secs(1)).await;
        let received = server.received(0);
        assert!(received.split("\r\n\r\n").nth(1).unwrap_or_default().len() <= 10, "{received}");
        assert_eq!(server.open(), 0);
    });
}

#[test]
fn case_014_names_in_a_form_cannot_end_their_line() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let evil = "a\"; x=\"\r\nX-Evil: 1\r\n\r\n";
    let form = Form::new().part(evil, Part::new("content").file_name(evil));
    curio::run(async { ClientSession::new().post(server.url("/")).multipart(form).await })
        .expect("an answer");
    let text = server.request().text();
    let escaped = "a%22; x=%22%0D%0AX-Evil: 1%0D%0A%0D%0A";
    assert!(text.contains(&format!("; name=\"{escaped}\"; filename=\"{escaped}\"\r\n")), "{text}");
    assert!(!text.contains("\r\nX-Evil"), "{text}");
}

#[test]
fn case_014_boundaries_are_different_each_time_and_not_in_the_parts() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = ClientSession::new();
    curio::run(async {
        for _ in 0..20 {
            session.post(server.url("/")).multipart(Form::new().text("a", "--curio-\r\n--")).await?;
        }
        Ok::<_, Error>(())
    })
    .expect("answers");
    let requests = server.requests();
    let mut seen: Vec<_> = requests.iter().filter_map(|request| request.header("content-type")).collect();
    for (request, kind) in requests.iter().zip(&seen) {
        let boundary = kind.rsplit_once('=').expect("a boundary").1;
        assert_eq!(request.text().matches(boundary).count(), 2, "before the part and at the end");
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 20);
}

#[test]
fn case_017_a_request_head_over_the_limit_is_an_error_at_once() {
    let server = Server::answering(|_| Reply::ok("ok"));
    curio::run(async {
        let session = ClientSession::new();
        let mut request = session.get(server.url("/"));
        for n in 0..200 {
            request = request.header(format!("x-{n}"), "v".repeat(10_000));
        }
        let error = request.await.expect_err("two megabytes of head");
        assert!(error.is_request(), "{error}");
        assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
        Ok::<_, Error>(())
    })
    .expect("the session goes on");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn case_063_an_early_refusal_is_returned_and_the_upload_stops() {
    on_a_virtual_clock(async {
        let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!";
        let server = HostileServer::start([
            Script::new().read_head().send(refusal).stall(),
            Script::new().read_request().send(OK),
        ])
        .await
        .expect("a server");
        let session = ClientSession::new();
        let read = Rc::new(Cell::new(0));
        let endless = Reader { left: usize::MAX, stalls: false, read: read.clone() };
        let mut response =
            session.post(server.url("/")).body(Body::from_reader(endless)).await.expect("a response");
        assert_eq!(response.status_code(), 413);
        assert_eq!(response.text().await.expect("its body"), "no!");
        assert!(read.get() < 64 << 20, "{} bytes were sent to a server that had refused", read.get());
        drop(response);
        // Half a request is on the first connection; the next one needs another.
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn case_063_an_early_answer_does_not_cost_the_connection_if_the_body_was_complete() {
    on_a_virtual_clock(async {
        let script = Script::new().read_head().read(3).send(OK).read_request().send(OK);
        let server = HostileServer::start([script]).await.expect("a server");
        let session = ClientSession::new();
        for _ in 0..2 {
            let mut response = session.post(server.url("/")).data("abc").await.expect("a response");
            assert_eq!(response.text().await.expect("a body"), "ok");
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn case_069_a_final_answer_to_an_expectation_keeps_the_body_here() {
    on_a_virtual_clock(async {
        let server = HostileServer::start([
            Script::new().read_head().send("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!").stall(),
            Script::new().read_request().send(OK),
        ])
        .await
        .expect("a server");
        let session = ClientSession::new();
        let start = clock();
        let upload = session.post(server.url("/")).header("Expect", "100-continue").data("the body");
        let mut response = upload.await.expect("a response");
        assert_eq!((response.status_code(), clock() - start), (403, Duration::ZERO));
        assert_eq!(response.text().await.expect("its body"), "no!");
        assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
        assert!(!server.received(0).contains("the body"), "{}", server.received(0));
        // The server waits for a body on the first connection; a request there would be taken for it.
        assert!(!server.received(0).contains("GET"));
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn case_133_a_stalled_upload_ends_after_the_read_timeout() {
    on_a_virtual_clock(async {
        let server = HostileServer::start([Script::new().read_head().wait(Duration::from_secs(600))])
            .await
            .expect("a server");
        let session =
            ClientSession::builder().read_timeout(Duration::from_secs(5)).build().expect("good settings");
        let start = clock();
        let error = session
            .put(server.url("/"))
            .data(vec![0u8; 64 << 20])
            .await
            .expect_err("the server does not read");
        assert!(error.is_timeout() && error.to_string().contains("sending the request"), "{error}");
        let took = clock() - start;
        assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&took), "{took:?}");
    });
}

#[test]
fn case_133_a_reader_that_stalls_is_bounded_by_the_total_limit() {
    on_a_virtual_clock(async {
        let server = HostileServer::start([Script::new().read_request().send(OK)]).await.expect("a server");
        let stalling = Reader { left: 100, stalls: true, read: Rc::default() };
        let start = clock();
        let session = ClientSession::new();
        let upload =
            session.put(server.url("/")).timeout(Duration::from_secs(90)).body(Body::from_reader(stalling));
        let error = upload.await.expect_err("the reader never ends");
        assert!(error.is_timeout() && error.to_string().contains("reader"), "{error}");
        assert_eq!(clock() - start, Duration::from_secs(90));
    });
}

#[test]
fn case_134_an_upload_cancelled_at_any_poll_leaves_nothing_behind() {
    for polls in 0..40 {
        curio::testing::run(async {
            let server =
                HostileServer::start([Script::new().read_request().send(OK)]).await.expect("a server");
            let session =
                ClientSession::builder().max_connections_per_host(1).build().expect("good settings");
            let form = Form::new().text("a", "1").part("f", Part::new(Body::from_reader(reader(500_000))));
            let mut upload = Box::pin(
                session.post(server.url("/")).header("Expect", "100-continue").multipart(form).send(),
            );
            for _ in 0..polls {
                let poll = std::future::poll_fn(|cx| Poll::Ready(upload.as_mut().poll(cx))).await;
                if poll.is_ready() {
                    break;
                }
                curio::sleep(Duration::from_millis(100)).await;
            }
            drop(upload);
            let mut response = session.get(server.url("/")).await.expect("the only slot is free");
            assert_eq!(response.text().await.expect("a body"), "ok");
            drop((response, session));
            server.close().await;
        });
    }
}

#[test]
fn case_013_a_file_that_shrinks_while_it_is_sent_is_an_error() {
    let path = std::env::temp_dir().join(format!("curio-{}-shrinks", std::process::id()));
    std::fs::write(&path, vec![b'x'; 8 << 20]).expect("a file");
    let shrinking = path.clone();
    let server = Server::on_connection(move |_, mut stream| {
        use std::io::Read;
        let _ = stream.read(&mut [0; 1000]);
        std::fs::write(&shrinking, b"").expect("the file");
        while stream.read(&mut [0; 65536]).is_ok_and(|n| n > 0) {}
    });
    let error =
        curio::run(async { ClientSession::new().put(server.url("/")).body(Body::from_file(&path)).await })
            .expect_err("the file ended early");
    let _ = std::fs::remove_file(&path);
    assert!(matches!(error.kind(), ErrorKind::Request | ErrorKind::Io), "{error}");
}

/// curl 7.88 sends what it announced, and so does requests, which then counts on the server to notice.
#[test]
fn case_013_a_file_that_grows_while_it_is_sent_is_sent_as_long_as_it_was_announced() {
    let path = std::env::temp_dir().join(format!("curio-{}-grows", std::process::id()));
    for as_part in [false, true] {
        std::fs::write(&path, vec![b'x'; 8 << 20]).expect("a file");
        let growing = path.clone();
        let server = Server::on_connection(move |_, stream| {
            use std::io::{Read, Write};
            let mut head = [0; 1000];
            let n = stream.peek(&mut head).unwrap_or(0);
            assert!(n > 0);
            let more = std::fs::OpenOptions::new().append(true).open(&growing);
            more.and_then(|mut file| file.write_all(&vec![b'y'; 8 << 20])).expect("the file");
            let mut reader = server::Reader::new(stream);
            let Ok(Some(request)) = reader.request() else { return };
            let text = format!("{}", request.body.iter().filter(|byte| **byte == b'y').count());
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
            let _ = reader.stream.write_all(reply.as_bytes());
            // Whatever comes behind the request is one byte too many.
            assert_eq!(reader.stream.read(&mut head).unwrap_or(0), 0);
        });
        let text = curio::run(async {
            let request = ClientSession::new().put(server.url("/"));
            let file = Body::from_file(&path);
            let request = if as_part {
                request.multipart(Form::new().part("f", Part::new(file)).text("after", "the file"))
            } else {
                request.body(file)
            };
            request.await?.text().await
        });
        let _ = std::fs::remove_file(&path);
        // Of a part, the boundary has a few of these letters at most.
        let grown: usize = text.expect("an answer").parse().expect("a number");
        assert!(grown < 100, "{grown} bytes that were not announced, as a part: {as_part}");
    }
}

/// The files of /proc say that they are empty. curl 7.88 sends nothing for `-T`, and requests sends an empty body, too;
/// but the caller wants the content.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_says_it_is_empty_and_is_not_is_sent_in_chunks() {
    let server = Server::answering(|request| Reply::ok(&request.text()));
    let path = "/proc/self/status";
    let session = ClientSession::new();
    let (alone, part, empty) = curio::run(async {
        let alone = session.put(server.url("/")).body(Body::from_file(path)).await?.text().await?;
        let form = Form::new().part("f", Part::new(Body::from_file(path)));
        let part = session.put(server.url("/")).multipart(form).await?.text().await?;
        let nothing = std::env::temp_dir().join(format!("curio-{}-empty", std::process::id()));
        std::fs::write(&nothing, b"").expect("a file");
        let empty = session.put(server.url("/")).body(Body::from_file(&nothing)).await?.text().await?;
        let _ = std::fs::remove_file(nothing);
        Ok::<_, Error>((alone, part, empty))
    })
    .expect("answers");
    assert!(alone.starts_with("Name:") && part.contains("Name:"), "{alone:?} {part:?}");
    assert_eq!(empty, "");
    let requests = server.requests();
    let framing: Vec<_> = requests.iter().map(|request| request.header("transfer-encoding")).collect();
    assert_eq!(framing, [Some("chunked"), Some("chunked"), None]);
    assert_eq!(requests[2].header("content-length"), Some("0"));
}

#[cfg(unix)]
fn fifo(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("curio-{}-{name}", std::process::id()));
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo is on every Unix");
    assert!(made.success());
    path
}

/// Lets a thread that waits for a writer go.
#[cfg(unix)]
fn release(path: &std::path::Path) {
    let _ = std::fs::OpenOptions::new().read(true).write(true).open(path);
    let _ = std::fs::remove_file(path);
}

#[cfg(unix)]
#[test]
fn case_133_opening_the_file_of_a_body_is_under_the_total_limit_and_takes_no_slot() {
    let path = fifo("without-a-writer");
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = ClientSession::builder().max_connections_per_host(1).build().expect("good settings");
    curio::run(async {
        let upload = curio::spawn(
            session
                .put(server.url("/"))
                .timeout(Duration::from_millis(500))
                .body(Body::from_file(&path))
                .send(),
        );
        curio::sleep(Duration::from_millis(50)).await;
        assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
        let error = upload.join().await.expect("no panic").expect_err("no writer comes");
        assert!(error.is_timeout() && error.to_string().contains("opening"), "{error}");
        release(&path);
        Ok::<_, Error>(())
    })
    .expect("the only slot is free");
}

#[cfg(unix)]
#[test]
fn a_fifo_is_sent_in_chunks_once_it_has_a_writer() {
    let path = fifo("with-a-writer");
    let server = Server::answering(|request| Reply::ok(&request.text()));
    let writing = path.clone();
    let writer = std::thread::spawn(move || std::fs::write(writing, "from the other end"));
    let text = curio::run(async {
        ClientSession::new().put(server.url("/")).body(Body::from_file(&path)).await?.text().await
    });
    assert!(writer.join().expect("no panic").is_ok());
    let _ = std::fs::remove_file(&path);
    assert_eq!(text.expect("an answer"), "from the other end");
}
