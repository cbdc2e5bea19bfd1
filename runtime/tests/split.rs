//! Streams in halves.

mod common;

use common::{ms, run_real, secs};
use curio::{ReadHalf, TcpListener, TcpStream, WriteHalf, ignore_after, join, spawn, timeout_after};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::io::{self, ErrorKind};

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

async fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

#[test]
fn dropping_the_write_half_ends_the_stream_and_reading_goes_on() {
    bounded(async {
        let (client, server) = tcp_pair().await?;
        let (reader, writer) = client.into_split();
        writer.sendall(b"all").await?;
        drop(writer);
        assert_eq!(server.read_all().await?, b"all");
        server.sendall(b"answer").await?;
        drop(server);
        assert_eq!(reader.read_all().await?, b"answer");
        Ok(())
    });
}

#[test]
fn dropping_the_read_half_says_nothing_and_writing_goes_on() {
    bounded(async {
        let (client, server) = tcp_pair().await?;
        let (reader, writer) = client.into_split();
        drop(reader);
        let mut buf = [0; 4];
        assert!(ignore_after(ms(5), server.recv(&mut buf)).await.is_none(), "no end of the stream yet");
        writer.sendall(b"more").await?;
        assert_eq!(server.read_exactly(4).await?, b"more");
        drop(writer);
        assert_eq!(server.read_all().await?, b"");
        Ok(())
    });
}

#[test]
fn two_tasks_use_one_connection_at_once() {
    bounded(async {
        let (client, server) = tcp_pair().await?;
        let (reader, writer) = client.into_split();
        let message = vec![3; 2 << 20];
        let expected = message.clone();
        let writing = spawn(async move { writer.sendall(&message).await });
        let echo = spawn(async move {
            let (reader, writer) = server.into_split();
            curio::io::copy(reader, writer).await
        });
        let received = reader.read_exactly(expected.len()).await?;
        assert!(received == expected);
        writing.join().await.unwrap()?;
        assert_eq!(echo.join().await.unwrap()?, expected.len() as u64);
        Ok(())
    });
}

#[test]
fn each_half_takes_one_waiter_and_names_it_to_a_second() {
    bounded(async {
        let (client, _server) = tcp_pair().await?;
        let (reader, _writer): (ReadHalf<TcpStream>, WriteHalf<TcpStream>) = client.into_split();
        let (mut one, mut two) = ([0; 1], [0; 1]);
        let first = reader.recv(&mut one);
        let second = async { reader.recv(&mut two).await.unwrap_err() };
        let (none, error) = join!(ignore_after(ms(5), first), second);
        assert!(none.is_none());
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert!(error.to_string().contains("split.rs"), "{error}");
        Ok(())
    });
}

#[test]
fn halves_have_the_traits_of_futures_io() {
    bounded(async {
        let (client, server) = tcp_pair().await?;
        let (_, mut writer) = client.into_split();
        let (mut reader, _keep) = server.into_split();
        AsyncWriteExt::write_all(&mut writer, b"through traits").await?;
        writer.close().await?;
        let mut text = String::new();
        reader.read_to_string(&mut text).await?;
        assert_eq!(text, "through traits");
        Ok(())
    });
}

#[cfg(unix)]
#[test]
fn a_unix_stream_comes_apart_in_the_same_way() {
    bounded(async {
        let (a, b) = curio::UnixStream::pair()?;
        let (reader, writer) = a.into_split();
        writer.sendall(b"x").await?;
        drop(writer);
        assert_eq!(b.read_all().await?, b"x");
        b.sendall(b"y").await?;
        drop(b);
        assert_eq!(reader.read_all().await?, b"y");
        assert!(reader.stream().local_addr().is_ok());
        Ok(())
    });
}
