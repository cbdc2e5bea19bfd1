//! How connections end over TLS: what came before the end is kept, a `close_notify` is heard, and one is sent
//! (RFC 8446 §6.1, RFC 9112 §9.8).

mod server;
mod tls_server;

use curio_http::{Body, ClientSession, ClientSessionBuilder, Error};
use futures_io::AsyncRead;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use server::{Reader, Server};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tls_server::Authority;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const REFUSAL: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!";

type Tls = StreamOwned<ServerConnection, TcpStream>;

fn settings() -> (Authority, Arc<ServerConfig>) {
    let authority = Authority::new(|_| {});
    let config = Arc::new(authority.server(&["127.0.0.1"], "a server of a test", &[]));
    (authority, config)
}

/// A session that trusts a server which does `serve` with each connection, the URL of that server, and the server.
fn tls_server(serve: impl Fn(usize, Tls) + Send + Sync + 'static) -> (ClientSessionBuilder, String, Server) {
    let (authority, config) = settings();
    let server = Server::on_connection(move |number, stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("good settings");
        serve(number, StreamOwned::new(connection, stream));
    });
    let session = ClientSession::builder().only_root_certificates(authority.pem());
    (session, server.url("/").replace("http:", "https:"), server)
}

/// Reads the head of a request and leaves what it can of the body in the socket.
fn read_head(tls: &mut Tls) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && tls.read(&mut byte).is_ok_and(|n| n > 0) {
        head.push(byte[0]);
    }
}

/// Yields bytes for ever.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        space.fill(b'x');
        Poll::Ready(Ok(space.len()))
    }
}

/// The server closes with unread data in its socket, so its reset arrives right behind its answer. Over plain TCP, and with
/// curl 7.88 over TLS, the answer arrives each time.
#[test]
fn the_refusal_of_an_upload_arrives_although_the_server_resets_the_connection() {
    let (session, url, _server) = tls_server(|_, mut tls| {
        read_head(&mut tls);
        let _ = tls.write_all(REFUSAL).and_then(|()| tls.flush());
        tls.conn.send_close_notify();
        let _ = tls.flush();
    });
    let session = session.build().expect("good settings");
    curio::run(async {
        for n in 0..30 {
            let upload = session.post(&url);
            let upload = match n % 2 {
                0 => upload.body(Body::from_reader(Endless)),
                _ => upload.data(vec![b'x'; 32 << 20]),
            };
            let mut response = upload.await.unwrap_or_else(|error| panic!("upload {n}: {error}"));
            assert_eq!(response.status_code(), 413);
            assert_eq!(response.text().await.expect("its body"), "no!");
        }
    });
}

#[test]
fn a_bad_record_behind_a_response_does_not_cost_the_response() {
    let (session, url, server) = tls_server(|number, mut tls| {
        loop {
            read_head(&mut tls);
            if tls.write_all(OK).and_then(|()| tls.flush()).is_err() {
                return;
            }
            if number == 0 {
                // A record of application data that is not encrypted.
                let _ = tls.sock.write_all(b"\x17\x03\x03\x00\x20a record that cannot be decrypted");
                let _ = tls.sock.read(&mut [0; 1000]);
                return;
            }
        }
    });
    let session = session.build().expect("good settings");
    curio::run(async {
        for _ in 0..2 {
            assert_eq!(session.get(&url).await?.text().await?, "ok");
        }
        Ok::<_, Error>(())
    })
    .expect("both responses are complete");
    assert_eq!(server.connections(), 2, "a connection with a bad record is not used again");
}

#[test]
fn a_bad_record_in_the_middle_of_a_body_is_told_behind_the_bytes_before_it() {
    let (session, url, _server) = tls_server(|_, mut tls| {
        read_head(&mut tls);
        let _ =
            tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").and_then(|()| tls.flush());
        let _ = tls.sock.write_all(b"\x17\x03\x03\x00\x20a record that cannot be decrypted");
        let _ = tls.sock.read(&mut [0; 1000]);
    });
    curio::run(async {
        let mut response = session.build()?.get(&url).await?;
        let mut chunks = response.iter_chunked(1);
        for expected in *b"half" {
            assert_eq!(chunks.next().await.expect("a byte")?[..], [expected]);
        }
        let error = chunks.next().await.expect("an end").expect_err("a bad record");
        assert!(error.is_tls(), "{error}");
        Ok::<_, Error>(())
    })
    .expect("the head and half of the body");
}

/// Answers each request and says `close_notify` right behind the first answer, without closing the socket.
fn closing_notifies(in_one_piece: bool) -> (ClientSessionBuilder, String, Server, Receiver<()>) {
    let (said, heard) = channel();
    let said = Mutex::new(said);
    let (session, url, server) = tls_server(move |number, tls| {
        let mut reader = Reader::new(tls);
        for nth in 0.. {
            let Ok(Some(_)) = reader.request() else { return };
            let _ = reader.stream.conn.writer().write_all(OK);
            if !in_one_piece {
                let _ = reader.stream.flush();
            }
            if (number, nth) == (0, 0) {
                reader.stream.conn.send_close_notify();
            }
            let _ = reader.stream.flush();
            let _ = said.lock().expect("no panic").send(());
        }
    });
    (session, url, server, heard)
}

#[test]
fn a_connection_that_has_received_close_notify_is_not_used_again() {
    for in_one_piece in [true, false] {
        let (session, url, server, said) = closing_notifies(in_one_piece);
        let session = session.build().expect("good settings");
        curio::run(async {
            for _ in 0..2 {
                let mut response = session.post(&url).data("not to be repeated").await?;
                assert_eq!(response.text().await?, "ok");
                said.recv_timeout(Duration::from_secs(10)).expect("all of the answer has been sent");
            }
            Ok::<_, Error>(())
        })
        .expect("answers");
        assert_eq!(server.connections(), 2, "in one piece: {in_one_piece}");
    }
}

/// Answers requests until the connection ends, and tells whether it ended with a `close_notify`.
fn listening_for_the_end() -> (ClientSessionBuilder, String, Server, Receiver<bool>) {
    let (told, endings) = channel();
    let told = Mutex::new(told);
    let (session, url, server) = tls_server(move |_, mut tls| {
        let mut space = [0; 4096];
        let in_order = loop {
            match tls.read(&mut space) {
                Ok(0) => break true,
                // rustls tells an end without close_notify as an error.
                Err(_) => break false,
                Ok(_) if tls.write_all(OK).and_then(|()| tls.flush()).is_err() => return,
                Ok(_) => {}
            }
        };
        let _ = told.lock().expect("no panic").send(in_order);
    });
    (session, url, server, endings)
}

#[test]
fn a_session_that_is_dropped_sends_close_notify_on_its_idle_connections() {
    let (session, url, _server, endings) = listening_for_the_end();
    curio::run(async {
        let session = session.build()?;
        session.get(&url).await?.text().await?;
        drop(session);
        Ok::<_, Error>(())
    })
    .expect("an answer");
    assert!(
        endings.recv_timeout(Duration::from_secs(10)).expect("an end"),
        "the end of TCP without TLS's own"
    );
}

#[test]
fn a_session_for_one_request_sends_close_notify() {
    let (session, url, _server, endings) = listening_for_the_end();
    curio::run(async { session.build()?.get(&url).await?.text().await }).expect("an answer");
    assert!(endings.recv_timeout(Duration::from_secs(10)).expect("an end"));
}

#[test]
fn a_connection_whose_response_is_given_up_sends_close_notify() {
    let (told, endings) = channel();
    let told = Mutex::new(told);
    let (session, url, _server) = tls_server(move |_, mut tls| {
        read_head(&mut tls);
        let _ = tls
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf")
            .and_then(|()| tls.flush());
        let _ = told.lock().expect("no panic").send(matches!(tls.read(&mut [0; 10]), Ok(0)));
    });
    curio::run(async { session.build()?.get(&url).await.map(drop) }).expect("a head");
    assert!(endings.recv_timeout(Duration::from_secs(10)).expect("an end"));
}

#[test]
fn an_idle_connection_past_its_time_sends_close_notify() {
    let (session, url, _server, endings) = listening_for_the_end();
    curio::Kernel::builder()
        .virtual_clock(true)
        .run(async {
            // The server is a thread and takes real time, in which the clock must not jump to a limit.
            let session = session.connect_timeout(None).read_timeout(None).build()?;
            session.get(&url).await?.text().await?;
            curio::sleep(Duration::from_secs(100)).await;
            let ended = endings.recv_timeout(Duration::from_secs(10));
            drop(session);
            assert!(ended.expect("an end"));
            Ok::<_, Error>(())
        })
        .expect("an answer");
}

/// After its kernel has ended nothing can be waited for; a last write to the socket needs no kernel.
#[test]
fn a_session_that_outlives_its_kernel_can_be_dropped_whatever_its_streams_are() {
    for by_connector in [false, true] {
        let (session, url, server, endings) = listening_for_the_end();
        let address = server.addr();
        let session = match by_connector {
            true => session.connector(async move |_| curio::TcpStream::connect(address).await),
            false => session,
        };
        let session = session.build().expect("good settings");
        curio::run(async { session.get(&url).await?.text().await }).expect("an answer");
        drop(session);
        let in_order = endings.recv_timeout(Duration::from_secs(10)).expect("an end");
        assert!(in_order || by_connector, "the socket would have taken it");
    }
}

/// A socket that takes nothing more must not hold up the program: the `close_notify` is left out then.
#[test]
fn a_peer_that_does_not_read_does_not_hold_up_the_end() {
    let (done, ended) = channel::<()>();
    let ended = Mutex::new(ended);
    let (session, url, _server) = tls_server(move |_, mut tls| {
        read_head(&mut tls);
        let _ = ended.lock().expect("no panic").recv_timeout(Duration::from_secs(20));
    });
    curio::run(async {
        let session = session.build().expect("good settings");
        let upload = session.post(&url).body(Body::from_reader(Endless));
        assert!(curio::timeout_after(Duration::from_millis(500), upload.send()).await.is_err());
    });
    drop(done);
}
