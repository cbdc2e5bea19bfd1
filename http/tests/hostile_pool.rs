//! What servers do to connections that are idle, and what becomes of them.

mod server;

use curio::{Kernel, TcpListener, TcpStream, sleep};
use curio_http::{ClientSession, Error};
use curio_support::{HostileServer, Script, raise_open_files};
use server::{Reply, Server};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn an_idle_connection_past_its_time_is_closed_without_another_request() {
    curio::testing::run(async {
        let server =
            HostileServer::start([Script::new().read_request().send(OK).stall()]).await.expect("a server");
        let session = ClientSession::new();
        session.get(server.url("/")).await.expect("a response");
        sleep(seconds(10)).await;
        assert_eq!(server.open(), 1, "it is not past its time");
        sleep(seconds(10)).await;
        sleep(seconds(1)).await;
        assert_eq!(server.open(), 0);
        drop(session);
        server.close().await;
    });
}

#[test]
fn a_connection_that_the_server_has_closed_is_closed_here_too() {
    Kernel::builder().virtual_clock(true).run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let server = curio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            stream.recv(&mut [0; 1000]).await?;
            stream.sendall(OK.as_bytes()).await?;
            stream.shutdown(std::net::Shutdown::Write)?;
            // The end of the other direction is what the client has to do for it.
            stream.read_all().await
        });
        let session = ClientSession::builder().pool_idle_timeout(None).build().expect("a session");
        session.get(url).await.expect("a response");
        let ended = curio::timeout_after(seconds(60), async {
            while !server.is_terminated() {
                sleep(seconds(1)).await;
            }
        });
        assert!(ended.await.is_ok(), "the connection is still open");
        assert!(server.join().await.expect("no panic").is_ok());
        drop(session);
    });
}

#[test]
fn idle_connections_are_no_task_and_hide_no_deadlock() {
    curio::testing::run(async {
        let server =
            HostileServer::start([Script::new().read_request().send(OK).stall()]).await.expect("a server");
        let session = ClientSession::new();
        let tasks = curio::tasks().len();
        session.get(server.url("/")).await.expect("a response");
        assert_eq!(curio::tasks().len(), tasks + 1, "the server's own, for the connection");
        drop(session);
        server.close().await;
    });
}

/// Answers each connection on `listener` with all but the last byte, and keeps it.
async fn answer(listener: TcpListener, open: Rc<RefCell<Vec<Rc<TcpStream>>>>) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let stream = Rc::new(stream);
        open.borrow_mut().push(stream.clone());
        curio::spawn(async move {
            if stream.recv(&mut [0; 1000]).await.is_ok() {
                let _ = stream.sendall(&OK.as_bytes()[..OK.len() - 1]).await;
            }
        })
        .detach();
    }
}

#[test]
fn case_136_ten_thousand_idle_connections_closed_at_once_are_reaped() {
    // Both ends of each are in this process, and a few files are open for other purposes.
    let limit = raise_open_files(20_500).expect("a limit of open files") as usize;
    let many = 10_000.min(limit.saturating_sub(500) / 2);
    if many < 10_000 {
        eprintln!("SCALED DOWN: only {many} connections, since this system allows {limit} open files");
    }
    curio::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let open: Rc<RefCell<Vec<Rc<TcpStream>>>> = Rc::default();
        let server = curio::spawn(answer(listener, open.clone()));
        let session = ClientSession::builder().pool_idle_timeout(None).build()?;
        let mut responses = Vec::new();
        while responses.len() < many {
            let begun: Vec<_> =
                (0..100.min(many - responses.len())).map(|_| curio::spawn(session.get(&url))).collect();
            for request in begun {
                responses.push(request.join().await.expect("no panic")?);
            }
        }
        // With the last byte of each, all of them become idle.
        let streams = open.take();
        assert_eq!(streams.len(), many);
        for stream in &streams {
            stream.sendall(b"k").await.expect("room for a byte");
        }
        for mut response in responses {
            assert_eq!(response.text().await?, "ok");
        }
        let with_all = open_files();
        drop(streams);
        let begun = Instant::now();
        while open_files() + 2 * many > with_all + 50 {
            assert!(begun.elapsed() < seconds(60), "{} files are still open", open_files());
            sleep(Duration::from_millis(50)).await;
        }
        server.cancel().await;
        Ok::<_, Error>(())
    })
    .expect("it goes on");
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn a_session_that_outlives_a_run_looks_after_its_connections_in_the_next() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = ClientSession::new();
    for _ in 0..3 {
        curio::run(async {
            assert_eq!(session.get(server.url("/")).await?.text().await?, "ok");
            Ok::<_, Error>(())
        })
        .expect("an answer");
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_limit_for_all_hosts_lets_requests_through_in_the_order_they_came() {
    let slow = || Script::new().read_request().wait(seconds(10)).send(OK).close();
    Kernel::builder().virtual_clock(true).run(async {
        let servers = [
            HostileServer::start([slow()]).await.expect("one"),
            HostileServer::start([slow()]).await.expect("two"),
        ];
        let session = ClientSession::builder().max_connections(2).build().expect("a session");
        let done: Rc<RefCell<Vec<usize>>> = Rc::default();
        let mut tasks = Vec::new();
        for n in 0..6 {
            let (session, url, done) = (session.clone(), servers[n % 2].url("/"), done.clone());
            tasks.push(curio::spawn(async move {
                session.get(url).await.expect("a response");
                done.borrow_mut().push(n);
            }));
            sleep(seconds(1)).await;
        }
        assert_eq!(servers[0].open() + servers[1].open(), 2, "two at a time");
        for task in tasks {
            task.join().await.expect("no panic");
        }
        assert_eq!(*done.borrow(), [0, 1, 2, 3, 4, 5]);
        assert!(servers[0].open() + servers[1].open() <= 2, "idle ones made room");
    });
}

#[test]
fn a_wait_for_a_place_that_is_given_up_leaves_both_places_free() {
    Kernel::builder().virtual_clock(true).run(async {
        let script = Script::new().read_request().send(&OK[..OK.len() - 1]).stall();
        let quick = Script::new().read_request().send(OK).stall();
        let (one, two) = (
            HostileServer::start([script, quick.clone()]).await.expect("one"),
            HostileServer::start([quick]).await.expect("two"),
        );
        let session = ClientSession::builder()
            .max_connections(1)
            .max_connections_per_host(1)
            .build()
            .expect("a session");
        let held = session.get(one.url("/")).await.expect("half a response");
        // It has the place at its host and waits for the one in all.
        let waiting = curio::timeout_after(seconds(3), session.get(two.url("/"))).await;
        assert!(waiting.is_err());
        let error = session.get(two.url("/")).timeout(seconds(1)).await.expect_err("no place");
        assert!(error.is_timeout() && error.to_string().contains("1 in all (max_connections)"), "{error}");
        drop(held);
        for server in [&two, &one] {
            assert_eq!(session.get(server.url("/")).await.expect("a response").status_code(), 200);
        }
    });
}
