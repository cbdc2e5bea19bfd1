//! Buffered streams and copies.

use crate::common::ms;
use crate::{Moment, Row, check, row};
use curio::io::{Stream, copy, copy_bidirectional};
use curio::{UnixStream, sleep, spawn};

/// A read of a stream whose peer says two lines in two pieces, and ends.
async fn reading(m: Moment, read: impl AsyncFn(&mut Stream<UnixStream>)) -> bool {
    let (near, far) = UnixStream::pair().unwrap();
    let says = async {
        sleep(ms(1)).await;
        far.sendall(b"first\nsec").await.unwrap();
        sleep(ms(1)).await;
        far.sendall(b"ond\n").await.unwrap();
        drop(far);
    };
    let mut stream = Stream::new(near);
    m.of(async || read(&mut stream).await, says).await
}

/// A write of more than any buffer holds, to a peer that reads slowly; what it has in the end.
async fn writing(m: Moment, write: impl AsyncFn(&mut Stream<UnixStream>)) -> (bool, Vec<u8>) {
    let (near, far) = UnixStream::pair().unwrap();
    let reader = spawn(async move {
        sleep(ms(1)).await;
        far.read_all().await.unwrap()
    });
    let mut stream = Stream::new(near);
    let finished = m.of(async || write(&mut stream).await, async {}).await;
    stream.close().await.unwrap();
    drop(stream);
    (finished, reader.join().await.unwrap())
}

const SIZE: usize = 600_000;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("io/stream.rs: read", async |m| {
            reading(m, async |stream| assert_eq!(stream.read(3).await.unwrap(), b"fir")).await
        }),
        row("io/stream.rs: read_exactly", async |m| {
            reading(m, async |stream| assert_eq!(stream.read_exactly(12).await.unwrap(), b"first\nsecond"))
                .await
        }),
        row("io/stream.rs: readline", async |m| {
            reading(m, async |stream| assert_eq!(stream.readline().await.unwrap(), b"first\n")).await
        }),
        row("io/lines.rs: next", async |m| {
            reading(m, async |stream| {
                assert_eq!(stream.lines().next().await.unwrap().unwrap(), "first");
            })
            .await
        }),
        row("io/stream.rs: readlines", async |m| {
            reading(m, async |stream| {
                assert_eq!(stream.readlines().await.unwrap(), [&b"first\n"[..], b"second\n"]);
            })
            .await
        }),
        row("io/stream.rs: readall", async |m| {
            reading(m, async |stream| assert_eq!(stream.readall().await.unwrap(), b"first\nsecond\n")).await
        }),
        row("io/stream.rs: write", async |m| {
            let (finished, got) = writing(m, async |stream| stream.write(&[7; SIZE]).await.unwrap()).await;
            assert_eq!(got.len() % SIZE, 0, "whole, however often");
            finished
        }),
        row("io/stream.rs: writelines", async |m| {
            let lines = || (0..SIZE / 6).map(|n| format!("{n:05}\n"));
            let (finished, got) = writing(m, async |stream| stream.writelines(lines()).await.unwrap()).await;
            assert_eq!(got.len() % 6, 0, "no line is cut");
            assert!(got.len() >= SIZE);
            finished
        }),
        row("io/stream.rs: flush", async |m| {
            writing(m, async |stream| stream.flush().await.unwrap()).await.0
        }),
        row("io/stream.rs: close", async |m| {
            writing(m, async |stream| stream.close().await.unwrap()).await.0
        }),
        row("io/copy.rs: copy", async |m| {
            let (near, far) = UnixStream::pair().unwrap();
            let says = async {
                sleep(ms(1)).await;
                far.sendall(b"all of it").await.unwrap();
                drop(far);
            };
            let mut from = Stream::new(near);
            m.of(async || copy(&mut from, futures_util::io::sink()).await.unwrap(), says).await
        }),
        row("io/copy.rs: copy_bidirectional", async |m| {
            let ((a, left), (b, right)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
            let says = async {
                sleep(ms(1)).await;
                left.sendall(b"there").await.unwrap();
                right.sendall(b"back").await.unwrap();
                drop((left, right));
            };
            let (mut a, mut b) = (Stream::new(a), Stream::new(b));
            // Whether the peers are still there when it is their turn to receive is not the matter here.
            m.of(async || drop(copy_bidirectional(&mut a, &mut b).await), says).await
        }),
    ]
}

#[test]
fn waits_for_streams_can_be_dropped_at_any_poll() {
    check(&rows());
}
