//! Step 5: sockets, and an echo server.

use build_step5::{TcpListener, TcpStream, clock, run, run_in_thread, schedule, sleep, spawn};
use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Sends back to every client what it sends: one task that accepts, and one for each connection.
async fn echo_server(listener: TcpListener) -> io::Result<()> {
    loop {
        let stream = listener.accept().await?;
        spawn(async move {
            if let Err(error) = echo_client(stream).await {
                eprintln!("a client of the echo server: {error}");
            }
        });
    }
}

async fn echo_client(stream: TcpStream) -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        match stream.recv(&mut buf).await? {
            0 => return Ok(()),
            n => stream.sendall(&buf[..n]).await?,
        }
    }
}

/// A client with the blocking sockets of the standard library, for a thread.
fn client(address: SocketAddr, message: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut writer = stream.try_clone()?;
    let writing = std::thread::spawn(move || {
        writer.write_all(&message)?;
        writer.shutdown(Shutdown::Write)
    });
    let mut echoed = Vec::new();
    stream.read_to_end(&mut echoed)?;
    writing.join().expect("it does not panic")?;
    Ok(echoed)
}

#[test]
fn an_echo_server_serves_many_clients_at_once() {
    run(async {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        let address = listener.local_addr().unwrap();
        spawn(echo_server(listener));
        let clients: Vec<_> = (0..8_u8)
            .map(|n| spawn(run_in_thread(move || client(address, vec![n; 1000 * usize::from(n)]))))
            .collect();
        for (n, client) in (0..8_u8).zip(clients) {
            let echoed = client.join().await.unwrap().unwrap().unwrap();
            assert!(echoed == vec![n; 1000 * usize::from(n)], "client {n} got back what it sent");
        }
    });
}

#[test]
fn more_than_the_buffers_hold_is_sent_and_received() {
    let message: Vec<u8> = (0..4_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = message.clone();
    let echoed = run(async move {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        let address = listener.local_addr().unwrap();
        spawn(echo_server(listener));
        run_in_thread(move || client(address, message)).await.unwrap().unwrap()
    });
    assert!(echoed == expected);
}

#[test]
fn a_task_that_waits_for_a_socket_is_not_polled_meanwhile() {
    run(async {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        let address = listener.local_addr().unwrap();
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let accepting = spawn(async move {
            let mut accepted = pin!(listener.accept());
            poll_fn(|cx| {
                counted.set(counted.get() + 1);
                accepted.as_mut().poll(cx)
            })
            .await
        });
        for _ in 0..1000 {
            schedule().await;
        }
        assert_eq!(polls.get(), 1);
        let connecting = spawn(run_in_thread(move || std::net::TcpStream::connect(address)));
        assert!(accepting.join().await.unwrap().is_ok());
        assert!(connecting.join().await.unwrap().unwrap().is_ok());
    });
}

#[test]
fn timers_fire_while_a_task_waits_for_a_socket() {
    run(async {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        spawn(async move { listener.accept().await.map(drop) });
        let start = clock();
        sleep(Duration::from_millis(5)).await;
        assert!(clock() - start >= Duration::from_millis(5));
    });
}

#[test]
fn the_end_of_a_stream_is_a_read_of_nothing() {
    run(async {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        let address = listener.local_addr().unwrap();
        let connecting = spawn(run_in_thread(move || std::net::TcpStream::connect(address).map(drop)));
        let stream = listener.accept().await.unwrap();
        assert_eq!(stream.recv(&mut [0; 16]).await.unwrap(), 0);
        connecting.join().await.unwrap().unwrap().unwrap();
    });
}
