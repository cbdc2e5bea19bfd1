//! Connections over one version of IP only.

mod server;

use curio_http::{ClientSession, ClientSessionBuilder, Error, IpVersion};
use server::{Reply, Server};
use std::net::{Ipv6Addr, SocketAddr};

/// A session for which `both.test` has a dead IPv6 address and the server's IPv4 address.
fn session(server: &Server, set: impl FnOnce(ClientSessionBuilder) -> ClientSessionBuilder) -> ClientSession {
    let addr = server.addr();
    let both = async move |_: String, port: u16| {
        Ok(vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 1)), SocketAddr::new(addr.ip(), port)])
    };
    set(ClientSession::builder().resolver(both)).build().expect("good settings")
}

fn get(session: &ClientSession, server: &Server, host: &str) -> Result<Option<SocketAddr>, Error> {
    let url = format!("http://{host}:{}/", server.addr().port());
    curio::run(async { Ok(session.get(url).await?.remote_addr()) })
}

#[test]
fn addresses_of_the_other_version_are_passed_over() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let only_4 = session(&server, |builder| builder.ip_version(IpVersion::V4));
    assert_eq!(get(&only_4, &server, "both.test").expect("a response"), Some(server.addr()));
    let only_6 = session(&server, |builder| builder.ip_version(IpVersion::V6));
    let error = get(&only_6, &server, "both.test").expect_err("no server there");
    assert!(error.is_connect() && error.to_string().contains("[::1]:1"), "{error}");
    let either = session(&server, |builder| builder.ip_version(IpVersion::V6).ip_version(None));
    assert!(get(&either, &server, "both.test").is_ok());
}

#[test]
fn a_host_without_an_address_of_the_version_is_an_error_that_says_so() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let only_6 = session(&server, |builder| builder.ip_version(IpVersion::V6));
    let error = get(&only_6, &server, "127.0.0.1").expect_err("an IPv4 address");
    assert!(error.is_connect() && error.to_string().contains("over IPv6 only"), "{error}");
    assert_eq!(server.connections(), 0);
}
