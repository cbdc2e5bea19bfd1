//! Copying, one way and both ways.
#![cfg(unix)]

mod common;

use common::{ms, run_real, run_virtual, secs};
use curio::io::{copy, copy_bidirectional};
use curio::{UnixStream, ignore_after, join, spawn, timeout_after};
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

#[test]
fn copy_moves_everything_and_counts_it() {
    bounded(async {
        let data: Vec<u8> = (0..1_000_003_u32).map(|n| n as u8).collect();
        let (from, to) = UnixStream::pair()?;
        let (to_reader, reader) = UnixStream::pair()?;
        let (sent, copied, received) = join!(
            async {
                from.sendall(&data).await?;
                from.shutdown(Shutdown::Write)
            },
            copy(to, to_reader),
            reader.read_all(),
        );
        sent?;
        assert_eq!(copied?, data.len() as u64);
        assert!(received? == data);
        Ok(())
    });
}

#[test]
fn copy_of_nothing_is_zero() {
    run_virtual(async {
        let mut sink = Vec::new();
        assert_eq!(copy(&b""[..], &mut sink).await.unwrap(), 0);
        assert!(sink.is_empty());
    });
}

/// Fails after so many bytes.
struct Full(usize);

impl futures_io::AsyncWrite for Full {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let n = data.len().min(self.0);
        self.get_mut().0 -= n;
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
fn a_writer_that_takes_no_more_is_an_error_and_not_an_endless_loop() {
    run_virtual(async {
        let error = copy(&[0; 100][..], Full(40)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    });
}

#[test]
fn an_endless_copy_lets_others_run() {
    run_virtual(async {
        let endless = spawn(copy(futures_util::io::repeat(1), futures_util::io::sink()));
        curio::schedule().await;
        endless.cancel().await;
    });
}

type Proxy = curio::Task<io::Result<(u64, u64)>>;

/// A client, a server, and a task that copies between them.
fn proxied() -> io::Result<(UnixStream, UnixStream, Proxy)> {
    let (client, left) = UnixStream::pair()?;
    let (right, server) = UnixStream::pair()?;
    Ok((client, server, spawn(copy_bidirectional(left, right))))
}

#[test]
fn both_ways_at_once_more_than_any_buffer_holds() {
    bounded(async {
        let (client, server, proxy) = proxied()?;
        let (there, back) = (vec![1; 700_000], vec![2; 900_000]);
        let talk = async |stream: &UnixStream, data: &[u8]| {
            let sending = async {
                stream.sendall(data).await?;
                stream.shutdown(Shutdown::Write)
            };
            let (sent, received) = join!(sending, stream.read_all());
            sent.and(received)
        };
        let (at_client, at_server) = join!(talk(&client, &there), talk(&server, &back));
        assert!(at_client? == back && at_server? == there);
        assert_eq!(proxy.join().await.unwrap()?, (700_000, 900_000));
        Ok(())
    });
}

#[test]
fn the_end_of_one_direction_is_passed_on_while_the_other_stays_open() {
    bounded(async {
        let (client, server, proxy) = proxied()?;
        client.sendall(b"that is all").await?;
        client.shutdown(Shutdown::Write)?;
        assert_eq!(server.read_all().await?, b"that is all");
        assert!(ignore_after(ms(5), client.recv(&mut [0; 1])).await.is_none());
        server.sendall(b"understood").await?;
        drop(server);
        assert_eq!(client.read_all().await?, b"understood");
        assert_eq!(proxy.join().await.unwrap()?, (11, 10));
        Ok(())
    });
}

#[test]
fn an_error_of_one_side_ends_both_directions() {
    bounded(async {
        let (client, server, proxy) = proxied()?;
        drop(server);
        // The proxy learns of it when it writes.
        while client.sendall(b"anybody?").await.is_ok() {
            curio::schedule().await;
        }
        assert_eq!(proxy.join().await.unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
        Ok(())
    });
}
