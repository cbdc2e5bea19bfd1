//! Time, connections and errors: every wait ends, nothing is left behind, and the error says why.

mod server;
mod tls_server;

use curio::{Kernel, clock};
use curio_http::{Body, ClientSession, Error, ErrorKind};
use curio_support::{HostileServer, Script};
use rustls::crypto::{CryptoProvider, ring};
use server::{Reply, Server};
use std::error::Error as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tls_server::{Authority, TlsServer};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
#[cfg(target_os = "linux")]
fn case_133_a_connect_that_nobody_answers_ends_with_the_connect_timeout() {
    // Linux drops the first packet of a connection for which a listener has no room, as a black hole does.
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut crowd = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        crowd.push(stream);
        assert!(crowd.len() < 10_000, "the listener's queue has an end");
    }
    Kernel::builder().virtual_clock(true).run(async {
        let start = clock();
        let error = ClientSession::new().get(format!("http://{address}/")).await.expect_err("no answer");
        assert!(
            error.is_timeout() && error.to_string().contains("timed out after 10s while connecting"),
            "{error}"
        );
        let took = clock() - start;
        assert!((Duration::from_secs(10)..Duration::from_secs(12)).contains(&took), "{took:?}");
    });
}

#[test]
fn case_133_a_byte_just_before_each_limit_does_not_outlast_the_total() {
    let mut script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    for _ in 0..20 {
        script = script.wait(Duration::from_millis(4_900)).send("x");
    }
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script.stall()]).await.expect("a server");
        let session = ClientSession::builder()
            .read_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(60))
            .build()
            .expect("good settings");
        let start = clock();
        let mut response = session.get(server.url("/")).await.expect("a head");
        let error = response.binary().await.expect_err("too slow in all");
        assert!(error.is_timeout() && error.to_string().contains("60s in all"), "{error}");
        assert!(clock() - start < Duration::from_secs(62));
    });
}

#[test]
fn case_135_a_session_dropped_with_a_response_alive_lets_it_be_read_to_its_end() {
    let server = Server::answering(|_| Reply::ok(&"x".repeat(300_000)));
    curio::run(async {
        let session = ClientSession::new();
        let mut response = session.get(server.url("/")).await.expect("an answer");
        drop(session);
        assert_eq!(response.binary().await.expect("a body").len(), 300_000);
    });
    assert!(server.all_closed());
}

/// The source files of this crate, the protocol core included, without comments and without the tests, which stand at the
/// ends of files or in a `tests.rs` of their own.
fn code(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            code(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
            let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
            found.push((path, lines.map(|line| format!("{line}\n")).collect()));
        }
    }
}

#[test]
fn case_138_no_file_unwraps_what_a_peer_decides_and_none_is_unsafe() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    code(&source, &mut files);
    assert!(files.len() > 50, "the source files were found");
    for (path, text) in &files {
        for forbidden in [".unwrap()", ".unwrap_err()", "unsafe {", "unsafe fn", "unsafe impl", "todo!("] {
            assert!(!text.contains(forbidden), "{forbidden} in {}", path.display());
        }
        // The built-in roots and ciphers are not configurable.
        let allowed = usize::from(path.ends_with("tls/trust.rs"));
        assert!(text.matches(".expect(").count() <= allowed, "expect in {}", path.display());
    }
    assert!(fs::read_to_string(source.join("lib.rs")).expect("lib.rs").contains("#![forbid(unsafe_code)]"));
}

/// One error of every kind that a request can end in, with words that belong to its root cause.
async fn an_error_of_each_kind() -> Vec<(ErrorKind, &'static str, Error)> {
    let closed = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("a port");
    let server = Server::answering(|request| match request.target.as_str() {
        "/nonsense" => Reply::raw("HTTP/9.9 what\r\n\r\n"),
        "/cut" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").then_close(),
        "/gzip" => Reply::with("200 OK", "Content-Encoding: gzip\r\n", "no gzip"),
        "/redirect" => Reply::redirect("302 Found", "ftp://h/"),
        "/stall" => Reply::raw("").then_stall(),
        "/large" => Reply::raw(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000))),
        _ => Reply::ok("no json"),
    });
    let banner = Server::on_connection(|_, mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    let session =
        ClientSession::builder().read_timeout(Duration::from_millis(50)).build().expect("good settings");
    let get = async |path: &str| session.get(server.url(path)).await?.binary().await;
    let mut page = session.get(server.url("/")).await.expect("an answer");
    vec![
        (ErrorKind::Url, "port 0", session.get("http://h:0/").await.expect_err("a port")),
        (
            ErrorKind::Request,
            "failed to parse header value",
            session.get(server.url("/")).header("x", "\n").await.expect_err("a header"),
        ),
        (ErrorKind::Connect, "refused", session.get(format!("http://{closed}/")).await.expect_err("nobody")),
        (
            ErrorKind::Tls,
            "not TLS",
            session.get(banner.url("/").replace("http:", "https:")).await.expect_err("plain"),
        ),
        (ErrorKind::Timeout, "50ms", get("/stall").await.expect_err("silence")),
        (ErrorKind::Protocol, "neither HTTP/1.0 nor HTTP/1.1", get("/nonsense").await.expect_err("nonsense")),
        (ErrorKind::Redirect, "only http:// and https://", get("/redirect").await.expect_err("ftp")),
        (ErrorKind::Body, "3 of 9", get("/cut").await.expect_err("cut")),
        (ErrorKind::Decode, "gzip data is damaged", get("/gzip").await.expect_err("no gzip")),
        (ErrorKind::Json, "expected", page.json::<u8>().await.expect_err("no json")),
        (ErrorKind::TooLarge, "65536", get("/large").await.expect_err("large")),
        (
            ErrorKind::Io,
            // "No such file or directory" comes before it, or what else the system says.
            "(os error ",
            session.post(server.url("/")).body(Body::from_file("/no/such")).await.expect_err("no file"),
        ),
    ]
}

#[test]
fn pain_03_every_error_is_one_line_with_its_root_cause_and_nothing_in_it_twice() {
    curio::run(async {
        for (kind, root, error) in an_error_of_each_kind().await {
            let mut line = error.to_string();
            assert_eq!(error.kind(), kind, "{line}");
            assert_eq!(line.matches(root).count(), 1, "{root:?} once in {line:?}");
            assert!(!line.contains('\n') && line.len() < 400, "{line}");
            if let Some(cause) = error.inner() {
                assert!(line.contains(&cause.to_string()), "{cause} is lost in {line}");
            }
            let mut source = error.source();
            while let Some(cause) = source {
                assert!(!line.contains(&cause.to_string()), "{cause} is printed twice: {line}");
                line = format!("{line}: {cause}");
                source = cause.source();
            }
        }
    });
}

#[test]
fn pain_08_an_error_of_connecting_names_every_address_that_was_tried() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("a port");
    let tried: Vec<_> = ("localhost", closed.port()).to_socket_addrs().expect("localhost").collect();
    let error = curio::run(ClientSession::new().get(format!("http://localhost:{}/", closed.port())));
    let error = error.expect_err("nothing listens");
    assert!(error.is_connect(), "{error}");
    for address in tried {
        assert!(error.to_string().contains(&address.to_string()), "{address} in {error}");
    }
}

#[test]
fn pain_12_the_process_wide_provider_of_tls_is_neither_needed_nor_touched() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["localhost"], "x", &[b"http/1.1"]), OK);
    let ask = || {
        let session = ClientSession::builder()
            .only_root_certificates(authority.pem())
            .resolve("localhost", server.address);
        let session = session.build().expect("good settings");
        curio::run(session.get(format!("https://localhost:{}/", server.address.port()))).expect("an answer");
    };
    ask();
    assert!(CryptoProvider::get_default().is_none(), "it is the application's to choose");
    // A provider without any algorithms, installed by other code of the process, does no harm.
    let useless =
        CryptoProvider { cipher_suites: Vec::new(), kx_groups: Vec::new(), ..ring::default_provider() };
    useless.install_default().expect("there was none");
    ask();
}

#[test]
fn pain_15_leaving_needs_no_close_and_no_pause() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let stalling =
        Server::answering(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx").then_stall());
    let begin = std::time::Instant::now();
    let kept = curio::run(async {
        let session = ClientSession::new();
        session.get(server.url("/")).await.expect("an answer").text().await.expect("a body");
        let half_read = session.get(stalling.url("/")).await.expect("a head");
        let waiting = session.clone();
        let url = stalling.url("/waiting");
        curio::spawn(async move { waiting.get(url).await?.text().await }).detach();
        (session, half_read)
    });
    assert!(begin.elapsed() < Duration::from_secs(3), "nothing was waited for");
    drop(kept);
    assert!(server.all_closed() && stalling.all_closed());
}
