//! The scripted server does what its scripts say.
#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::net::Shutdown;

use curio::TcpStream;
use curio_support::{HostileServer, Script};

async fn connect(server: &HostileServer) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

#[test]
fn a_request_is_read_to_its_end_and_recorded() {
    curio::run(async {
        let script = Script::new().read_request().send("one").read_request().send("two").close();
        let server = HostileServer::start([script]).await.unwrap();
        let stream = connect(&server).await;
        let post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        stream.sendall(format!("{post}{get}").as_bytes()).await.unwrap();
        assert_eq!(stream.read_all().await.unwrap(), b"onetwo");
        assert_eq!(server.received(0), format!("{post}{get}"));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn every_connection_has_its_script_and_the_last_one_repeats() {
    curio::run(async {
        let server = HostileServer::start([Script::new().send("a"), Script::new().send("b")]).await.unwrap();
        for expected in ["a", "b", "b"] {
            assert_eq!(connect(&server).await.read_all().await.unwrap(), expected.as_bytes());
        }
    });
}

#[test]
fn bytes_are_sent_one_by_one_and_in_two() {
    curio::run(async {
        let script = Script::new().send_byte_by_byte("abc").send_split("defg", 2).close();
        let server = HostileServer::start([script]).await.unwrap();
        let stream = connect(&server).await;
        let mut buffer = [0; 16];
        let mut reads = Vec::new();
        loop {
            let n = stream.recv(&mut buffer).await.unwrap();
            if n == 0 {
                break;
            }
            reads.push(String::from_utf8(buffer[..n].to_vec()).unwrap());
        }
        assert_eq!(reads.concat(), "abcdefg");
        assert!(reads.len() > 1, "{reads:?}");
    });
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_none() {
    curio::run(async {
        let scripts = [Script::new().read(1).send("x").close(), Script::new().read(1).reset()];
        let server = HostileServer::start(scripts).await.unwrap();
        let stream = connect(&server).await;
        stream.sendall(b"more than one").await.unwrap();
        assert_eq!(stream.read_all().await.unwrap(), b"x");
        let stream = connect(&server).await;
        stream.sendall(b"?").await.unwrap();
        assert_eq!(stream.read_all().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_paused_script_goes_on_when_it_is_told() {
    curio::run(async {
        let server = HostileServer::start([Script::new().pause().send("late").close()]).await.unwrap();
        let stream = connect(&server).await;
        let early = curio::ignore_after(std::time::Duration::from_millis(20), stream.recv(&mut [0; 8])).await;
        assert!(early.is_none());
        server.go_on();
        assert_eq!(stream.read_all().await.unwrap(), b"late");
    });
}

#[test]
fn a_stalled_connection_ends_when_the_client_leaves() {
    curio::run(async {
        let server = HostileServer::start([Script::new().stall()]).await.unwrap();
        let stream = connect(&server).await;
        stream.sendall(b"hello?").await.unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read_all().await.unwrap(), b"");
        assert_eq!(server.received(0), "hello?");
    });
}
