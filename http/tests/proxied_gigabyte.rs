//! A response that feeds another request takes the same memory however long it is.
//!
//! Nothing here is measured from outside: the connections are made by the test, so each byte is counted when the client
//! receives it and when the client has sent it. The difference is what the client holds.

use curio_http::{Body, ClientSession, Target};
use futures_io::{AsyncRead, AsyncWrite};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

const LENGTH: u64 = 1 << 30;
/// A read buffer, a piece that is being sent, and its frame.
const MOST_HELD: u64 = 256 * 1024;

#[derive(Default)]
struct Counts {
    received: Cell<u64>,
    sent: Cell<u64>,
    most_held: Cell<u64>,
}

impl Counts {
    fn receive(&self, n: usize) {
        self.received.set(self.received.get() + n as u64);
        self.most_held.set(self.most_held.get().max(self.received.get() - self.sent.get()));
    }
}

/// The server that sends: a head, then zeros.
struct Source {
    counts: Rc<Counts>,
    head: &'static [u8],
    left: u64,
}

/// The server that receives: 10 000 bytes at a time, and every fourth time nothing.
struct Sink {
    counts: Rc<Counts>,
    head: Vec<u8>,
    polls: usize,
    left: u64,
    reader: Option<Waker>,
    answer: &'static [u8],
}

enum Side {
    Source(Source),
    Sink(Sink),
}

impl AsyncRead for Side {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Side::Source(source) if !source.head.is_empty() => io::Read::read(&mut source.head, space).into(),
            Side::Source(source) => {
                let n = (space.len() as u64).min(source.left) as usize;
                if n == 0 {
                    return Poll::Pending;
                }
                source.left -= n as u64;
                source.counts.receive(n);
                Poll::Ready(Ok(n))
            }
            Side::Sink(sink) => {
                if sink.left > 0 || sink.answer.is_empty() {
                    sink.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                io::Read::read(&mut sink.answer, space).into()
            }
        }
    }
}

impl AsyncWrite for Side {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Side::Sink(sink) = self.get_mut() else { return Poll::Ready(Ok(bytes.len())) };
        sink.polls += 1;
        if sink.polls % 4 == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut n = bytes.len().min(10_000);
        if !sink.head.ends_with(b"\r\n\r\n") {
            n = 1;
            sink.head.push(bytes[0]);
        } else {
            sink.left -= n as u64;
            sink.counts.sent.set(sink.counts.sent.get() + n as u64);
            if sink.left == 0
                && let Some(reader) = sink.reader.take()
            {
                reader.wake();
            }
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_gigabyte_passes_through_a_quarter_of_a_megabyte() {
    let counts = Rc::new(Counts::default());
    let session = session(&counts);
    let held = Rc::clone(&counts);
    curio::testing::run(async move {
        let from = session.get("http://source.test/").await.expect("a head");
        assert_eq!(from.content_length(), Some(LENGTH));
        let to = session.put("http://sink.test/").body(Body::from(from)).await.expect("a response");
        assert_eq!(to.status_code(), 201);
    });
    assert_eq!((held.received.get(), held.sent.get()), (LENGTH, LENGTH));
    assert!(held.most_held.get() <= MOST_HELD, "{} bytes", held.most_held.get());
    assert!(held.most_held.get() >= 10_000, "the counts count");
}

fn session(counts: &Rc<Counts>) -> ClientSession {
    let counts = Rc::clone(counts);
    let connector = move |target: Target| {
        let counts = Rc::clone(&counts);
        async move {
            Ok(match target.host() {
                "source.test" => Side::Source(Source {
                    counts,
                    head: b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
                    left: LENGTH,
                }),
                _ => Side::Sink(Sink {
                    counts,
                    head: Vec::new(),
                    polls: 0,
                    left: LENGTH,
                    reader: None,
                    answer: b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
                }),
            })
        }
    };
    ClientSession::builder().connector(connector).build().expect("good settings")
}
