//! Options of the sockets of connections: local address, interface, keepalive.
#![cfg(feature = "socket-options")]

mod server;

use curio_http::{ClientSession, ClientSessionBuilder, Error, ErrorKind, IpVersion};
use server::{Reply, Server};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

type Set = fn(ClientSessionBuilder) -> ClientSessionBuilder;

fn session(set: Set) -> ClientSession {
    set(ClientSession::builder().no_proxy()).build().expect("good settings")
}

fn refusal(set: Set) -> String {
    let error = set(ClientSession::builder()).build().expect_err("a setting that makes no sense");
    assert_eq!(error.kind(), ErrorKind::Request);
    error.to_string()
}

fn get(session: &ClientSession, address: SocketAddr) -> Result<String, Error> {
    curio::run(async { session.get(format!("http://{address}/")).await?.text().await })
}

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Linux has all of 127.0.0.0/8 without being told.
#[cfg(target_os = "linux")]
#[test]
fn the_server_sees_the_local_address() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, peer) = listener.accept().expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        assert!(stream.read(&mut [0; 1024]).expect("a request") > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").expect("a response");
        peer.ip()
    });
    let session = session(|builder| builder.local_address(IpAddr::from([127, 0, 0, 2])));
    assert_eq!(get(&session, address).expect("a response"), "ok");
    assert_eq!(server.join().expect("the server's thread"), IpAddr::from([127, 0, 0, 2]));
}

#[test]
fn a_host_of_both_versions_is_reached_over_that_of_the_local_address() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let address = server.addr();
    let both = async move |_: String, port: u16| {
        Ok(vec![SocketAddr::from((Ipv6Addr::LOCALHOST, port)), SocketAddr::new(address.ip(), port)])
    };
    let session = ClientSession::builder()
        .no_proxy()
        .resolver(both)
        .local_address(LOCALHOST)
        .build()
        .expect("good settings");
    let url = format!("http://both.test:{}/", address.port());
    let peer = curio::run(async { Ok::<_, Error>(session.get(url).await?.remote_addr()) });
    assert_eq!(peer.expect("a response"), Some(address));
}

#[test]
fn a_host_without_an_address_of_the_version_of_the_local_address_is_an_error_that_says_so() {
    let session = session(|builder| builder.local_address(LOCALHOST));
    let error = get(&session, SocketAddr::from((Ipv6Addr::LOCALHOST, 1))).expect_err("an IPv6 address");
    assert!(error.is_connect(), "{error}");
    assert!(error.to_string().contains("local_address 127.0.0.1 cannot reach IPv6 addresses"), "{error}");
}

#[test]
fn a_local_address_that_the_machine_does_not_have_is_named() {
    let server = Server::answering(|_| Reply::ok("ok"));
    // From TEST-NET-1, for documentation (RFC 5737).
    let session = session(|builder| builder.local_address(IpAddr::from([192, 0, 2, 7])));
    let error = get(&session, server.addr()).expect_err("not an address of this machine");
    assert!(error.is_connect(), "{error}");
    assert!(error.to_string().contains("binding to the local address 192.0.2.7"), "{error}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_refused_connection_with_options_is_an_error() {
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    let session = session(|builder| builder.tcp_keepalive(Duration::from_secs(60)));
    let error = get(&session, free).expect_err("no server");
    assert!(error.is_connect(), "{error}");
    assert_eq!(error.to_string().matches(&free.to_string()).count(), 2, "in the URL and once more: {error}");
}

#[test]
fn options_that_are_none_are_off() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = session(|builder| {
        builder.local_address(IpAddr::from([192, 0, 2, 7])).local_address(None).tcp_keepalive(None)
    });
    assert_eq!(get(&session, server.addr()).expect("a response"), "ok");
}

/// The timer of an idle connection in `/proc/net/tcp`: `02` is that of keepalive, `00` none.
#[cfg(target_os = "linux")]
fn timer_of_idle_connection(session: &ClientSession, server: SocketAddr) -> String {
    curio::run(async {
        session.get(format!("http://{server}/")).await.expect("a response").text().await.expect("its body");
        let remote = format!("0100007F:{:04X}", server.port());
        let table = std::fs::read_to_string("/proc/net/tcp").expect("the table of connections");
        let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row[2] == remote).expect("the connection, in the pool");
        row[5].split(':').next().expect("a timer").to_owned()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_connection_with_keepalive_is_going_to_be_probed() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let probed = session(|builder| builder.tcp_keepalive(Duration::from_secs(60)));
    assert_eq!(timer_of_idle_connection(&probed, server.addr()), "02");
    let server = Server::answering(|_| Reply::ok("ok"));
    assert_eq!(timer_of_idle_connection(&session(|builder| builder), server.addr()), "00");
}

#[cfg(target_os = "linux")]
#[test]
fn an_interface_that_does_not_exist_is_named() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let session = session(|builder| builder.interface("curio-none0"));
    let error = get(&session, server.addr()).expect_err("no such interface");
    assert!(error.is_connect(), "{error}");
    assert!(error.to_string().contains("binding to the interface \"curio-none0\""), "{error}");
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn build_refuses_names_that_no_interface_has() {
    let sets: [Set; 4] = [
        |builder| builder.interface(""),
        |builder| builder.interface("eth\0"),
        |builder| builder.interface("../eth0"),
        |builder| builder.interface("sixteen-letters0"),
    ];
    for set in sets {
        let error = refusal(set);
        assert!(error.contains("no interface has this name; use one"), "{error}");
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[test]
fn build_refuses_interfaces_on_other_systems() {
    let error = refusal(|builder| builder.interface("en0"));
    assert!(error.contains("only Linux and Android") && error.contains("use local_address"), "{error}");
}

#[test]
fn build_refuses_local_addresses_that_are_not_of_one_machine() {
    let sets: [Set; 5] = [
        |builder| builder.local_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        |builder| builder.local_address(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        |builder| builder.local_address(IpAddr::V4(Ipv4Addr::BROADCAST)),
        |builder| builder.local_address(IpAddr::from([224, 0, 0, 1])),
        |builder| builder.local_address(IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 1])),
    ];
    for set in sets {
        let error = refusal(set);
        assert!(error.contains("use an address of this machine"), "{error}");
    }
}

#[test]
fn build_refuses_a_local_address_of_the_other_version_than_ip_version() {
    let orders: [Set; 2] = [
        |builder| builder.local_address(LOCALHOST).ip_version(IpVersion::V6),
        |builder| builder.ip_version(IpVersion::V6).local_address(LOCALHOST),
    ];
    for order in orders {
        let error = refusal(order);
        assert!(error.contains("reaches no server over IPv6") && error.contains("leave one"), "{error}");
    }
}

#[test]
fn build_refuses_times_of_keepalive_that_systems_do_not_take() {
    let sets: [Set; 3] = [
        |builder| builder.tcp_keepalive(Duration::ZERO),
        |builder| builder.tcp_keepalive(Duration::from_millis(999)),
        |builder| builder.tcp_keepalive(Duration::MAX),
    ];
    for set in sets {
        let error = refusal(set);
        assert!(error.contains("tcp_keepalive: from 1 to 32767 seconds, or None"), "{error}");
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
#[test]
fn build_refuses_intervals_and_numbers_of_probes_that_systems_do_not_take() {
    let error = refusal(|builder| builder.tcp_keepalive_interval(Duration::ZERO));
    assert!(error.contains("tcp_keepalive_interval: from 1 to 32767 seconds"), "{error}");
    for set in
        [(|builder| builder.tcp_keepalive_retries(0)) as Set, |builder| builder.tcp_keepalive_retries(128)]
    {
        let error = refusal(set);
        assert!(error.contains("tcp_keepalive_retries: from 1 to 127 probes"), "{error}");
    }
}
