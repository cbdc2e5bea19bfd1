//! Hostile cases about where a connection goes: addresses, names, filters, and what two requests may share.

mod children;
mod server;

use children::get_in_environment;
use curio_http::{ClientSession, ErrorKind, Url};
use curio_support::{Httpbin, TestAuthority};
use server::{Reply, Server};
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Not a test by itself: what [`get_in_environment`] runs.
#[test]
fn child() {
    children::child();
}

/// A file, and the variable `NETRC` that names it.
struct Netrc([(&'static str, String); 1]);

impl Netrc {
    fn new(content: &str) -> Netrc {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("curio-netrc-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("a temporary file");
        Netrc([("NETRC", path.to_string_lossy().into_owned())])
    }
}

impl Drop for Netrc {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0[0].1);
    }
}

#[test]
fn case_094_a_netrc_password_goes_to_its_host_and_not_to_where_it_redirects() {
    let other = Server::answering(|request| Reply::ok(request.header("authorization").unwrap_or("nothing")));
    let to = other.url("/");
    let first = Server::answering(move |_| Reply::redirect("302 Found", &to));
    let file = Netrc::new("machine localhost login ann password secret\ndefault login any password thing\n");
    let url = format!("http://localhost:{}/", first.addr().port());
    assert_eq!(get_in_environment(&file.0, "netrc", &url), "nothing");
    assert_eq!(first.request().header("authorization"), Some("Basic YW5uOnNlY3JldA=="));
    // Only if the session wants it, and not for a name that begins like the host.
    assert_eq!(get_in_environment(&file.0, "", &other.url("/")), "nothing");
    let tricky = format!("http://localhost:{}@{}/", first.addr().port(), other.addr());
    let answer = get_in_environment(&file.0, "netrc", &tricky);
    assert!(answer.starts_with("Basic ") && answer != "Basic YW5uOnNlY3JldA==", "{answer}");
}

#[test]
fn case_094_another_host_gets_its_own_entry() {
    let other = Server::answering(|request| Reply::ok(request.header("authorization").unwrap_or("nothing")));
    let to = other.url("/");
    let first = Server::answering(move |_| Reply::redirect("302 Found", &to));
    let file = Netrc::new("machine localhost login a password b\nmachine 127.0.0.1 login c password d\n");
    let url = format!("http://localhost:{}/", first.addr().port());
    assert_eq!(get_in_environment(&file.0, "netrc", &url), "Basic Yzpk");
}

#[test]
fn credentials_of_the_program_win_over_those_of_the_netrc() {
    let server = Server::answering(|request| Reply::ok(request.header("authorization").unwrap_or("nothing")));
    let file = Netrc::new("default login any password thing\n");
    assert_eq!(get_in_environment(&file.0, "netrc and a token", &server.url("/")), "Bearer token");
    assert_eq!(get_in_environment(&file.0, "netrc", &server.url("/")), "Basic YW55OnRoaW5n");
}

#[test]
fn case_094_a_netrc_that_makes_no_sense_is_an_error_with_its_line() {
    let file = Netrc::new("machine a.test\nlogin ann\npassword \"x\n");
    let answer = get_in_environment(&file.0, "netrc", "http://a.test/");
    assert!(answer.starts_with("Io ") && answer.contains("line 3"), "{answer}");
    let missing = ("NETRC", "/nowhere/at/all".to_owned());
    assert!(get_in_environment(&[missing], "netrc", "http://a.test/").starts_with("Io "));
}

#[test]
fn case_098_the_filter_is_asked_again_on_every_hop() {
    let forbidden = Server::answering(|_| Reply::ok("secret"));
    let address = forbidden.addr();
    for spelling in ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::ffff:127.0.0.1]", "forbidden.test"]
    {
        let to = format!("http://{spelling}:{}/", address.port());
        let first = Server::answering(move |_| Reply::redirect("302 Found", &to));
        let allowed = first.addr();
        let asked = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&asked);
        let filter = move |address: &SocketAddr| {
            log.borrow_mut().push(*address);
            *address == allowed
        };
        let session = ClientSession::builder()
            .trust_env(false)
            .address_filter(filter)
            .resolve("forbidden.test", address)
            .build()
            .unwrap();
        let error = curio::run(session.get(first.url("/"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert!(error.to_string().contains("address filter"), "{error}");
        assert!(asked.borrow().contains(&allowed) && asked.borrow().len() > 1);
        assert_eq!(first.connections(), 1);
    }
    assert_eq!(forbidden.connections(), 0);
}

#[test]
fn case_098_a_resolver_that_lies_does_not_get_past_the_filter() {
    let session = ClientSession::builder()
        .trust_env(false)
        .resolver(async |_: String, port: u16| Ok(vec![SocketAddr::from(([169, 254, 169, 254], port))]))
        .address_filter(|address| !matches!(address.ip(), IpAddr::V4(ip) if ip.is_link_local()))
        .build()
        .unwrap();
    let error = curio::run(session.get("http://harmless.test/")).unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("169.254.169.254:80"), "{error}");
}

#[test]
fn case_098_an_address_is_filtered_also_if_a_proxy_would_connect_to_it() {
    let proxy = Server::answering(|_| Reply::ok("x"));
    let session = ClientSession::builder()
        .trust_env(false)
        .proxy(proxy.url(""))
        .address_filter(|address| !address.ip().is_loopback())
        .build()
        .unwrap();
    assert!(curio::run(session.get("https://127.0.0.1/")).unwrap_err().is_connect());
    assert_eq!(proxy.connections(), 0);
    // The proxy itself was chosen by the caller.
    assert!(curio::run(session.get("http://a.test/")).is_ok());
}

#[test]
fn case_115_what_an_insecure_session_has_opened_no_other_uses() {
    let authority = TestAuthority::new().unwrap();
    curio::run(async {
        let httpbin = Httpbin::start_tls(&authority.self_signed().unwrap()).await.unwrap();
        let insecure =
            ClientSession::builder().trust_env(false).danger_accept_invalid_certs(true).build().unwrap();
        let strict = ClientSession::builder().trust_env(false).build().unwrap();
        for _ in 0..2 {
            insecure.get(httpbin.url("/get")).await.unwrap().binary().await.unwrap();
            // The insecure one's connection is idle now, and a ticket to resume it is at hand.
            assert!(strict.get(httpbin.url("/get")).await.unwrap_err().is_tls());
        }
        assert_eq!(httpbin.counters().served(), 2);
    });
}

#[test]
fn case_116_sessions_share_no_connections() {
    let server = Server::answering(|_| Reply::ok("x"));
    let sessions = [ClientSession::new(), ClientSession::new()];
    curio::run(async {
        for session in [&sessions[0], &sessions[1], &sessions[0]] {
            session.get(server.url("/")).await.unwrap().binary().await.unwrap();
        }
    });
    let connections: Vec<usize> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 0]);
}

#[test]
fn case_130_ports_and_hosts_that_cannot_be_are_refused() {
    let long = format!("http://{}/", "x".repeat(64 * 1024));
    let urls =
        ["http://h:0/", "http://h:65536/", "http:///", "http://:80/", "http://@/", "http://h:8x/", &long];
    for url in urls {
        assert!(Url::parse(url).unwrap_err().is_url(), "{url:.40}");
        let error = curio::run(ClientSession::new().get(url)).unwrap_err();
        assert!(error.is_url() && error.to_string().len() < 1000, "{error:.100}");
    }
}

#[test]
fn case_131_one_reading_of_an_address_decides_about_everything() {
    for url in
        [r"http://127.0.0.1\@evil.test/", "http://[::1", "http://[::1]evil/", "http://127.0.0.1:80:80/"]
    {
        assert!(Url::parse(url).is_err(), "{url}");
    }
    let server = Server::answering(|_| Reply::ok("x"));
    let port = server.addr().port();
    for (authority, host) in [
        (format!("ann@evil.test@127.0.0.1:{port}"), format!("127.0.0.1:{port}")),
        (format!("127.0.0.1.:{port}"), format!("127.0.0.1:{port}")),
        (format!("0x7f.0.0.1:{port}"), format!("127.0.0.1:{port}")),
        (format!("%31%32%37.0.0.1:{port}"), format!("127.0.0.1:{port}")),
    ] {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&asked);
        let filter = move |address: &SocketAddr| {
            log.borrow_mut().push(*address);
            true
        };
        let session = ClientSession::builder().trust_env(false).address_filter(filter).build().unwrap();
        let response = curio::run(session.get(format!("http://{authority}/"))).unwrap();
        // What was connected to, what the filter saw, what the server was told, what the response says: one host.
        assert_eq!(response.remote_addr(), Some(server.addr()));
        assert_eq!(*asked.borrow(), [server.addr()]);
        let told = server.requests().pop().unwrap();
        assert_eq!(told.header("host"), Some(&*host));
        assert_eq!(response.url().host_str(), Some("127.0.0.1"));
    }
}

#[test]
fn case_132_an_answer_without_addresses_is_an_error_and_one_with_a_thousand_is_bounded() {
    let resolving = |found: Vec<SocketAddr>| {
        let session = ClientSession::builder()
            .trust_env(false)
            .resolver(async move |_: String, _: u16| Ok(found.clone()))
            .build()
            .unwrap();
        curio::run(session.get("http://a.test/")).unwrap_err()
    };
    let error = resolving(Vec::new());
    assert!(error.is_dns() && error.to_string().contains("a.test has none"), "{error}");
    // Nobody listens on port 1, and each address is named once.
    let error = resolving(vec![SocketAddr::from(([127, 0, 0, 1], 1)); 1000]);
    assert!(error.is_connect(), "{error}");
    assert_eq!(error.to_string().matches("127.0.0.1:1").count(), 1, "{error}");
    let many = (0..1000_u16).map(u16::to_be_bytes).map(|[a, b]| SocketAddr::from(([127, 1, a, b], 1)));
    let error = resolving(many.collect());
    assert!(error.is_connect() && error.to_string().len() < 10_000, "{error}");
}
