//! Servers: a task for each client, none of which brings the server down.

mod common;

use common::{Log, ms, run_real, secs, with_reports};
use curio::{
    Kernel, TcpListener, TcpStream, clock, finally, run_server, schedule, sleep, spawn, tasks, tcp_server,
    timeout_after,
};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn echo(stream: TcpStream, _peer: SocketAddr) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.recv(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.sendall(&buffer[..n]).await?,
        }
    }
}

async fn ask(address: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await?;
    stream.sendall(question).await?;
    stream.read_exactly(question.len()).await
}

#[test]
fn every_client_gets_a_task_of_its_own() {
    run_real(async {
        let (listener, address) = listener().await;
        let server = spawn(run_server(listener, echo));
        let slow = TcpStream::connect(address).await.unwrap();
        slow.sendall(b"half a ques").await.unwrap();
        for n in 0..20_u8 {
            assert_eq!(ask(address, &[n; 100]).await.unwrap(), [n; 100], "others are served meanwhile");
        }
        slow.sendall(b"tion").await.unwrap();
        assert_eq!(slow.read_exactly(15).await.unwrap(), b"half a question");
        assert!(server.cancel().await);
    });
}

#[test]
fn a_handler_learns_who_its_client_is_and_may_return_nothing() {
    run_real(async {
        let (listener, address) = listener().await;
        let seen = Rc::new(Cell::new(None));
        let place = Rc::clone(&seen);
        let server = spawn(run_server(listener, async move |stream: TcpStream, peer| {
            place.set(Some(peer));
            assert_eq!(stream.peer_addr().unwrap(), peer);
        }));
        let client = TcpStream::connect(address).await.unwrap();
        assert_eq!(client.read_all().await.unwrap(), b"", "the connection is closed when its handler ends");
        assert_eq!(seen.get(), Some(client.local_addr().unwrap()));
        server.cancel().await;
    });
}

#[test]
fn a_panicking_handler_is_reported_and_the_server_goes_on() {
    let (builder, reports) = with_reports(Kernel::builder());
    builder.run(async {
        let (listener, address) = listener().await;
        let server = spawn(run_server(listener, async |stream: TcpStream, _| {
            let byte = stream.read_exactly(1).await.unwrap();
            assert_ne!(byte, [13], "thirteen is bad luck");
            stream.sendall(&byte).await.unwrap();
        }));
        assert_eq!(ask(address, &[1]).await.unwrap(), [1]);
        assert_eq!(ask(address, &[13]).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(ask(address, &[2]).await.unwrap(), [2]);
        assert!(!server.is_terminated());
        server.cancel().await;
    });
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("panicked") && reports[0].contains("thirteen is bad luck"), "{reports:#?}");
}

#[test]
fn the_error_of_a_handler_is_reported_with_its_client_and_the_server_goes_on() {
    let (builder, reports) = with_reports(Kernel::builder());
    let peer = builder.run(async {
        let (listener, address) = listener().await;
        let server =
            spawn(run_server(listener, async |stream: TcpStream, _| match stream.read_exactly(1).await {
                Ok(byte) if byte == [13] => Err(format!("{} is bad luck", byte[0])),
                Ok(byte) => stream.sendall(&byte).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }));
        let client = TcpStream::connect(address).await.unwrap();
        client.sendall(&[13]).await.unwrap();
        assert_eq!(client.read_all().await.unwrap(), b"");
        assert_eq!(ask(address, &[1]).await.unwrap(), [1]);
        server.cancel().await;
        client.local_addr().unwrap()
    });
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("13 is bad luck") && reports[0].contains(&peer.to_string()), "{reports:#?}");
}

#[test]
fn cancelling_a_server_cancels_its_clients_and_waits_for_their_cleanups() {
    run_real(async {
        let (listener, address) = listener().await;
        let cleaned = Rc::new(Cell::new(0));
        let own = Rc::clone(&cleaned);
        let server = spawn(run_server(listener, async move |stream: TcpStream, _| {
            let cleanup = async |_| {
                sleep(ms(20)).await;
                stream.sendall(b"bye").await.unwrap();
                own.set(own.get() + 1);
            };
            finally(pending::<()>(), cleanup).await;
        }));
        let clients = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        while tasks().len() < 5 {
            sleep(ms(1)).await;
        }
        let begun = clock();
        assert!(server.cancel().await);
        assert_eq!(cleaned.get(), 3);
        assert!(clock() - begun < secs(4), "they clean up side by side");
        assert_eq!(tasks().len(), 1, "only main is left");
        for client in clients {
            assert_eq!(client.read_all().await.unwrap(), b"bye");
        }
        assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn cleanups_of_clients_take_as_long_as_the_longest() {
    let (builder, _) = with_reports(Kernel::builder().virtual_clock(true));
    builder.run(async {
        let (listener, address) = listener().await;
        let server = spawn(run_server(listener, async |_: TcpStream, _| {
            finally(pending::<()>(), async |_| sleep(secs(3)).await).await;
        }));
        let _clients =
            [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        while tasks().len() < 4 {
            schedule().await;
        }
        let log = Log::new();
        assert!(server.cancel().await);
        assert_eq!(log.now(), 3000.);
    });
}

#[test]
fn a_limit_around_a_server_ends_it_with_its_clients() {
    run_real(async {
        let (listener, address) = listener().await;
        let serving = timeout_after(ms(50), run_server(listener, echo));
        let using = async {
            let client = TcpStream::connect(address).await.unwrap();
            client.sendall(b"hello").await.unwrap();
            client.read_exactly(5).await.unwrap();
            client.read_all().await
        };
        let (served, used) = curio::join!(serving, using);
        assert!(served.is_err());
        assert_eq!(used.unwrap(), b"", "the client saw the end of its connection");
        assert_eq!(tasks().len(), 1);
    });
}

#[test]
fn a_server_that_is_left_at_exit_ends_quietly() {
    run_real(async {
        let (listener, address) = listener().await;
        spawn(run_server(listener, echo)).detach();
        let client = TcpStream::connect(address).await.unwrap();
        client.sendall(b"hello").await.unwrap();
        client.read_exactly(5).await.unwrap();
        drop(client);
    });
}

#[test]
fn tasks_of_clients_do_not_pile_up() {
    run_real(async {
        let (listener, address) = listener().await;
        let server = spawn(run_server(listener, echo));
        for n in 0..50 {
            ask(address, &[n]).await.unwrap();
        }
        while tasks().len() > 2 {
            sleep(ms(1)).await;
        }
        assert!(server.cancel().await);
    });
}

#[test]
fn tcp_server_listens_on_host_and_port() {
    run_real(async {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for host in ["127.0.0.1", "localhost", ""] {
            let server = spawn(tcp_server(host, free.port(), echo));
            let answer = timeout_after(secs(5), async {
                loop {
                    match ask(free, b"anybody there?").await {
                        Ok(answer) => return answer,
                        Err(_) => sleep(ms(1)).await,
                    }
                }
            });
            // Where localhost is ::1 first, it is not to be reached at 127.0.0.1.
            if host != "localhost" {
                assert_eq!(answer.await.expect("it listens"), b"anybody there?", "{host:?}");
            }
            server.cancel().await;
        }
    });
}

#[test]
fn a_server_that_cannot_listen_returns_the_error() {
    run_real(async {
        let (_listener, address) = listener().await;
        let error = tcp_server("127.0.0.1", address.port(), echo).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(tcp_server("does-not-exist.invalid", 0, echo).await.is_err());
    });
}

#[test]
fn a_handler_may_keep_state_between_clients() {
    run_real(async {
        let (listener, address) = listener().await;
        let visitors = RefCell::new(0_u8);
        let server = spawn(run_server(listener, async move |stream: TcpStream, _| {
            let number = {
                let mut visitors = visitors.borrow_mut();
                *visitors += 1;
                *visitors
            };
            stream.sendall(&[number]).await
        }));
        for n in 1..=5 {
            let client = TcpStream::connect(address).await.unwrap();
            assert_eq!(client.read_all().await.unwrap(), [n]);
        }
        server.cancel().await;
    });
}

/// Not a test: what the next one runs in a process that may open few files.
#[test]
#[ignore = "run by `a_server_without_file_descriptors_backs_off_and_recovers`"]
#[cfg(unix)]
fn a_server_in_a_process_without_file_descriptors() {
    let (builder, reports) = with_reports(Kernel::builder());
    builder.run(async {
        let (listener, address) = listener().await;
        let server = spawn(run_server(listener, echo));
        ask(address, b"while there are some").await.unwrap();
        while tasks().len() > 2 {
            sleep(ms(1)).await;
        }
        // All that this process may have, but the one for a client of ours.
        let mut hoard = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            hoard.push(file);
        }
        hoard.pop();
        let client = TcpStream::connect(address).await.unwrap();
        client.sendall(b"patience").await.unwrap();
        assert!(timeout_after(ms(250), client.read_exactly(8)).await.is_err(), "nobody can take it");
        assert!(!server.is_terminated());
        drop(hoard);
        let answer = timeout_after(secs(5), client.read_exactly(8)).await;
        assert_eq!(answer.expect("served once there are file descriptors again").unwrap(), b"patience");
        server.cancel().await;
    });
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "once, however long it lasts: {reports:#?}");
    assert!(reports[0].contains("cannot accept"), "{reports:#?}");
}

#[test]
#[cfg(unix)]
fn a_server_without_file_descriptors_backs_off_and_recovers() {
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "ulimit -n 64 && exec \"$0\" --exact a_server_in_a_process_without_file_descriptors --ignored",
        ])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
