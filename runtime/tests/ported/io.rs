//! After Curio's `test_io.py`: buffered streams whose reads and writes are given up halfway. Curio's timeout carries
//! what was read so far; here it stays in the stream.

use crate::common::{Log, ms, run_virtual};
use curio::io::Stream;
use curio::{UnixStream, join, sleep, timeout_after};

fn pair() -> (UnixStream, Stream<UnixStream>) {
    let (a, b) = UnixStream::pair().expect("a pair of sockets");
    (a, Stream::new(b))
}

#[test]
fn a_read_gives_what_is_there_after_a_line() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        peer.sendall(b"hello\nworld\n").await.unwrap();
        drop(peer);
        assert_eq!(stream.readline().await.unwrap(), b"hello\n");
        assert_eq!(stream.read(2).await.unwrap(), b"wo");
        assert_eq!(stream.read(1000).await.unwrap(), b"rld\n");
        assert_eq!(stream.readall().await.unwrap(), b"");
    });
}

#[test]
fn reading_all_waits_for_the_end_and_begins_after_the_last_line() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        let log = &Log::new();
        let sends = async {
            for message in ["hello\n", "Msg1\n", "Msg2\n"] {
                peer.sendall(message.as_bytes()).await.unwrap();
                sleep(ms(100)).await;
            }
            drop(peer);
        };
        let reads = async {
            assert_eq!(stream.readline().await.unwrap(), b"hello\n");
            let rest = stream.readall().await.unwrap();
            log.note("end");
            rest
        };
        let ((), rest) = join!(sends, reads);
        assert_eq!((&rest[..], log.take()), (&b"Msg1\nMsg2\n"[..], vec!["300 end".to_string()]));
    });
}

#[test]
fn what_a_read_of_everything_had_when_its_limit_passed_stays_in_the_stream() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        let log = Log::new();
        peer.sendall(b"Msg1\n").await.unwrap();
        timeout_after(ms(500), stream.readall()).await.unwrap_err();
        log.note("given up");
        assert_eq!(stream.buffered(), b"Msg1\n");
        peer.sendall(b"Msg2\n").await.unwrap();
        drop(peer);
        assert_eq!(stream.readall().await.unwrap(), b"Msg1\nMsg2\n");
        assert_eq!(log.take(), ["500 given up"]);
    });
}

#[test]
fn what_an_exact_read_had_when_its_limit_passed_stays_in_the_stream() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        peer.sendall(b"Msg1\n").await.unwrap();
        timeout_after(ms(500), stream.read_exactly(10)).await.unwrap_err();
        assert_eq!(stream.buffered(), b"Msg1\n");
        peer.sendall(b"Msg2\n").await.unwrap();
        assert_eq!(stream.read_exactly(10).await.unwrap(), b"Msg1\nMsg2\n");
    });
}

#[test]
fn lines_that_were_read_when_the_limit_passed_are_read_again() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        peer.sendall(b"Msg1\nMsg2\n").await.unwrap();
        timeout_after(ms(500), stream.readlines()).await.unwrap_err();
        peer.sendall(b"Msg3\n").await.unwrap();
        drop(peer);
        assert_eq!(stream.readlines().await.unwrap(), [b"Msg1\n", b"Msg2\n", b"Msg3\n"]);
    });
}

#[test]
fn three_exact_reads_and_three_lines_cut_a_message_in_the_same_way() {
    run_virtual(async {
        for by_line in [true, false] {
            let (peer, mut stream) = pair();
            peer.sendall(b"Msg1\nMsg2\nMsg3\n").await.unwrap();
            for expected in [b"Msg1\n", b"Msg2\n", b"Msg3\n"] {
                let got = if by_line { stream.readline().await } else { stream.read_exactly(5).await };
                assert_eq!(got.unwrap(), expected);
            }
        }
    });
}

/// Everything that a peer receives until the end.
async fn drained(peer: &UnixStream) -> Vec<u8> {
    peer.read_all().await.expect("the peer reads to the end")
}

#[test]
fn a_write_that_was_given_up_in_the_middle_is_finished_before_the_end() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        let data: Vec<u8> = (0..10_000_000_u32).map(|n| n as u8).collect();
        timeout_after(ms(500), stream.write(&data)).await.unwrap_err();
        let closes = async {
            stream.close().await.unwrap();
            drop(stream);
        };
        let (received, ()) = join!(drained(&peer), closes);
        assert!(received == data, "{} of {} bytes", received.len(), data.len());
    });
}

#[test]
fn lines_that_were_given_up_end_with_a_whole_line() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        let lines = (0..).map(|n: u64| format!("Msg{n}\n"));
        timeout_after(ms(500), stream.writelines(lines)).await.unwrap_err();
        let closes = async {
            stream.close().await.unwrap();
            drop(stream);
        };
        let (received, ()) = join!(drained(&peer), closes);
        let text = String::from_utf8(received).unwrap();
        assert!(text.ends_with('\n'));
        for (n, line) in text.lines().enumerate() {
            assert_eq!(line, format!("Msg{n}"));
        }
    });
}

#[test]
fn a_stream_gives_its_socket_back_with_what_it_had_read_ahead() {
    run_virtual(async {
        let (peer, mut stream) = pair();
        peer.sendall(b"hello\nworld\n").await.unwrap();
        assert_eq!(stream.readline().await.unwrap(), b"hello\n");
        let (socket, ahead) = stream.into_inner();
        assert_eq!(ahead, b"world\n");
        peer.sendall(b"later").await.unwrap();
        assert_eq!(socket.read_exactly(5).await.unwrap(), b"later");
    });
}
