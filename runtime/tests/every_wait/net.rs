//! Sockets. What is on its way over the loopback device arrives before a virtual clock jumps.

use crate::common::{ms, secs};
use crate::{Moment, Row, check, row};
use curio::net::{connect_to_any, connect_to_any_with};
use curio::{
    TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, getaddrinfo, join,
    open_connection, open_unix_connection, run_server, sleep, tcp_server, timeout_after, unix_server,
};
use std::net::SocketAddr;
use std::path::PathBuf;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A socket of another crate that is connecting.
fn connecting(address: SocketAddr) -> std::io::Result<std::net::TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if !curio::net::in_progress(&error) => Err(error),
        _ => Ok(socket.into()),
    }
}

/// A place for a socket, not used before.
fn place() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("curio-waits-{}-{n}.sock", std::process::id()))
}

/// A read of a stream whose peer says `whole` in one go, and ends.
async fn reading(m: Moment, read: impl AsyncFn(&UnixStream) -> Vec<u8>) -> bool {
    let (near, far) = UnixStream::pair().unwrap();
    let says = async {
        sleep(ms(1)).await;
        far.sendall(b"whole").await.unwrap();
        drop(far);
    };
    m.of(async || assert_eq!(read(&near).await, b"whole"), says).await
}

/// A write into a stream that is full until its peer begins to read.
async fn writing(m: Moment, write: impl AsyncFn(&UnixStream)) -> bool {
    let (near, far) = UnixStream::pair().unwrap();
    let mut before = 0;
    while let Ok(sent) = timeout_after(ms(1), near.send(&[1; 65536])).await {
        before += sent.unwrap();
    }
    let reads = async {
        sleep(ms(1)).await;
        assert_eq!(far.read_exactly(before).await.unwrap(), vec![1; before]);
    };
    let finished = m.of(async || write(&near).await, reads).await;
    drop(near);
    let rest = far.read_all().await.unwrap();
    assert_eq!(rest, b"new", "once, and nothing of what was dropped");
    finished
}

/// A server that is dropped: its port is closed, and the client that it had is let go of.
async fn serving(m: Moment, server: impl Future, connect: impl AsyncFnOnce() -> TcpStream) -> bool {
    if m.polls == 0 {
        drop(server);
        return false;
    }
    let client = std::cell::RefCell::new(None);
    let uses = async {
        sleep(ms(1)).await;
        *client.borrow_mut() = Some(connect().await);
        sleep(ms(1)).await;
    };
    let mut server = Some(Box::pin(server));
    join!(timeout_after(ms(1 + m.polls as u64), server.as_mut().unwrap()), uses).0.map(drop).unwrap_err();
    drop(server.take());
    let client = client.take().expect("it is connected");
    let end = timeout_after(secs(60), client.read_all()).await.expect("it is let go of");
    assert!(end.map_or(true, |bytes| bytes.is_empty()));
    m.polls > 4
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = tcp_rows();
    rows.extend(stream_rows());
    rows.extend(datagram_rows());
    rows
}

fn tcp_rows() -> Vec<Row> {
    vec![
        row("net/tcp.rs: connect", async |m| {
            let (listener, address) = listener().await;
            let finished = m.of(async || TcpStream::connect(address).await.unwrap(), async {}).await;
            listener.accept().await.unwrap();
            finished
        }),
        row("net/tcp.rs: bind", async |m| {
            m.of(async || TcpListener::bind("localhost:0").await.unwrap(), async {}).await
        }),
        row("net/tcp.rs: accept", async |m| {
            let (listener, address) = listener().await;
            let knocks = async {
                sleep(ms(1)).await;
                drop(TcpStream::connect(address).await.unwrap());
            };
            m.of(async || listener.accept().await.unwrap(), knocks).await
        }),
        row("net/connect.rs: open_connection", async |m| {
            let (_listener, address) = listener().await;
            m.of(async || open_connection("localhost", address.port()).await.unwrap(), async {}).await
        }),
        row("net/connect.rs: connect_to_any", async |m| {
            let (_listener, address) = listener().await;
            m.of(async || connect_to_any(vec![address]).await.unwrap(), async {}).await
        }),
        row("net/connect.rs: connect_to_any_with", async |m| {
            let (_listener, address) = listener().await;
            m.of(async || connect_to_any_with(vec![address], connecting).await.unwrap(), async {}).await
        }),
        row("net/tcp.rs: from_connecting", async |m| {
            let (_listener, address) = listener().await;
            m.of(async || TcpStream::from_connecting(connecting(address).unwrap()).await.unwrap(), async {})
                .await
        }),
        row("net/address.rs: getaddrinfo", async |m| {
            m.of(async || assert!(!getaddrinfo("localhost", 80).await.unwrap().is_empty()), async {}).await
        }),
        row("net/server.rs: run_server", async |m| {
            let (listener, address) = listener().await;
            let server = run_server(listener, async |stream: TcpStream, _| drop(stream.read_all().await));
            serving(m, server, async || TcpStream::connect(address).await.unwrap()).await
        }),
        row("net/server.rs: tcp_server", async |m| {
            // The port of a moment ago is free again.
            let port = listener().await.1.port();
            let server =
                tcp_server("127.0.0.1", port, async |stream: TcpStream, _| drop(stream.read_all().await));
            serving(m, server, async || TcpStream::connect(("127.0.0.1", port)).await.unwrap()).await
        }),
        row("net/server.rs: unix_server", async |m| {
            let path = place();
            let at = path.clone();
            let serve = async || {
                let server =
                    unix_server(at.clone(), async |stream: UnixStream, _| drop(stream.read_all().await));
                timeout_after(ms(5), server).await.unwrap_err();
            };
            let finished = m.of(serve, async {}).await;
            assert!(!path.exists(), "its socket is gone");
            finished
        }),
        row("net/unix.rs: open_unix_connection", async |m| {
            let path = place();
            let _listener = UnixListener::bind(&path).unwrap();
            let finished = m.of(async || open_unix_connection(&path).await.unwrap(), async {}).await;
            std::fs::remove_file(path).unwrap();
            finished
        }),
        row("net/unix.rs: connect", async |m| {
            let path = place();
            let _listener = UnixListener::bind(&path).unwrap();
            let finished = m.of(async || UnixStream::connect(&path).await.unwrap(), async {}).await;
            std::fs::remove_file(path).unwrap();
            finished
        }),
        row("net/unix.rs: accept", async |m| {
            let path = place();
            let listener = UnixListener::bind(&path).unwrap();
            let knocks = async {
                sleep(ms(1)).await;
                drop(UnixStream::connect(&path).await.unwrap());
            };
            let finished = m.of(async || listener.accept().await.unwrap(), knocks).await;
            std::fs::remove_file(path).unwrap();
            finished
        }),
    ]
}

fn stream_rows() -> Vec<Row> {
    vec![
        row("net/stream.rs: recv", async |m| {
            reading(m, async |stream| {
                let mut buffer = [0; 16];
                let n = stream.recv(&mut buffer).await.unwrap();
                buffer[..n].to_vec()
            })
            .await
        }),
        row("net/stream.rs: read", async |m| {
            reading(m, async |stream| {
                let mut buffer = [0; 16];
                let n = stream.read(&mut buffer).await.unwrap();
                buffer[..n].to_vec()
            })
            .await
        }),
        row("net/stream.rs: read_exactly", async |m| {
            reading(m, async |stream| stream.read_exactly(5).await.unwrap()).await
        }),
        row("net/stream.rs: read_all", async |m| {
            reading(m, async |stream| stream.read_all().await.unwrap()).await
        }),
        row("net/stream.rs: send", async |m| {
            writing(m, async |stream| assert_eq!(stream.send(b"new").await.unwrap(), 3)).await
        }),
        row("net/stream.rs: sendall", async |m| {
            writing(m, async |stream| stream.sendall(b"new").await.unwrap()).await
        }),
        row("net/stream.rs: write_all", async |m| {
            writing(m, async |stream| stream.write_all(b"new").await.unwrap()).await
        }),
    ]
}

fn datagram_rows() -> Vec<Row> {
    async fn udp() -> (UdpSocket, UdpSocket) {
        let (a, b) =
            (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
        a.connect(b.local_addr().unwrap()).await.unwrap();
        b.connect(a.local_addr().unwrap()).await.unwrap();
        (a, b)
    }
    let says = async |socket: &UdpSocket| {
        sleep(ms(1)).await;
        socket.send(b"whole").await.map(drop).unwrap();
    };
    let full = async || {
        let (a, b) = UnixDatagram::pair().unwrap();
        while timeout_after(ms(1), a.send(b"old")).await.is_ok() {}
        (a, b)
    };
    // Of a socket that is full, Linux says only after half of it was read that there is room.
    let makes_room = async |socket: &UnixDatagram| {
        sleep(ms(1)).await;
        while timeout_after(ms(1), socket.recv(&mut [0; 8])).await.is_ok() {}
    };
    vec![
        row("net/udp.rs: bind", async |m| {
            m.of(async || UdpSocket::bind("localhost:0").await.unwrap(), async {}).await
        }),
        row("net/udp.rs: connect", async |m| {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            m.of(async || socket.connect("localhost:9").await.unwrap(), async {}).await
        }),
        row("net/udp.rs: send", async |m| {
            let (a, _b) = udp().await;
            m.of(async || assert_eq!(a.send(b"new").await.unwrap(), 3), async {}).await
        }),
        row("net/udp.rs: send_to", async |m| {
            let (a, b) = (
                UdpSocket::bind("127.0.0.1:0").await.unwrap(),
                UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            );
            let to = ("localhost", b.local_addr().unwrap().port());
            m.of(async || assert_eq!(a.send_to(b"new", to).await.unwrap(), 3), async {}).await
        }),
        row("net/udp.rs: recv", async move |m| {
            let (a, b) = udp().await;
            m.of(async || assert_eq!(a.recv(&mut [0; 8]).await.unwrap(), 5), says(&b)).await
        }),
        row("net/udp.rs: recv_from", async move |m| {
            let (a, b) = udp().await;
            m.of(async || assert_eq!(a.recv_from(&mut [0; 8]).await.unwrap().0, 5), says(&b)).await
        }),
        row("net/unix_datagram.rs: send", async move |m| {
            let (a, b) = full().await;
            m.of(async || assert_eq!(a.send(b"new").await.unwrap(), 3), makes_room(&b)).await
        }),
        row("net/unix_datagram.rs: send_to", async |m| {
            let path = place();
            let (a, _b) = (UnixDatagram::unbound().unwrap(), UnixDatagram::bind(&path).unwrap());
            let finished =
                m.of(async || assert_eq!(a.send_to(b"new", &path).await.unwrap(), 3), async {}).await;
            std::fs::remove_file(path).unwrap();
            finished
        }),
        row("net/unix_datagram.rs: recv", async |m| {
            let (a, b) = UnixDatagram::pair().unwrap();
            let says = async {
                sleep(ms(1)).await;
                b.send(b"whole").await.map(drop).unwrap();
            };
            m.of(async || assert_eq!(a.recv(&mut [0; 8]).await.unwrap(), 5), says).await
        }),
        row("net/unix_datagram.rs: recv_from", async |m| {
            let (a, b) = UnixDatagram::pair().unwrap();
            let says = async {
                sleep(ms(1)).await;
                b.send(b"whole").await.map(drop).unwrap();
            };
            m.of(async || assert_eq!(a.recv_from(&mut [0; 8]).await.unwrap().0, 5), says).await
        }),
    ]
}

#[test]
fn waits_for_the_network_can_be_dropped_at_any_poll() {
    check(&rows());
}
