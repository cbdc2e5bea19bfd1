//! Unix sockets: streams, listeners, datagrams, servers.
#![cfg(unix)]

mod common;

use common::{ms, run_real, secs, with_reports};
use curio::{
    Kernel, UnixDatagram, UnixListener, UnixStream, finally, join, open_unix_connection, run_server, sleep,
    spawn, timeout_after, unix_server,
};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::path::PathBuf;
use std::rc::Rc;

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

/// A name for a socket file, gone again at the end of the test.
struct TempPath(PathBuf);

impl TempPath {
    fn new(name: &str) -> TempPath {
        let path = std::env::temp_dir().join(format!("curio-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        TempPath(path)
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Until a server has made its socket.
async fn connect(path: &PathBuf) -> UnixStream {
    loop {
        match open_unix_connection(path).await {
            Ok(stream) => return stream,
            Err(_) => sleep(ms(1)).await,
        }
    }
}

#[test]
fn a_pair_is_connected_both_ways_and_half_closes() {
    bounded(async {
        let (a, b) = UnixStream::pair()?;
        a.sendall(b"question").await?;
        a.shutdown(Shutdown::Write)?;
        assert_eq!(b.read_all().await?, b"question");
        b.sendall(b"answer").await?;
        assert_eq!(a.read_exactly(6).await?, b"answer");
        Ok(())
    });
}

#[test]
fn a_large_message_waits_for_its_reader() {
    bounded(async {
        let (a, b) = UnixStream::pair()?;
        let message = vec![7; 1 << 20];
        let sending = async {
            a.sendall(&message).await?;
            a.shutdown(Shutdown::Write)
        };
        let (sent, received) = join!(sending, b.read_all());
        sent?;
        assert_eq!(received?, message);
        Ok(())
    });
}

#[test]
fn a_listener_accepts_at_its_path() {
    let path = TempPath::new("listener");
    bounded(async {
        let listener = UnixListener::bind(&path.0)?;
        assert_eq!(listener.local_addr()?.as_pathname(), Some(path.0.as_path()));
        let (client, accepted) = join!(UnixStream::connect(&path.0), listener.accept());
        let (client, (server, peer)) = (client?, accepted?);
        assert!(peer.is_unnamed());
        assert_eq!(client.peer_addr()?.as_pathname(), Some(path.0.as_path()));
        client.sendall(b"hello").await?;
        assert_eq!(server.read_exactly(5).await?, b"hello");
        assert_eq!(UnixListener::bind(&path.0).unwrap_err().kind(), ErrorKind::AddrInUse);
        Ok(())
    });
}

#[test]
fn a_full_queue_of_a_listener_makes_connecting_wait() {
    let path = TempPath::new("full");
    bounded(async {
        // A queue of the smallest size that the system has.
        let listener = std::os::unix::net::UnixListener::bind(&path.0)?;
        let listener = UnixListener::from_std(listener)?;
        let many = 5000;
        let connected = Rc::new(Cell::new(0));
        let (path, count) = (path.0.clone(), connected.clone());
        let clients = spawn(async move {
            let mut clients = Vec::new();
            for _ in 0..many {
                // Each is closed at once, so that the process does not run out of descriptors.
                clients.push(UnixStream::connect(&path).await.map(drop));
                count.set(count.get() + 1);
            }
            clients.into_iter().collect::<io::Result<Vec<()>>>()
        });
        for _ in 0..many {
            listener.accept().await?;
        }
        assert_eq!(clients.join().await.unwrap()?.len(), many);
        Ok(())
    });
}

#[test]
fn nobody_there_is_an_error_of_its_own_kind() {
    let path = TempPath::new("nobody");
    bounded(async {
        assert_eq!(open_unix_connection(&path.0).await.unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path.0)?);
        assert_eq!(open_unix_connection(&path.0).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn datagrams_keep_their_ends_and_name_their_sender() {
    let (one, two) = (TempPath::new("one"), TempPath::new("two"));
    bounded(async {
        let a = UnixDatagram::bind(&one.0)?;
        let b = UnixDatagram::bind(&two.0)?;
        a.send_to(b"hello", &two.0).await?;
        a.send_to(b"again", two.0.clone()).await?;
        let mut buf = [0; 16];
        for text in [b"hello", b"again"] {
            let (n, from) = b.recv_from(&mut buf).await?;
            assert_eq!((&buf[..n], from.as_pathname()), (&text[..], Some(one.0.as_path())));
        }
        let anonymous = UnixDatagram::unbound()?;
        anonymous.connect(&one.0)?;
        anonymous.send(b"who?").await?;
        let (n, from) = a.recv_from(&mut buf).await?;
        assert!(n == 4 && from.is_unnamed());
        Ok(())
    });
}

#[test]
fn a_full_receiver_makes_sending_wait() {
    bounded(async {
        let (a, b) = UnixDatagram::pair()?;
        let sending = async {
            for n in 0..2000_u32 {
                a.send(&n.to_le_bytes()).await?;
            }
            io::Result::Ok(())
        };
        let receiving = async {
            for n in 0..2000_u32 {
                let mut buf = [0; 4];
                b.recv(&mut buf).await?;
                assert_eq!(u32::from_le_bytes(buf), n);
            }
            io::Result::Ok(())
        };
        let (sent, received) = join!(sending, receiving);
        sent.and(received)
    });
}

/// A receiver whose queue is full, and a sender that is not connected to it.
async fn full_receiver(path: &PathBuf) -> io::Result<(UnixDatagram, UnixDatagram, u32)> {
    let (sender, receiver) = (UnixDatagram::unbound()?, UnixDatagram::bind(path)?);
    let mut sent = 0;
    while let Ok(done) = timeout_after(ms(5), sender.send_to(b"more", path)).await {
        done?;
        sent += 1;
    }
    Ok((sender, receiver, sent))
}

#[test]
fn sending_to_a_full_receiver_pauses_on_the_virtual_clock_until_its_limit() {
    let path = TempPath::new("full-virtual");
    common::run_virtual(async {
        let (sender, _receiver, sent) = full_receiver(&path.0).await.unwrap();
        assert!(sent > 0);
        let (start, before) = (curio::clock(), curio::current_task().cycles());
        timeout_after(secs(10), sender.send_to(b"one too many", &path.0)).await.unwrap_err();
        assert_eq!(curio::clock() - start, secs(10));
        let polls = curio::current_task().cycles() - before;
        assert!(polls < 400, "it is tried again every 64 ms, and not {polls} times");
    });
}

#[test]
fn sending_to_a_full_receiver_goes_on_when_there_is_room_without_spinning() {
    let path = TempPath::new("full-real");
    bounded(async {
        let (sender, receiver, sent) = full_receiver(&path.0).await?;
        let target = path.0.clone();
        let sending = spawn(async move {
            sender.send_to(b"last", &target).await?;
            io::Result::Ok(curio::current_task().cycles())
        });
        // Real time: that the operating system's own readiness does not keep the sender busy.
        sleep(ms(100)).await;
        assert_eq!(sending.info().state().to_string(), "WRITE_WAIT");
        for _ in 0..=sent {
            receiver.recv(&mut [0; 16]).await?;
        }
        let polls = sending.join().await.expect("it does not panic")?;
        assert!(polls < 50, "polled {polls} times");
        Ok(())
    });
}

#[test]
fn tasks_that_share_a_datagram_socket_all_get_their_messages_sent() {
    bounded(async {
        let (sender, receiver) = UnixDatagram::pair()?;
        let sender = Rc::new(sender);
        let mut full = 0_u32;
        while timeout_after(ms(5), sender.send(b"full")).await.is_ok() {
            full += 1;
        }
        let sending: Vec<_> = (0..10_u8)
            .map(|n| {
                let sender = Rc::clone(&sender);
                spawn(async move { sender.send(&[n]).await })
            })
            .collect();
        sleep(ms(5)).await;
        assert!(sending.iter().all(|task| task.info().state().to_string() == "WRITE_WAIT"));
        // One of them in the middle gives up; the others do not mind.
        sending[0].cancel().await;
        sending[4].cancel().await;
        for _ in 0..full {
            assert_eq!(receiver.recv(&mut [0; 8]).await?, 4);
        }
        let mut got = Vec::new();
        for _ in 0..8 {
            let mut message = [0; 8];
            assert_eq!(receiver.recv(&mut message).await?, 1);
            got.push(message[0]);
        }
        assert_eq!(got, [1, 2, 3, 5, 6, 7, 8, 9], "in the order in which they came");
        for (n, task) in sending.into_iter().enumerate() {
            match task.join().await {
                Ok(sent) => assert_eq!(sent?, 1),
                Err(error) => assert!(error.is_cancelled() && (n == 0 || n == 4), "{n}: {error}"),
            }
        }
        Ok(())
    });
}

#[test]
fn tasks_that_send_to_one_full_receiver_all_get_their_messages_sent() {
    let path = TempPath::new("full-shared");
    bounded(async {
        let (sender, receiver, sent) = full_receiver(&path.0).await?;
        let sender = Rc::new(sender);
        let sending: Vec<_> = (0..5_u8)
            .map(|n| {
                let (sender, target) = (Rc::clone(&sender), path.0.clone());
                spawn(async move { sender.send_to(&[n], &target).await })
            })
            .collect();
        sleep(ms(10)).await;
        for _ in 0..sent {
            receiver.recv(&mut [0; 8]).await?;
        }
        let mut got = Vec::new();
        for _ in 0..5 {
            let mut message = [0; 8];
            assert_eq!(receiver.recv(&mut message).await?, 1);
            got.push(message[0]);
        }
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2, 3, 4]);
        for task in sending {
            assert_eq!(task.join().await.expect("it does not panic")?, 1);
        }
        Ok(())
    });
}

// ---- operations on nothing

#[test]
fn operations_on_no_bytes_are_ready_although_the_stream_is_not() {
    bounded(async {
        let (mut stream, _other) = UnixStream::pair()?;
        while timeout_after(ms(5), stream.send(&[0; 4096])).await.is_ok() {}
        let nothing = async {
            assert_eq!(stream.recv(&mut []).await?, 0);
            assert_eq!(stream.read_exactly(0).await?, b"");
            assert_eq!(stream.send(&[]).await?, 0);
            stream.sendall(&[]).await?;
            assert_eq!(futures_util::AsyncReadExt::read(&mut stream, &mut []).await?, 0);
            assert_eq!(futures_util::AsyncWriteExt::write(&mut stream, &[]).await?, 0);
            io::Result::Ok(())
        };
        timeout_after(secs(2), nothing).await.expect("nothing has to be waited for")
    });
}

#[test]
fn operations_on_no_bytes_lend_no_task_the_thread_for_ever() {
    bounded(async {
        let (stream, _other) = UnixStream::pair()?;
        let other = spawn(async {});
        for _ in 0..1000 {
            stream.sendall(&[]).await?;
        }
        assert!(other.is_terminated(), "sendall");
        other.join().await.expect("it does not panic");
        let other = spawn(async {});
        for _ in 0..1000 {
            stream.read_exactly(0).await?;
        }
        assert!(other.is_terminated(), "read_exactly");
        other.join().await.expect("it does not panic");
        let mut stream = curio::io::Stream::new(stream);
        let other = spawn(async {});
        for _ in 0..1000 {
            stream.write(b"").await?;
            stream.flush().await?;
        }
        assert!(other.is_terminated(), "writing through a Stream");
        other.join().await.expect("it does not panic");
        let other = spawn(async {});
        for _ in 0..1000 {
            stream.read(0).await?;
            stream.read_exactly(0).await?;
        }
        assert!(other.is_terminated(), "reading through a Stream");
        other.join().await.expect("it does not panic");
        Ok(())
    });
}

// ---- servers

#[test]
fn a_server_serves_each_client_and_removes_its_socket() {
    let path = TempPath::new("server");
    bounded(async {
        let server = spawn(unix_server(&path.0, async |client: UnixStream, _| {
            let line = client.read_exactly(4).await?;
            client.sendall(&line).await
        }));
        let (one, two) = (connect(&path.0).await, connect(&path.0).await);
        two.sendall(b"two!").await?;
        one.sendall(b"one!").await?;
        assert_eq!(one.read_all().await?, b"one!");
        assert_eq!(two.read_all().await?, b"two!");
        server.cancel().await;
        assert!(!path.0.exists());
        Ok(())
    });
}

#[test]
fn a_cancelled_server_waits_for_the_cleanups_of_its_clients() {
    let path = TempPath::new("cleanup");
    bounded(async {
        let cleaned = Rc::new(Cell::new(false));
        let flag = cleaned.clone();
        let server = spawn(unix_server(&path.0, async move |client: UnixStream, _| {
            let flag = flag.clone();
            finally(client.read_all(), async move |_| {
                sleep(ms(1)).await;
                flag.set(true);
            })
            .await
            .map(drop)
        }));
        let client = connect(&path.0).await;
        client.sendall(b"x").await?;
        sleep(ms(5)).await;
        server.cancel().await;
        assert!(cleaned.get());
        assert_eq!(client.read_all().await?, b"");
        Ok(())
    });
}

#[test]
fn a_server_leaves_a_file_that_is_not_its_own() {
    let path = TempPath::new("not-own");
    bounded(async {
        std::fs::write(&path.0, "precious")?;
        let error = unix_server(&path.0, async |_, _| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&path.0)?, b"precious");
        std::fs::remove_file(&path.0)?;

        let server = spawn(unix_server(&path.0, async |_, _| ()));
        connect(&path.0).await;
        std::fs::remove_file(&path.0)?;
        std::fs::write(&path.0, "somebody else's")?;
        server.cancel().await;
        assert_eq!(std::fs::read(&path.0)?, b"somebody else's");
        Ok(())
    });
}

#[test]
fn a_crashing_or_failing_handler_is_reported_and_the_server_goes_on() {
    let path = TempPath::new("crash");
    let (builder, reports) = with_reports(Kernel::builder());
    let served = builder.run(timeout_after(secs(10), async {
        let server = spawn(unix_server(&path.0, async |client: UnixStream, _| {
            match client.read_exactly(1).await?[..] {
                [b'p'] => panic!("as asked"),
                [b'e'] => Err(io::Error::other("as asked for")),
                _ => client.sendall(b"served").await,
            }
        }));
        for request in [b"p", b"e"] {
            let client = connect(&path.0).await;
            client.sendall(request).await.unwrap();
            assert_eq!(client.read_all().await.unwrap(), b"");
        }
        let client = connect(&path.0).await;
        client.sendall(b"x").await.unwrap();
        let served = client.read_all().await.unwrap();
        server.cancel().await;
        served
    }));
    assert_eq!(served.unwrap(), b"served");
    let reports = reports.take();
    assert!(reports.iter().any(|line| line.contains("panicked: as asked")), "{reports:?}");
    assert!(reports.iter().any(|line| line.contains("failed: as asked for")), "{reports:?}");
}

#[test]
fn a_path_that_cannot_be_bound_is_named() {
    bounded(async {
        let path = TempPath::new("taken");
        let _listener = UnixListener::bind(&path.0)?;
        for error in [UnixListener::bind(&path.0).unwrap_err(), UnixDatagram::bind(&path.0).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            assert!(error.to_string().starts_with(&format!("binding {}: ", path.0.display())), "{error}");
        }
        Ok(())
    });
}

#[test]
fn a_server_takes_a_unix_listener_of_ones_own() {
    bounded(async {
        let path = TempPath::new("listener");
        let listener = UnixListener::bind(&path.0)?;
        let server = spawn(run_server(listener, async |client: UnixStream, _| {
            client.sendall(&client.read_exactly(5).await?).await
        }));
        let client = open_unix_connection(&path.0).await?;
        client.sendall(b"hello").await?;
        assert_eq!(client.read_all().await?, b"hello");
        assert!(server.cancel().await);
        assert!(path.0.exists(), "the file is its maker's to remove");
        Ok(())
    });
}
