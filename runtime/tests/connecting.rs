//! Connecting and listening: addresses of every form, names, refusals.

mod common;

use common::{run_real, secs};
use curio::net::{Addresses, ToAddresses, connect_to_any_with, in_progress};
use curio::{TcpListener, TcpStream, getaddrinfo, open_connection, timeout_after};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A socket of another crate that is connecting.
fn connecting(address: SocketAddr) -> io::Result<std::net::TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_keepalive(true)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if !in_progress(&error) => Err(error),
        _ => Ok(socket.into()),
    }
}

/// An address on which no socket listens.
fn refused() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_refused_connection_is_an_error() {
    run_real(async {
        let error = TcpStream::connect(refused()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn connect_tries_one_address_after_the_other() {
    run_real(async {
        let (_listener, address) = listener().await;
        let stream = TcpStream::connect([refused(), refused(), address]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
    });
}

#[test]
fn open_connection_finds_the_living_address_of_a_name() {
    run_real(async {
        // `localhost` often resolves to ::1 as well, where no socket listens: that must not matter.
        let (_listener, address) = listener().await;
        let stream =
            timeout_after(secs(5), open_connection("localhost", address.port())).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        let stream = open_connection("127.0.0.1", address.port()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
    });
}

#[test]
fn open_connection_names_every_address_that_failed() {
    run_real(async {
        let address = refused();
        let error = open_connection("localhost", address.port()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        for tried in getaddrinfo("localhost", address.port()).await.unwrap() {
            assert!(error.to_string().contains(&tried.to_string()), "{error}");
        }
    });
}

#[test]
fn an_unknown_name_is_an_error_that_says_which() {
    run_real(async {
        let error = open_connection("does-not-exist.invalid", 80).await.unwrap_err();
        assert!(error.to_string().contains("does-not-exist.invalid"), "{error}");
        let error = TcpStream::connect("does-not-exist.invalid:80").await.unwrap_err();
        assert!(error.to_string().contains("does-not-exist.invalid"), "{error}");
    });
}

#[test]
fn addresses_come_in_many_forms() {
    let known = |address: &dyn ToAddresses| match address.to_addresses().unwrap() {
        Addresses::Known(addresses) => addresses,
        other => panic!("{other:?} needs no look-up"),
    };
    let v4 = SocketAddr::from(([127, 0, 0, 1], 80));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 80));
    let forms: [&dyn ToAddresses; 9] = [
        &v4,
        &"127.0.0.1:80",
        &String::from("127.0.0.1:80"),
        &("127.0.0.1", 80),
        &(String::from("127.0.0.1"), 80),
        &(Ipv4Addr::LOCALHOST, 80),
        &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80),
        &[v4],
        &vec![v4],
    ];
    for form in forms {
        assert_eq!(known(form), [v4]);
    }
    for form in [&"[::1]:80" as &dyn ToAddresses, &("::1", 80), &("[::1]", 80)] {
        assert_eq!(known(form), [v6]);
    }
    for name in [&"localhost:80" as &dyn ToAddresses, &("localhost", 80)] {
        let Addresses::Name(host, 80) = name.to_addresses().unwrap() else { panic!("it is to be looked up") };
        assert_eq!(host, "localhost");
    }
    for nonsense in ["", "no port", "host:", "host:port", "host:65536"] {
        assert_eq!(nonsense.to_addresses().unwrap_err().kind(), ErrorKind::InvalidInput, "{nonsense:?}");
    }
}

#[test]
fn no_address_at_all_is_an_error() {
    run_real(async {
        let nothing: [SocketAddr; 0] = [];
        assert_eq!(TcpStream::connect(nothing).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(TcpListener::bind(nothing).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(TcpListener::bind("nonsense").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn an_address_in_use_cannot_be_bound() {
    run_real(async {
        let (_listener, address) = listener().await;
        assert_eq!(TcpListener::bind(address).await.unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn connecting_to_no_address_at_all_says_so() {
    run_real(async {
        let error = curio::net::connect_to_any(Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let other = TcpStream::connect(Vec::<SocketAddr>::new()).await.unwrap_err();
        assert!(error.to_string().contains("no address"), "{error}");
        assert_eq!(error.to_string(), other.to_string());
    });
}

#[test]
fn a_socket_of_another_crate_that_is_connecting_is_awaited() {
    run_real(async {
        let (listener, address) = listener().await;
        let client = TcpStream::from_connecting(connecting(address).unwrap()).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert_eq!(client.local_addr().unwrap(), peer);
        client.sendall(b"hello").await.unwrap();
        assert_eq!(server.read_exactly(5).await.unwrap(), b"hello");
    });
}

#[test]
fn a_connecting_socket_of_another_crate_that_is_refused_is_an_error() {
    run_real(async {
        // Some systems refuse at once.
        let error = match connecting(refused()) {
            Ok(stream) => TcpStream::from_connecting(stream).await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn sockets_of_another_crate_are_tried_one_after_the_other() {
    run_real(async {
        let (_listener, address) = listener().await;
        let mut tried = Vec::new();
        let begin = |to| {
            tried.push(to);
            connecting(to)
        };
        let refused = refused();
        let client = connect_to_any_with(vec![refused, address], begin).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert_eq!(tried, [refused, address]);
    });
}

#[test]
fn the_error_of_making_a_socket_names_its_address() {
    run_real(async {
        let (_listener, address) = listener().await;
        let begin = |_| Err(io::Error::new(ErrorKind::PermissionDenied, "no such interface"));
        let error = connect_to_any_with(vec![address], begin).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.to_string(), format!("{address}: no such interface"));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_dropped_stream_is_watched_no_more_even_if_its_socket_stays_open() {
    use std::os::fd::AsRawFd;
    use std::os::linux::fs::MetadataExt;

    run_real(async {
        let (_listener, address) = listener().await;
        for stream in [std::net::TcpStream::connect(address), connecting(address)] {
            let stream = stream.unwrap();
            let copy = stream.try_clone().unwrap();
            let socket = std::fs::metadata(format!("/proc/self/fd/{}", copy.as_raw_fd())).unwrap().st_ino();
            // What `epoll` watches stands in the information about its descriptor.
            let is_watched = || {
                let all = std::fs::read_dir("/proc/self/fdinfo").unwrap();
                let lines = all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
                lines.into_iter().any(|text| text.contains(&format!(" ino:{socket:x} ")))
            };
            let stream = TcpStream::from_connecting(stream).await.unwrap();
            assert!(is_watched());
            drop(stream);
            assert!(!is_watched());
        }
    });
}
