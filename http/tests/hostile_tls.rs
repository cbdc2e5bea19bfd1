//! Certificates and handshakes that are not what they should be.

mod tls_server;

use curio_http::{ClientSession, Error, Url};
use curio_support::{HostileServer, Script};
use rcgen::{GeneralSubtree, NameConstraints};
use std::process::Command;
use tls_server::{Authority, Seen, TlsServer};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HTTP_1: &[&[u8]] = &[b"http/1.1"];

/// What comes of asking `server` for `https://HOST/`, trusting `authority` only.
fn ask(authority: &Authority, server: &TlsServer, host: &str) -> Result<String, Error> {
    let session = ClientSession::builder()
        .only_root_certificates(authority.pem())
        .resolve(host, server.address)
        .build()?;
    curio::run(async {
        session.get(format!("https://{host}:{}/", server.address.port())).await?.text().await
    })
}

/// Whether a certificate for `names` is good for `host`.
fn certificate_is_good(names: &[&str], host: &str) -> bool {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(names, host, HTTP_1), OK);
    match ask(&authority, &server, host) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.is_tls(), "{error}");
            false
        }
    }
}

#[test]
fn case_112_the_common_name_is_never_looked_at() {
    // Every certificate here has the host as its common name.
    assert!(!certificate_is_good(&["other.test"], "host.test"));
    assert!(!certificate_is_good(&["other.test"], "127.0.0.1"));
    assert!(certificate_is_good(&["host.test"], "host.test"));
}

#[test]
fn case_113_a_wildcard_is_a_whole_first_label_and_no_address() {
    for (name, host, good) in [
        ("*.example.test", "a.example.test", true),
        ("*.example.test", "example.test", false),
        ("*.example.test", "a.b.example.test", false),
        ("f*o.example.test", "foo.example.test", false),
        ("*o.example.test", "foo.example.test", false),
        ("x*.example.test", "xn--bcher-kva.example.test", false),
        ("a.*.test", "a.example.test", false),
        ("*.0.0.1", "127.0.0.1", false),
        ("*", "localhost", false),
    ] {
        assert_eq!(certificate_is_good(&[name], host), good, "{name} for {host}");
    }
}

/// Whether an authority that may sign only for `permitted` can make a good certificate for `name`, asked for as `host`.
fn constrained(permitted: &str, name: &str, host: &str) -> bool {
    let authority = Authority::new(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(permitted.to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let server = TlsServer::start(authority.server(&[name], "leaf", HTTP_1), OK);
    ask(&authority, &server, host).is_ok()
}

#[test]
fn case_114_an_authority_cannot_sign_beyond_its_name_constraints() {
    assert!(constrained("ours.test", "a.ours.test", "a.ours.test"));
    assert!(!constrained("ours.test", "theirs.test", "theirs.test"));
    assert!(!constrained("ours.test", "notours.test", "notours.test"));
    // A wildcard covers more than what is permitted, even if the host is not.
    assert!(!constrained("good.example.test", "*.example.test", "good.example.test"));
}

#[test]
fn case_118_a_server_that_speaks_another_protocol_only_is_refused_in_the_handshake() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["localhost"], "x", &[b"spdy/3"]), OK);
    let error = ask(&authority, &server, "localhost").expect_err("no HTTP/1.1");
    assert!(error.is_tls() && error.to_string().contains("does not support HTTP/1.1"), "{error}");
    assert_eq!(server.seen(), []);
}

#[test]
fn case_119_a_server_that_closes_anywhere_in_the_handshake_is_a_tls_error() {
    // The beginning of a handshake record, as far as a server hello goes.
    let hello = [&b"\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03"[..], &[7; 32]].concat();
    for sent in [0, 1, 5, 6, hello.len()] {
        let error = curio::run(async {
            let script = Script::new().read(5).send(&hello[..sent]).close();
            let server = HostileServer::start([script]).await.expect("a server");
            let url = server.url("/").replace("http://", "https://");
            let error = ClientSession::new().get(url).await.expect_err("no handshake");
            assert!(server.all_closed().await);
            error
        });
        assert!(error.is_tls() && error.to_string().contains("closed the connection"), "{error}");
    }
}

/// A variable of the environment cannot be set in a process with threads, so the test runs itself in another one.
#[test]
fn case_120_keys_are_not_logged_because_the_environment_says_so() {
    const ASKED: &str = "CURIO_TEST_ASKS_OVER_TLS";
    if std::env::var_os(ASKED).is_some() {
        let authority = Authority::new(|_| {});
        let server = TlsServer::start(authority.server(&["localhost"], "x", HTTP_1), OK);
        assert_eq!(ask(&authority, &server, "localhost").expect("an answer"), "ok");
        return;
    }
    let file = std::env::temp_dir().join(format!("curio-http-keys-{}", std::process::id()));
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "case_120_keys_are_not_logged_because_the_environment_says_so"])
        .env(ASKED, "1")
        .env("SSLKEYLOGFILE", &file)
        .status();
    assert!(status.expect("a process").success());
    assert!(!file.exists(), "the keys are written to a file");
}

#[test]
fn case_121_every_form_of_an_international_name_is_the_same_host() {
    for text in [
        "http://bücher.example/",
        "http://BÜCHER.example/",
        "http://bu\u{308}cher.example/",
        "http://b%C3%BCcher.example/",
        "http://ｂücher.example/",
        "http://bücher\u{3002}example/",
        "http://xn--bcher-kva.example/",
        "http://XN--BCHER-KVA.example/",
        "http://bü\u{ad}cher.example/",
    ] {
        assert_eq!(Url::parse(text).expect(text).host_str(), Some("xn--bcher-kva.example"), "{text}");
    }
}

#[test]
fn case_121_a_name_that_pretends_to_be_international_is_refused() {
    for text in [
        "http://xn--example-/",
        "http://xn--example-.test/",
        "http://xn--/",
        "http://xn--a/",
        "http://a.xn--ls8h=/",
    ] {
        assert!(Url::parse(text).expect_err(text).is_url());
    }
    // Full-width letters are letters: they cannot hide an address or another name.
    assert_eq!(Url::parse("http://ｅｖｉｌ.test/").expect("a name").host_str(), Some("evil.test"));
    assert_eq!(Url::parse("http://１２７.0.0.1/").expect("an address").host_str(), Some("127.0.0.1"));
}

#[test]
fn case_122_the_dot_at_the_end_of_a_name_is_neither_asked_for_nor_looked_for() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["host.test"], "x", HTTP_1), OK);
    assert_eq!(ask(&authority, &server, "host.test.").expect("the same name"), "ok");
    let seen = Seen { name: Some("host.test".to_owned()), protocol: Some(b"http/1.1".to_vec()) };
    assert_eq!(server.seen(), [seen]);
}

#[test]
fn case_122_an_address_is_not_asked_for_by_name() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["127.0.0.1"], "x", HTTP_1), OK);
    assert_eq!(ask(&authority, &server, "127.0.0.1").expect("an address"), "ok");
    assert_eq!(server.seen()[0].name, None);
}
