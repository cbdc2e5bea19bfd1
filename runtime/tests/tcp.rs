//! TCP streams and listeners on the loopback interface.

mod common;

use common::{Random, ms, panic_of, poll_once, run_real, secs};
use curio::{
    Kernel, TaskState, TcpListener, TcpStream, join, schedule, sleep, spawn, spawn_named, timeout_after,
};
use futures_io::{AsyncRead, AsyncWrite};
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Two ends of one connection.
async fn connection() -> (TcpStream, TcpStream) {
    let (listener, address) = listener().await;
    let (client, server) = join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

// ---- both ends

#[test]
fn both_ends_know_who_they_talk_to() {
    run_real(async {
        let (listener, address) = listener().await;
        let client = TcpStream::connect(address).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert_eq!(server.local_addr().unwrap(), address);
        assert_eq!(client.local_addr().unwrap(), peer);
        assert_eq!(server.peer_addr().unwrap(), peer);
        client.set_nodelay(true).unwrap();
        assert!(format!("{client:?} {listener:?}").contains("TcpStream"));
    });
}

#[test]
fn what_is_sent_is_received_both_ways() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"to b").await.unwrap();
        b.write_all(b"to a, longer").await.unwrap();
        assert_eq!(b.read_exactly(4).await.unwrap(), b"to b");
        let mut buffer = [0; 64];
        let received = a.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..received], b"to a, longer");
    });
}

#[test]
fn the_end_of_a_stream_is_zero_bytes_and_stays_so() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"last words").await.unwrap();
        drop(a);
        let mut buffer = [0; 4];
        let mut seen = Vec::new();
        loop {
            match b.recv(&mut buffer).await.unwrap() {
                0 => break,
                n => seen.extend_from_slice(&buffer[..n]),
            }
        }
        assert_eq!(seen, b"last words");
        assert_eq!(b.recv(&mut buffer).await.unwrap(), 0);
        assert_eq!(b.read_all().await.unwrap(), b"");
    });
}

#[test]
fn data_and_end_that_arrive_together_are_both_seen() {
    run_real(async {
        for size in [1, 10, 1000, 4096, 4097] {
            let (a, b) = connection().await;
            // The reader waits, with a buffer larger than what comes: a short read that is also the last.
            let reader = spawn(async move {
                let mut buffer = vec![0; 4096];
                let mut total = 0;
                loop {
                    match b.recv(&mut buffer).await.unwrap() {
                        0 => return total,
                        n => total += n,
                    }
                }
            });
            schedule().await;
            a.sendall(&vec![1; size]).await.unwrap();
            drop(a);
            assert_eq!(timeout_after(secs(5), reader).await.expect("the end is noticed").unwrap(), size);
        }
    });
}

/// How many system calls it takes to send a byte to and fro a hundred times, each read into so large a buffer.
#[cfg(target_os = "linux")]
fn calls_of_a_hundred_round_trips(buffer: usize) -> u64 {
    use curio::debug::{Activation, Event, EventKind};

    struct Count(Rc<std::cell::Cell<u64>>);

    impl Activation for Count {
        fn event(&mut self, event: &Event) {
            if let EventKind::ShutDown { counts, .. } = &event.kind {
                self.0.set(counts.socket_calls);
            }
        }
    }

    let calls = Rc::default();
    let mut kernel = Kernel::builder().activation(Count(Rc::clone(&calls))).build().unwrap();
    kernel.run(async {
        let (a, b) = connection().await;
        let echo = spawn(async move {
            let mut received = vec![0; buffer];
            while let count @ 1.. = b.recv(&mut received).await.unwrap() {
                b.sendall(&received[..count]).await.unwrap();
            }
        });
        for _ in 0..100 {
            a.sendall(&[1]).await.unwrap();
            assert_eq!(a.recv(&mut vec![0; buffer]).await.unwrap(), 1);
        }
        drop(a);
        echo.join().await.unwrap();
    });
    kernel.shutdown();
    calls.get()
}

#[cfg(target_os = "linux")]
#[test]
fn a_short_read_saves_the_read_that_would_block() {
    let (full, short) = (calls_of_a_hundred_round_trips(1), calls_of_a_hundred_round_trips(2));
    assert!(short + 150 < full, "{short} calls with short reads and {full} without");
}

#[test]
fn one_direction_can_be_shut_down_alone() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"question").await.unwrap();
        a.shutdown(Shutdown::Write).unwrap();
        assert_eq!(b.read_all().await.unwrap(), b"question");
        b.sendall(b"answer").await.unwrap();
        drop(b);
        assert_eq!(a.read_all().await.unwrap(), b"answer");
        let error = a.send(b"too late").await.unwrap_err();
        // WSAESHUTDOWN on Windows, for which the standard library has no name.
        assert!(error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(10058), "{error:?}");
    });
}

#[test]
fn an_exact_read_of_a_stream_that_ends_early_says_how_much_came() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"only five"[..5].as_ref()).await.unwrap();
        drop(a);
        let error = b.read_exactly(8).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("5 of 8"), "{error}");
    });
}

#[test]
fn an_exact_read_takes_no_more_than_it_was_asked_for() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"onetwothree").await.unwrap();
        assert_eq!(b.read_exactly(3).await.unwrap(), b"one");
        assert_eq!(b.read_exactly(3).await.unwrap(), b"two");
        assert_eq!(b.read_exactly(0).await.unwrap(), b"");
        assert_eq!(b.read_exactly(5).await.unwrap(), b"three");
    });
}

#[test]
fn megabytes_go_both_ways_at_once() {
    run_real(async {
        let (a, b) = connection().await;
        let mut random = Random::new(1);
        let data: Vec<u8> = (0..3_000_000).map(|_| random.below(256) as u8).collect();
        let send = async |stream: &TcpStream| {
            stream.sendall(&data).await.unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        };
        let ((), (), got_a, got_b) = join!(send(&a), send(&b), a.read_all(), b.read_all());
        assert!(got_a.unwrap() == data && got_b.unwrap() == data);
    });
}

#[test]
fn a_thousand_small_messages_go_to_and_fro() {
    run_real(async {
        let (a, b) = connection().await;
        let echo = spawn(async move {
            let mut buffer = [0; 64];
            loop {
                match b.recv(&mut buffer).await.unwrap() {
                    0 => return,
                    n => b.sendall(&buffer[..n]).await.unwrap(),
                }
            }
        });
        for n in 0..1000_u32 {
            a.sendall(&n.to_be_bytes()).await.unwrap();
            assert_eq!(a.read_exactly(4).await.unwrap(), n.to_be_bytes());
        }
        drop(a);
        echo.join().await.unwrap();
    });
}

#[test]
fn a_peer_that_resets_the_connection_is_an_error() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"never read").await.unwrap();
        sleep(ms(5)).await;
        // Closing with unread data resets the connection.
        drop(b);
        let error = timeout_after(secs(5), a.read_all()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn reading_into_nothing_reads_nothing() {
    run_real(async {
        let (a, b) = connection().await;
        a.sendall(b"x").await.unwrap();
        assert_eq!(b.recv(&mut []).await.unwrap(), 0);
        assert_eq!(b.read_exactly(1).await.unwrap(), b"x");
    });
}

#[test]
fn a_quiet_connection_is_told_from_one_with_data_or_an_end() {
    run_real(async {
        let (a, b) = connection().await;
        assert!(a.is_quiet() && a.is_quiet());
        b.sendall(b"!").await.unwrap();
        sleep(ms(5)).await;
        assert!(!a.is_quiet());
        assert_eq!(a.read_exactly(1).await.unwrap(), b"!", "it only looks");
        assert!(a.is_quiet());
        drop(b);
        sleep(ms(5)).await;
        assert!(!a.is_quiet());
    });
}

// ---- one reader, one writer

#[test]
fn one_task_may_read_while_another_writes() {
    run_real(async {
        let (a, b) = connection().await;
        let a = Rc::new(a);
        let own = Rc::clone(&a);
        let reader = spawn(async move { own.read_exactly(4).await.unwrap() });
        schedule().await;
        a.sendall(b"ping").await.unwrap();
        assert_eq!(b.read_exactly(4).await.unwrap(), b"ping");
        b.sendall(b"pong").await.unwrap();
        assert_eq!(reader.join().await.unwrap(), b"pong");
    });
}

#[test]
fn a_second_reader_is_told_who_reads_and_where() {
    run_real(async {
        let (a, b) = connection().await;
        let a = Rc::new(a);
        let own = Rc::clone(&a);
        let reading = async move { own.recv(&mut [0]).await.unwrap() };
        let (line, reader) = (line!() - 1, spawn_named("reader", reading));
        schedule().await;
        let error = a.recv(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        let message = error.to_string();
        assert!(message.contains(&format!("task {} `reader`", reader.id())), "{message}");
        assert!(message.contains(&format!("{}:{line}:", file!())), "{message}");
        b.sendall(b"!").await.unwrap();
        assert_eq!(reader.join().await.unwrap(), 1, "the first one is not disturbed");
        b.sendall(b"?").await.unwrap();
        assert_eq!(a.recv(&mut [0]).await.unwrap(), 1, "and its place is free again");
    });
}

#[test]
fn a_second_reader_is_refused_although_data_has_come_for_the_first() {
    run_real(async {
        let (a, b) = connection().await;
        let mut first_buffer = [0; 8];
        let mut first = Box::pin(a.recv(&mut first_buffer));
        assert!(poll_once(first.as_mut()).await.is_pending());
        b.sendall(b"for the first").await.unwrap();
        sleep(ms(5)).await;
        assert_eq!(a.recv(&mut [0]).await.unwrap_err().kind(), ErrorKind::ResourceBusy);
        assert_eq!(first.await.unwrap(), 8);
    });
}

#[test]
fn a_second_writer_is_told_who_writes() {
    run_real(async {
        let (a, b) = connection().await;
        let a = Rc::new(a);
        let own = Rc::clone(&a);
        let writer = spawn(async move { own.sendall(&vec![0; 50_000_000]).await });
        while writer.info().state() != TaskState::WriteWait {
            schedule().await;
        }
        let error = a.send(b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        let (message, who) = (error.to_string(), format!("task {} ", writer.id()));
        assert!(message.contains(&who) && message.contains("is writing"), "{message}");
        writer.cancel().await;
        drop(b);
    });
}

#[test]
fn a_second_accepter_is_refused() {
    run_real(async {
        let (listener, _) = listener().await;
        let listener = Rc::new(listener);
        let own = Rc::clone(&listener);
        let first = spawn(async move { own.accept().await.map(drop) });
        schedule().await;
        assert_eq!(listener.accept().await.unwrap_err().kind(), ErrorKind::ResourceBusy);
        first.cancel().await;
    });
}

#[test]
fn a_reader_that_gives_up_makes_room_for_another() {
    run_real(async {
        let (a, b) = connection().await;
        assert!(timeout_after(ms(2), a.recv(&mut [0])).await.is_err());
        b.sendall(b"!").await.unwrap();
        assert_eq!(timeout_after(secs(5), a.recv(&mut [0])).await.unwrap().unwrap(), 1);
    });
}

// ---- std and futures_io

#[test]
fn streams_of_the_standard_library_can_be_taken_over() {
    run_real(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let client = TcpStream::from_std(client).unwrap();
        client.sendall(b"hello").await.unwrap();
        assert_eq!(server.read_exactly(5).await.unwrap(), b"hello");
    });
}

#[test]
fn a_blocking_peer_in_a_thread_is_a_peer_like_any_other() {
    run_real(async {
        let (listener, address) = listener().await;
        let thread = std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            for piece in ["in ", "several ", "pieces"] {
                stream.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(ms(3));
            }
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let (stream, _) = listener.accept().await.unwrap();
        assert_eq!(stream.read_all().await.unwrap(), b"in several pieces");
        stream.sendall(b"understood").await.unwrap();
        drop(stream);
        let answer = curio::run_in_thread(move || thread.join().unwrap()).await.unwrap();
        assert_eq!(answer, "understood");
    });
}

#[test]
fn streams_are_those_of_futures_io() {
    async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, buffer)).await
    }
    run_real(async {
        let (mut a, mut b) = connection().await;
        let mut buffer = [0; 16];
        let reading = async { read(&mut b, &mut buffer).await.unwrap() };
        let writing = async {
            sleep(ms(2)).await;
            let written = poll_fn(|cx| Pin::new(&mut a).poll_write(cx, b"through poll_write")).await.unwrap();
            poll_fn(|cx| Pin::new(&mut a).poll_flush(cx)).await.unwrap();
            poll_fn(|cx| Pin::new(&mut a).poll_close(cx)).await.unwrap();
            written
        };
        let (received, written) = join!(reading, writing);
        assert_eq!((received, written), (16, 18));
        assert_eq!(&buffer, b"through poll_wri");
        assert_eq!(b.read_all().await.unwrap(), b"te", "and the end, because it was closed");
    });
}

#[test]
fn several_slices_are_written_by_one_call() {
    run_real(async {
        let (mut a, b) = connection().await;
        let slices = [IoSlice::new(b"head, "), IoSlice::new(b""), IoSlice::new(b"body")];
        let written = poll_fn(|cx| Pin::new(&mut a).poll_write_vectored(cx, &slices)).await.unwrap();
        assert_eq!(written, 10);
        assert_eq!(b.read_exactly(10).await.unwrap(), b"head, body");
        let nothing = poll_fn(|cx| Pin::new(&mut a).poll_write_vectored(cx, &slices[1..2])).await;
        assert_eq!(nothing.unwrap(), 0);
    });
}

#[test]
fn a_poll_read_that_was_left_behind_gives_way_to_another_reader() {
    run_real(async {
        let (mut a, b) = connection().await;
        let once = poll_fn(|cx| std::task::Poll::Ready(Pin::new(&mut a).poll_read(cx, &mut [0])));
        assert!(once.await.is_pending());
        b.sendall(b"!").await.unwrap();
        assert_eq!(timeout_after(secs(5), a.recv(&mut [0])).await.unwrap().unwrap(), 1);
    });
}

// ---- kernels

#[test]
fn a_socket_of_another_kernel_says_so_instead_of_hanging() {
    let mut kernel = Kernel::new().unwrap();
    let (a, _b) = kernel.run(connection());
    run_real(async {
        let error = a.recv(&mut [0]).await.unwrap_err();
        assert!(error.to_string().contains("belongs to a curio kernel"), "{error}");
    });
    kernel.run(async { assert!(timeout_after(ms(1), a.recv(&mut [0])).await.is_err()) });
}

#[test]
fn sockets_live_on_between_runs_and_may_outlive_their_kernel() {
    let mut kernel = Kernel::new().unwrap();
    let (a, b) = kernel.run(connection());
    kernel.run(a.sendall(b"later")).unwrap();
    assert_eq!(kernel.run(b.read_exactly(5)).unwrap(), b"later");
    drop(kernel);
    assert!(a.peer_addr().is_ok());
    drop((a, b));
}

#[test]
fn a_socket_cannot_be_made_outside_of_a_kernel() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(panic_of(|| TcpListener::from_std(listener)).contains("no curio kernel is running"));
}

#[test]
fn places_in_the_table_of_sockets_are_used_again_without_mixing_them_up() {
    run_real(async {
        let (listener, address) = listener().await;
        for round in 0..500_u32 {
            let (client, server) = join!(TcpStream::connect(address), listener.accept());
            let (client, (server, _)) = (client.unwrap(), server.unwrap());
            // Dropped with events pending: unread data, and the end.
            server.sendall(&round.to_be_bytes()).await.unwrap();
            if round % 2 == 0 {
                assert_eq!(client.read_exactly(4).await.unwrap(), round.to_be_bytes());
            }
            drop(server);
            if round % 3 == 0 {
                schedule().await;
            }
        }
    });
}

#[test]
fn hundreds_of_connections_at_once() {
    run_real(async {
        let (listener, address) = listener().await;
        const MANY: usize = 200;
        let server = spawn(async move {
            let mut clients = Vec::new();
            for _ in 0..MANY {
                let (stream, _) = listener.accept().await.unwrap();
                clients.push(spawn(async move {
                    let request = stream.read_exactly(8).await.unwrap();
                    stream.sendall(&request).await.unwrap();
                }));
            }
            for client in clients {
                client.join().await.unwrap();
            }
        });
        let clients: Vec<_> = (0..MANY as u64)
            .map(|n| {
                spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    sleep(ms(5)).await;
                    stream.sendall(&n.to_be_bytes()).await.unwrap();
                    assert_eq!(stream.read_exactly(8).await.unwrap(), n.to_be_bytes());
                })
            })
            .collect();
        for client in clients {
            client.join().await.unwrap();
        }
        server.join().await.unwrap();
    });
}

#[test]
fn an_address_that_cannot_be_bound_is_named() {
    run_real(async {
        let (listener, address) = listener().await;
        let error = TcpListener::bind(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("binding {address}: ")), "{error}");
        drop(listener);
    });
}
