//! Buffered streams, and other people's code on top of ours.
#![cfg(unix)]

mod common;

use asynchronous_codec::{Framed, LengthCodec, LinesCodec};
use common::{Random, ms, poll_once, run_real, run_virtual, secs};
use curio::io::Stream;
use curio::{TcpListener, TcpStream, UnixStream, ignore_after, join, schedule, sleep, spawn, timeout_after};
use futures_util::io::{AsyncBufReadExt, AsyncReadExt, BufReader, BufWriter};
use futures_util::{AsyncWriteExt, SinkExt, StreamExt};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

/// Gives its pieces one by one, and makes its reader wait before each; `None` is an error.
struct Pieces {
    pieces: Vec<Option<Vec<u8>>>,
    wait: bool,
}

impl Pieces {
    fn new<T: AsRef<[u8]>>(pieces: impl IntoIterator<Item = T>) -> Pieces {
        let mut pieces: Vec<_> = pieces.into_iter().map(|piece| Some(piece.as_ref().to_vec())).collect();
        pieces.reverse();
        Pieces { pieces, wait: true }
    }
}

impl futures_io::AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.wait = !this.wait;
        if !this.wait {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match this.pieces.pop() {
            None => Poll::Ready(Ok(0)),
            Some(None) => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            Some(Some(mut piece)) => {
                let n = piece.len().min(buf.len());
                buf[..n].copy_from_slice(&piece[..n]);
                if n < piece.len() {
                    this.pieces.push(Some(piece.split_off(n)));
                }
                Poll::Ready(Ok(n))
            }
        }
    }
}

#[test]
fn lines_come_whole_however_the_bytes_are_cut() {
    run_virtual(async {
        let text = b"first\n\nthird line\nlast without an end";
        for size in 1..=text.len() {
            let mut stream = Stream::new(Pieces::new(text.chunks(size)));
            for line in [&b"first\n"[..], b"\n", b"third line\n", b"last without an end", b"", b""] {
                assert_eq!(stream.readline().await.unwrap(), line, "pieces of {size}");
            }
            let mut stream = Stream::new(Pieces::new(text.chunks(size)));
            assert_eq!(stream.readline().await.unwrap(), b"first\n");
            assert_eq!(
                stream.readlines().await.unwrap(),
                [&b"\n"[..], b"third line\n", b"last without an end"]
            );
        }
    });
}

#[test]
fn read_gives_what_is_there_and_read_exactly_waits_for_all() {
    run_virtual(async {
        let mut stream = Stream::new(Pieces::new(["abc", "def", "ghi"]));
        assert_eq!(stream.read(2).await.unwrap(), b"ab");
        assert_eq!(stream.buffered(), b"c");
        assert_eq!(stream.read(10).await.unwrap(), b"c", "without waiting for more");
        assert_eq!(stream.read_exactly(5).await.unwrap(), b"defgh");
        assert_eq!(stream.read(0).await.unwrap(), b"");
        assert_eq!(stream.readall().await.unwrap(), b"i");
        assert_eq!(stream.read(1).await.unwrap(), b"");
    });
}

#[test]
fn an_early_end_is_an_error_that_keeps_what_had_come() {
    run_virtual(async {
        let mut stream = Stream::new(Pieces::new(["abc"]));
        let error = stream.read_exactly(5).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("3 of 5"), "{error}");
        assert_eq!(stream.readall().await.unwrap(), b"abc");
    });
}

#[test]
fn an_error_comes_after_what_came_before_it_and_loses_nothing() {
    run_virtual(async {
        let mut pieces = Pieces::new(["line\nha", "lf"]);
        pieces.pieces.insert(0, None);
        let mut stream = Stream::new(pieces);
        assert_eq!(stream.readline().await.unwrap(), b"line\n");
        assert_eq!(stream.readline().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(stream.readall().await.unwrap(), b"half");
    });
}

#[test]
fn reads_that_are_dropped_at_any_poll_lose_nothing() {
    run_virtual(async {
        for seed in 0..60 {
            let mut random = Random::new(seed);
            let text: Vec<u8> = (0..300).map(|_| b"abc\n"[random.below(4)]).collect();
            let mut pieces = Vec::new();
            let mut rest = &text[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + random.below(rest.len().min(9)));
                pieces.push(piece);
                rest = after;
            }
            let mut stream = Stream::new(Pieces::new(pieces));
            let mut received = Vec::new();
            while received.len() < text.len() {
                let n = 1 + random.below(20).min(text.len() - received.len() - 1);
                let mut reading: Pin<Box<dyn Future<Output = io::Result<Vec<u8>>>>> = match random.below(3) {
                    0 => Box::pin(stream.read(n)),
                    1 => Box::pin(stream.read_exactly(n)),
                    _ => Box::pin(stream.readline()),
                };
                for _ in 0..random.below(6) {
                    if let Poll::Ready(bytes) = poll_once(reading.as_mut()).await {
                        received.extend(bytes.unwrap());
                        break;
                    }
                }
                drop(reading);
                // A new poll of the task, with a new budget.
                schedule().await;
            }
            assert!(received == text, "seed {seed}");
        }
    });
}

/// Takes a few bytes at a time, and makes its writer wait before each time.
#[derive(Clone, Default)]
struct Slow {
    taken: Rc<RefCell<Vec<u8>>>,
    wait: bool,
    closed: bool,
}

impl futures_io::AsyncWrite for Slow {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.wait = !this.wait;
        if this.wait {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let n = data.len().min(3);
        this.taken.borrow_mut().extend_from_slice(&data[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().closed = true;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_write_that_is_dropped_halfway_leaves_no_hole() {
    run_virtual(async {
        for polls in 0..8 {
            let slow = Slow::default();
            let mut stream = Stream::new(slow.clone());
            let begun = {
                let mut writing = pin!(stream.write(b"0123456789"));
                for _ in 0..polls {
                    if poll_once(writing.as_mut()).await.is_ready() {
                        break;
                    }
                }
                !slow.taken.borrow().is_empty()
            };
            stream.write(b"after").await.unwrap();
            let expected: &[u8] = if begun { b"0123456789after" } else { b"after" };
            assert_eq!(slow.taken.borrow().as_slice(), expected, "dropped after {polls} polls");
        }
    });
}

#[test]
fn closing_sends_the_rest_of_a_dropped_write_first() {
    run_virtual(async {
        let slow = Slow::default();
        let mut stream = Stream::new(slow.clone());
        {
            let mut writing = pin!(stream.writelines(["one ", "two ", "three"]));
            assert!(poll_once(writing.as_mut()).await.is_pending());
            assert!(poll_once(writing.as_mut()).await.is_pending());
        }
        assert_eq!(slow.taken.borrow().as_slice(), b"one");
        stream.close().await.unwrap();
        assert_eq!(slow.taken.borrow().as_slice(), b"one two three");
        assert!(stream.get_ref().closed);
    });
}

#[test]
fn a_write_needs_no_flush() {
    bounded(async {
        let (a, b) = UnixStream::pair()?;
        let (mut a, mut b) = (Stream::new(a), Stream::new(b));
        a.write(b"are you there?\n").await?;
        assert_eq!(b.readline().await?, b"are you there?\n");
        b.writelines(vec!["yes\n".to_string(), "I am\n".to_string()]).await?;
        assert_eq!((a.readline().await?, a.readline().await?), (b"yes\n".to_vec(), b"I am\n".to_vec()));
        Ok(())
    });
}

#[test]
fn a_line_that_times_out_is_complete_the_next_time() {
    bounded(async {
        let (a, b) = UnixStream::pair()?;
        let mut lines = Stream::new(b);
        a.sendall(b"half a li").await?;
        assert!(ignore_after(ms(5), lines.readline()).await.is_none());
        a.sendall(b"ne\n").await?;
        assert_eq!(lines.readline().await?, b"half a line\n");
        Ok(())
    });
}

#[test]
fn an_endless_reader_lets_others_run() {
    run_virtual(async {
        let reading = spawn(async {
            let mut zeros = Stream::new(futures_util::io::repeat(b'x'));
            zeros.readall().await.map(drop)
        });
        // Were it not for the budget of a poll, this would never come back. (A sleep would not either: virtual time
        // stands still as long as there is something to do.)
        schedule().await;
        reading.cancel().await;
    });
}

#[test]
fn every_wait_is_shown_at_the_line_that_asked_for_it() {
    run_virtual(async {
        let (a, _b) = UnixStream::pair().unwrap();
        let mut stream = Stream::new(a);
        let first = line!() + 2;
        let task = spawn(async move {
            let _ = ignore_after(ms(10), stream.read(1)).await;
            let _ = ignore_after(ms(10), stream.read_exactly(1)).await;
            let _ = ignore_after(ms(10), stream.readline()).await;
            let _ = ignore_after(ms(10), stream.readlines()).await;
            let _ = ignore_after(ms(10), stream.readall()).await;
            let _ = ignore_after(ms(10), curio::io::copy(&mut stream, Vec::new())).await;
        });
        for line in first..first + 6 {
            sleep(ms(1)).await;
            let at = task.info().waiting_at().expect("it waits somewhere");
            assert!(at.file().ends_with("io_stream.rs"), "{at}");
            assert_eq!(at.line(), line);
            assert_eq!(task.info().state().to_string(), "READ_WAIT");
            sleep(ms(9)).await;
        }
        task.join().await.unwrap();
    });
}

// ---- third-party code over our streams

async fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

#[test]
fn futures_util_reads_lines_from_a_tcp_stream() {
    bounded(async {
        let (client, server) = tcp_pair().await?;
        let sending = spawn(async move {
            let mut writer = BufWriter::new(client);
            for n in 0..1000 {
                writer.write_all(format!("line {n}\n").as_bytes()).await?;
            }
            writer.close().await
        });
        let mut lines = BufReader::new(server).lines();
        let mut n = 0;
        while let Some(line) = lines.next().await {
            assert_eq!(line?, format!("line {n}"));
            n += 1;
        }
        assert_eq!(n, 1000);
        sending.join().await.unwrap()
    });
}

#[test]
fn a_codec_frames_messages_both_ways_over_tcp() {
    bounded(async {
        let (client, server) = tcp_pair().await?;
        let echo = spawn(async move {
            let mut frames = Framed::new(server, LengthCodec);
            while let Some(frame) = frames.next().await {
                frames.send(frame?).await?;
            }
            io::Result::Ok(())
        });
        let mut frames = Framed::new(client, LengthCodec);
        for size in [0, 1, 1000, 300_000] {
            frames.send(vec![5; size].into()).await?;
            let frame = frames.next().await.expect("an answer")?;
            assert!(frame.len() == size && frame.iter().all(|&byte| byte == 5));
        }
        frames.close().await?;
        echo.join().await.unwrap()
    });
}

#[test]
fn a_line_codec_goes_on_after_a_time_limit_cut_it_short() {
    bounded(async {
        let (a, b) = UnixStream::pair()?;
        let mut lines = Framed::new(Stream::new(b), LinesCodec);
        a.sendall(b"par").await?;
        assert!(ignore_after(ms(5), lines.next()).await.is_none());
        a.sendall(b"tial\nnext\n").await?;
        assert_eq!(lines.next().await.expect("a line")?, "partial\n");
        assert_eq!(lines.next().await.expect("a line")?, "next\n");
        Ok(())
    });
}

#[test]
fn our_stream_is_a_reader_and_a_buffered_reader_for_others() {
    bounded(async {
        let (mut a, b) = UnixStream::pair()?;
        let (sent, got) = join!(
            async {
                AsyncWriteExt::write_all(&mut a, b"head\nbody of the message").await?;
                a.close().await
            },
            async {
                let mut stream = Stream::new(b);
                let mut head = String::new();
                AsyncBufReadExt::read_line(&mut stream, &mut head).await?;
                let mut body = Vec::new();
                AsyncReadExt::read_to_end(&mut stream, &mut body).await?;
                io::Result::Ok((head, body))
            },
        );
        sent?;
        assert_eq!(got?, ("head\n".to_string(), b"body of the message".to_vec()));
        Ok(())
    });
}
