//! UDP sockets, on loopback.

mod common;

use common::{ms, poll_once, run_real, secs};
use curio::{UdpSocket, ignore_after, join, spawn, timeout_after};
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::task::Poll;

/// On the real clock, and not for ever.
fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

async fn pair() -> io::Result<(UdpSocket, UdpSocket)> {
    Ok((UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind(("localhost", 0)).await?))
}

#[test]
fn messages_keep_their_ends_their_order_and_their_sender() {
    bounded(async {
        let (a, b) = pair().await?;
        let mut buf = [0; 64];
        for text in ["one", "", "three"] {
            assert_eq!(a.send_to(text.as_bytes(), b.local_addr()?).await?, text.len());
        }
        for text in ["one", "", "three"] {
            let (n, from) = b.recv_from(&mut buf).await?;
            assert_eq!((&buf[..n], from), (text.as_bytes(), a.local_addr()?));
        }
        Ok(())
    });
}

#[test]
fn a_connected_socket_sends_and_receives_without_addresses() {
    bounded(async {
        let (a, b) = pair().await?;
        a.connect(("localhost", b.local_addr()?.port())).await?;
        b.connect(a.local_addr()?).await?;
        assert_eq!(a.peer_addr()?, b.local_addr()?);
        let mut buf = [0; 8];
        let (sent, received) = join!(a.send(b"ping"), b.recv(&mut buf));
        assert_eq!((sent?, received?), (4, 4));
        assert_eq!(&buf[..4], b"ping");
        Ok(())
    });
}

#[test]
fn what_does_not_fit_is_cut_off() {
    bounded(async {
        let (a, b) = pair().await?;
        a.send_to(b"a long message", b.local_addr()?).await?;
        a.send_to(b"next", b.local_addr()?).await?;
        let mut buf = [0; 6];
        assert_eq!(b.recv(&mut buf).await?, 6);
        assert_eq!(&buf, b"a long");
        assert_eq!(b.recv(&mut buf).await?, 4);
        Ok(())
    });
}

#[test]
fn a_dropped_receive_took_nothing() {
    bounded(async {
        let (a, b) = pair().await?;
        let mut buf = [0; 8];
        assert!(ignore_after(ms(1), b.recv(&mut buf)).await.is_none());
        a.send_to(b"here", b.local_addr()?).await?;
        {
            // Woken, and dropped before it is polled again.
            let mut receiving = pin!(b.recv(&mut buf));
            if let Poll::Ready(n) = poll_once(receiving.as_mut()).await {
                assert_eq!(n?, 4);
                return Ok(());
            }
            curio::sleep(ms(5)).await;
        }
        assert_eq!(b.recv(&mut buf).await?, 4);
        Ok(())
    });
}

#[test]
fn a_second_receiver_is_told_who_waits_and_where() {
    bounded(async {
        let (socket, _) = pair().await?;
        let socket = std::rc::Rc::new(socket);
        let shared = socket.clone();
        let first = spawn(async move { shared.recv(&mut [0; 4]).await });
        curio::schedule().await;
        let error = socket.recv(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        let text = error.to_string();
        assert!(text.contains(&format!("task {}", first.id())) && text.contains("udp.rs"), "{text}");
        first.cancel().await;
        Ok(())
    });
}

#[test]
fn a_socket_of_std_keeps_its_options() {
    bounded(async {
        let std = std::net::UdpSocket::bind("127.0.0.1:0")?;
        std.set_ttl(7)?;
        let address = std.local_addr()?;
        let socket = UdpSocket::from_std(std)?;
        assert_eq!(socket.local_addr()?, address);
        socket.set_broadcast(true)?;
        socket.send_to(b"to myself", address).await?;
        assert_eq!(socket.recv(&mut [0; 16]).await?, 9);
        Ok(())
    });
}

#[test]
fn an_address_that_cannot_be_had_is_an_error() {
    bounded(async {
        let error = UdpSocket::bind("no port").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let taken = UdpSocket::bind("127.0.0.1:0").await?;
        let error = UdpSocket::bind(taken.local_addr()?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let error = taken.send(b"to nobody").await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::InvalidInput | ErrorKind::Other)
                || error.raw_os_error().is_some(),
            "{error}"
        );
        Ok(())
    });
}
