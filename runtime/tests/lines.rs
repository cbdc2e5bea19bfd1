//! A stream as lines of text.
#![cfg(unix)]

mod common;

use common::{run_real, secs};
use curio::io::Stream;
use curio::{UnixStream, ignore_after, schedule, spawn, timeout_after};
use std::io::{self, ErrorKind};

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

#[test]
fn lines_are_text_without_their_ends_however_the_bytes_are_cut() {
    const TEXT: &[u8] = b"one\r\n\ntwo\r\r\nthree";
    bounded(async {
        for cut in 0..=TEXT.len() {
            let (reader, writer) = UnixStream::pair()?;
            let writing = spawn(async move {
                writer.sendall(&TEXT[..cut]).await?;
                schedule().await;
                writer.sendall(&TEXT[cut..]).await
            });
            let mut stream = Stream::new(reader);
            let mut lines = stream.lines();
            for expected in ["one", "", "two\r", "three"] {
                assert_eq!(lines.next().await.transpose()?.as_deref(), Some(expected), "cut at {cut}");
            }
            assert!(lines.next().await.is_none());
            assert!(lines.next().await.is_none(), "the end stays the end");
            writing.join().await??;
        }
        Ok(())
    });
}

#[test]
fn a_line_that_is_no_text_is_an_error_and_the_next_one_is_read() {
    bounded(async {
        let mut stream = Stream::new(&b"\xff\nafter\n"[..]);
        let mut lines = stream.lines();
        let error = lines.next().await.expect("a line").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(lines.next().await.transpose()?.as_deref(), Some("after"));
        Ok(())
    });
}

#[test]
fn a_wait_for_a_line_that_is_given_up_loses_nothing() {
    bounded(async {
        let (reader, writer) = UnixStream::pair()?;
        let mut stream = Stream::new(reader);
        let mut lines = stream.lines();
        writer.sendall(b"half a ").await?;
        assert!(ignore_after(common::ms(20), lines.next()).await.is_none());
        writer.sendall(b"line\nrest").await?;
        assert_eq!(lines.next().await.transpose()?.as_deref(), Some("half a line"));
        drop(writer);
        assert_eq!(stream.readall().await?, b"rest", "the stream goes on where the lines stopped");
        Ok(())
    });
}
