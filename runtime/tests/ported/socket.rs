//! After Curio's `test_socket.py` and `test_network.py`: connections that echo, are given up and are awaited both ways.
//!
//! These run on a virtual clock: a parked socket does not hold it, and what is on its way over the loopback device
//! arrives before it jumps.

use crate::common::{Log, ms, run_virtual, secs};
use curio::io::Stream;
use curio::{
    TcpListener, TcpStream, UdpSocket, UnixStream, join, open_unix_connection, run_server, sleep, spawn,
    timeout_after, unix_server,
};
use std::fmt::Display;
use std::net::SocketAddr;
use std::rc::Rc;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn text(bytes: &[u8]) -> impl Display {
    String::from_utf8_lossy(bytes).trim_end().to_string()
}

#[test]
fn a_server_echoes_what_each_client_says_until_it_closes() {
    run_virtual(async {
        let (log, (listener, address)) = (Log::new(), listener().await);
        let own = log.clone();
        let server = spawn(run_server(listener, async move |stream: TcpStream, _| {
            let (mut buffer, log) = ([0; 100], own.clone());
            log.note("handler starts");
            loop {
                let n = stream.recv(&mut buffer).await.unwrap();
                if n == 0 {
                    break;
                }
                log.note(format!("handler has {}", text(&buffer[..n])));
                stream.sendall(&buffer[..n]).await.unwrap();
            }
            log.note("handler ends");
        }));
        let client = TcpStream::connect(address).await.unwrap();
        for message in [b"Msg1", b"Msg2"] {
            assert_eq!(client.send(message).await.unwrap(), 4);
            sleep(ms(100)).await;
            log.note(format!("client has {}", text(&client.read_exactly(4).await.unwrap())));
        }
        log.note("client closes");
        drop(client);
        sleep(ms(100)).await;
        assert!(server.cancel().await);
        assert_eq!(
            log.take(),
            [
                "0 handler starts",
                "0 handler has Msg1",
                "100 client has Msg1",
                "100 handler has Msg2",
                "200 client has Msg2",
                "200 client closes",
                "200 handler ends"
            ]
        );
    });
}

#[test]
fn a_server_on_a_path_echoes_lines() {
    let path = std::env::temp_dir().join(format!("curio-ported-{}.sock", std::process::id()));
    run_virtual(async {
        let (log, own) = (Log::new(), Log::new());
        let heard = own.clone();
        let server = spawn(unix_server(path.clone(), async move |stream: UnixStream, _| {
            let mut lines = Stream::new(stream);
            loop {
                let line = lines.readline().await.unwrap();
                if line.is_empty() {
                    break;
                }
                own.note(format!("handler has {}", text(&line)));
                lines.write(&line).await.unwrap();
            }
            own.note("handler ends");
        }));
        sleep(ms(100)).await;
        let mut client = Stream::new(open_unix_connection(&path).await.unwrap());
        for message in ["Msg1\n", "Msg2\n"] {
            client.write(message.as_bytes()).await.unwrap();
            sleep(ms(100)).await;
            log.note(format!("client has {}", text(&client.readline().await.unwrap())));
        }
        drop(client);
        sleep(ms(100)).await;
        assert!(server.cancel().await);
        assert_eq!(log.take(), ["200 client has Msg1", "300 client has Msg2"]);
        assert_eq!(heard.take(), ["100 handler has Msg1", "200 handler has Msg2", "300 handler ends"]);
    });
    assert!(!path.exists(), "the server took its socket away");
}

#[test]
fn a_datagram_comes_back_to_its_sender() {
    run_virtual(async {
        let log = &Log::new();
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serves = async {
            let mut buffer = [0; 100];
            let (n, from) = server.recv_from(&mut buffer).await.unwrap();
            log.note(format!("server has {}", text(&buffer[..n])));
            server.send_to(&buffer[..n], from).await.unwrap();
        };
        let asks = async {
            let mut buffer = [0; 100];
            client.send_to(b"Msg1", address).await.unwrap();
            let (n, _) = client.recv_from(&mut buffer).await.unwrap();
            log.note(format!("client has {}", text(&buffer[..n])));
        };
        join!(serves, asks);
        assert_eq!(log.take(), ["0 server has Msg1", "0 client has Msg1"]);
    });
}

/// A wait without a reply: it times out, then it is cancelled, both at their exact times.
async fn given_up<W: Future + 'static>(wait: impl Fn() -> W + 'static) {
    let log = Log::new();
    assert!(timeout_after(ms(500), wait()).await.is_err());
    log.note("limit");
    let gone = log.on_drop("gone");
    let task = spawn(async move {
        let _gone = gone;
        wait().await;
    });
    sleep(ms(500)).await;
    assert!(task.cancel().await);
    log.note("cancelled");
    assert_eq!(log.take(), ["500 limit", "1000 gone", "1000 cancelled"]);
}

#[test]
fn an_accept_can_be_limited_and_cancelled() {
    run_virtual(async {
        let listener = Rc::new(listener().await.0);
        given_up(move || {
            let listener = Rc::clone(&listener);
            async move { listener.accept().await }
        })
        .await;
    });
}

#[test]
fn a_receive_can_be_limited_and_cancelled() {
    run_virtual(async {
        let (listener, address) = listener().await;
        let client = TcpStream::connect(address).await.unwrap();
        let server = Rc::new(listener.accept().await.unwrap().0);
        let waits = Rc::clone(&server);
        given_up(move || {
            let server = Rc::clone(&waits);
            async move { server.recv(&mut [0; 8192]).await }
        })
        .await;
        client.sendall(b"still there").await.unwrap();
        assert_eq!(server.read_exactly(11).await.unwrap(), b"still there");
    });
}

#[test]
fn a_receive_of_a_datagram_can_be_limited_and_cancelled() {
    run_virtual(async {
        let socket = Rc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        given_up(move || {
            let socket = Rc::clone(&socket);
            async move { socket.recv_from(&mut [0; 8192]).await }
        })
        .await;
    });
}

#[test]
fn megabytes_follow_a_line_on_one_stream() {
    run_virtual(async {
        let numbers: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let (a, b) = UnixStream::pair().unwrap();
        let mut stream = Stream::new(b);
        let sends = async {
            a.sendall(b"Hello world\n").await.unwrap();
            a.sendall(&numbers).await.unwrap();
        };
        let receives = async {
            assert_eq!(stream.readline().await.unwrap(), b"Hello world\n");
            stream.read_exactly(numbers.len()).await.unwrap()
        };
        let ((), received) = join!(sends, receives);
        assert!(received == numbers);
    });
}

#[test]
fn a_socket_is_read_and_filled_to_the_brim_at_the_same_time() {
    run_virtual(async {
        const SIZE: usize = 10_000_000;
        let (a, b) = UnixStream::pair().unwrap();
        let peer = async {
            b.sendall(b"x").await.unwrap();
            let mut received = 0;
            let mut buffer = vec![0; 1 << 20];
            while received < SIZE {
                received += b.recv(&mut buffer).await.unwrap();
            }
        };
        let mut one = [0; 1000];
        let all = vec![b'x'; SIZE];
        let run = async { join!(a.recv(&mut one), a.sendall(&all), peer) };
        let (received, sent, ()) = timeout_after(secs(60), run).await.expect("it does not get stuck");
        assert_eq!(received.unwrap(), 1);
        sent.unwrap();
    });
}
