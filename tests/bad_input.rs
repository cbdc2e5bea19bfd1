//! What users and servers get wrong: each is an error of its kind, in one line that a person understands; none
//! hangs, none leaves a connection behind, and the session that met it goes on working.
#![forbid(unsafe_code)]

use std::time::Duration;

use curio_http::{ClientSession, Error, ErrorKind};
use curio_support::{Failure, HostileServer, Httpbin, Identity, Script, TestAuthority};
use serde_json::Value;

/// The error that a whole exchange ends in: the request, and its body as JSON.
async fn error_of(session: &ClientSession, url: &str) -> Error {
    let exchange = async { session.get(url).await?.json::<Value>().await };
    match curio::timeout_after(Duration::from_secs(20), exchange).await {
        Ok(Ok(content)) => panic!("{url} answered {content}"),
        Ok(Err(error)) => error,
        Err(_) => panic!("{url} hangs"),
    }
}

/// The error's kind, and its line: method and URL, and then what went wrong.
#[track_caller]
fn check(error: &Error, kind: ErrorKind, url: &str, words: &[&str]) {
    let line = error.to_string();
    assert_eq!(error.kind(), kind, "{line}");
    assert!(line.starts_with(&format!("GET {url}: ")), "{line}");
    assert!(!line.contains('\n'), "{line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

/// Plays one script to a client that asks once; the error's line is checked, and that nothing is left.
fn a_script_ends_in(script: Script, kind: ErrorKind, words: &[&str]) -> Result<(), Failure> {
    curio::run(async {
        let server = HostileServer::start([script]).await?;
        let httpbin = Httpbin::start().await?;
        let session = ClientSession::builder().read_timeout(Duration::from_millis(300)).build()?;
        let url = server.url("/path");
        check(&error_of(&session, &url).await, kind, &url, words);
        assert!(server.all_closed().await, "a connection was left behind");
        assert_eq!(server.connections(), 1, "it was asked again");
        assert_eq!(session.get(httpbin.url("/get")).await?.status_code(), 200);
        httpbin.close().await;
        Ok(())
    })
}

#[test]
fn a_url_that_does_not_parse() {
    curio::run(async {
        let session = ClientSession::new();
        for url in [
            "",
            "nonsense",
            "http://",
            "http://[::1/",
            "http://h:99999/",
            "http://a b/",
            "http://h/\r\nX: y",
            "gopher://h/",
        ] {
            let error = error_of(&session, url).await;
            assert!(error.is_url(), "{url:?}: {error}");
            let line = error.to_string();
            assert!(line.starts_with("GET ") && !line.contains('\n') && !line.contains('\r'), "{line}");
        }
    });
}

#[test]
fn a_host_that_nobody_knows() {
    curio::run(async {
        let url = "http://nobody.invalid/";
        check(&error_of(&ClientSession::new(), url).await, ErrorKind::Dns, url, &["nobody.invalid"]);
    });
}

#[test]
fn a_port_where_nobody_listens() -> Result<(), Failure> {
    // Bound and dropped: nothing listens there any more.
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    curio::run(async {
        let url = format!("http://{address}/");
        let error = error_of(&ClientSession::new(), &url).await;
        check(&error, ErrorKind::Connect, &url, &[&address.to_string(), "refused"]);
        Ok(())
    })
}

/// The line that a session which trusts the authority gives for this certificate.
fn refused_certificate(
    identity: impl Fn(&TestAuthority) -> std::io::Result<Identity>,
) -> Result<String, Failure> {
    let authority = TestAuthority::new()?;
    curio::run(async {
        let httpbin = Httpbin::start_tls(&identity(&authority)?).await?;
        let session = ClientSession::builder().add_root_certificate(authority.ca_pem()).build()?;
        let url = httpbin.url("/get");
        let error = error_of(&session, &url).await;
        check(&error, ErrorKind::Tls, &url, &["certificate"]);
        let counters = httpbin.counters().clone();
        httpbin.close().await;
        assert_eq!((counters.open(), counters.served()), (0, 0));
        Ok(error.to_string().split_once(&url).expect("it was checked").1.to_owned())
    })
}

#[test]
fn six_bad_certificates_are_told_apart() -> Result<(), Failure> {
    assert!(refused_certificate(TestAuthority::expired)?.contains("expired"));
    assert!(refused_certificate(TestAuthority::not_yet_valid)?.contains("not valid yet"));
    assert!(
        refused_certificate(TestAuthority::wrong_host)?.contains("for elsewhere.test, not for 127.0.0.1")
    );
    assert!(refused_certificate(TestAuthority::self_signed)?.contains("self-signed"));
    let forged = refused_certificate(TestAuthority::forged)?;
    assert!(forged.contains("signature"), "{forged}");
    let unknown = refused_certificate(TestAuthority::unknown_authority)?;
    assert!(!unknown.contains("signature") && !unknown.contains("self-signed"), "{unknown}");
    Ok(())
}

#[test]
fn a_server_that_closes_without_a_word() -> Result<(), Failure> {
    a_script_ends_in(Script::new().read_request().close(), ErrorKind::Protocol, &[])
}

#[test]
fn a_server_that_closes_in_the_middle_of_the_head() -> Result<(), Failure> {
    let script = Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Le").close();
    a_script_ends_in(script, ErrorKind::Protocol, &["head"])
}

#[test]
fn a_server_that_closes_in_the_middle_of_the_body() -> Result<(), Failure> {
    let script =
        Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,2").close();
    a_script_ends_in(script, ErrorKind::Body, &["4", "10"])
}

#[test]
fn a_server_that_closes_before_the_last_chunk() -> Result<(), Failure> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    a_script_ends_in(
        Script::new().read_request().send(format!("{head}3\r\n[1]\r\n")).close(),
        ErrorKind::Body,
        &[],
    )
}

#[test]
fn a_server_that_resets_the_connection() -> Result<(), Failure> {
    a_script_ends_in(Script::new().read_request().reset(), ErrorKind::Protocol, &["reset"])?;
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,2")
        .wait(Duration::from_millis(20));
    a_script_ends_in(script.reset(), ErrorKind::Body, &["reset"])
}

#[test]
fn a_server_that_says_nothing() -> Result<(), Failure> {
    a_script_ends_in(Script::new().read_request().stall(), ErrorKind::Timeout, &[])?;
    let script =
        Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,2").stall();
    a_script_ends_in(script, ErrorKind::Timeout, &[])
}

#[test]
fn a_server_that_speaks_something_else() -> Result<(), Failure> {
    for junk in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "\0\0\0\0",
    ] {
        a_script_ends_in(Script::new().read_request().send(junk).stall(), ErrorKind::Protocol, &[])?;
    }
    Ok(())
}

#[test]
fn a_head_that_never_ends() -> Result<(), Failure> {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000));
    a_script_ends_in(Script::new().read_request().send(endless).stall(), ErrorKind::TooLarge, &[])
}

#[test]
fn a_body_that_is_not_json() -> Result<(), Failure> {
    curio::run(async {
        let httpbin = Httpbin::start().await?;
        let session = ClientSession::new();
        let url = httpbin.url("/html");
        check(&error_of(&session, &url).await, ErrorKind::Json, &url, &[]);
        // The body was read to its end: the connection is as good as before.
        session.get(&url).await?.text().await?;
        assert_eq!(httpbin.counters().accepted(), 1);
        httpbin.close().await;
        Ok(())
    })
}

#[test]
fn a_status_of_500_when_it_is_asked_for() -> Result<(), Failure> {
    curio::run(async {
        let httpbin = Httpbin::start().await?;
        let url = httpbin.url("/status/500");
        let response = ClientSession::new().get(&url).await?;
        let error = response.raise_for_status().unwrap_err();
        check(&error, ErrorKind::Status, &url, &["500"]);
        assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
        httpbin.close().await;
        Ok(())
    })
}

#[test]
fn http_where_tls_is_spoken_and_the_reverse() -> Result<(), Failure> {
    let authority = TestAuthority::new()?;
    curio::run(async {
        let (plain, tls) = (Httpbin::start().await?, Httpbin::start_tls(&authority.localhost()?).await?);
        let session = ClientSession::builder().add_root_certificate(authority.ca_pem()).build()?;
        let url = plain.url("/get").replace("http:", "https:");
        check(&error_of(&session, &url).await, ErrorKind::Tls, &url, &[]);
        let url = tls.url("/get").replace("https:", "http:");
        check(&error_of(&session, &url).await, ErrorKind::Protocol, &url, &["TLS"]);
        plain.close().await;
        tls.close().await;
        Ok(())
    })
}
