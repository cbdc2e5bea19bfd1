//! Bodies and header fields as the server sent them.

mod server;

use curio_http::{Body, Error};
use server::{ClientSession, Received, Reply, Server};

/// The empty gzip file, by gzip(1).
const GZIP: [u8; 20] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn coded() -> Server {
    Server::answering(|request: &Received| match &*request.method {
        "GET" => {
            let asked = request.header("accept-encoding").unwrap_or("nothing");
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\nX-Asked: {asked}\r\n\r\n"
            );
            Reply::raw([head.as_bytes(), &GZIP].concat())
        }
        _ => {
            let fields =
                ["content-length", "content-encoding"].map(|name| request.header(name).unwrap_or("none"));
            Reply::ok(&format!("{} {}", fields.join(" "), request.body == GZIP))
        }
    })
}

#[test]
fn a_request_can_ask_for_the_bytes_as_they_are() {
    let server = coded();
    curio::run(async {
        let session = ClientSession::new();
        let mut raw = session.get(server.url("/")).no_decompression().await?;
        assert_eq!(raw.binary().await?, &GZIP[..]);
        assert_eq!(
            (raw.header("content-encoding"), raw.header("content-length")),
            (Some("gzip"), Some("20"))
        );
        assert_eq!(raw.content_length(), Some(20));
        let mut decoded = session.get(server.url("/")).await?;
        assert_eq!(decoded.binary().await?, "");
        assert_eq!((decoded.header("content-encoding"), decoded.header("content-length")), (None, None));
        Ok::<_, Error>(())
    })
    .expect("responses");
}

/// As reqwest without its features and curl without `--compressed`.
#[test]
fn no_coding_is_asked_for_unless_a_field_does() {
    let server = coded();
    curio::run(async {
        let asked = async |request: curio_http::RequestBuilder| {
            Ok::<_, Error>(request.await?.header("x-asked").expect("a field").to_owned())
        };
        let session = ClientSession::builder().no_decompression().build()?;
        assert_eq!(asked(session.get(server.url("/"))).await?, "nothing");
        assert_eq!(asked(session.get(server.url("/")).header("Accept-Encoding", "br")).await?, "br");
        let session = ClientSession::new();
        assert_eq!(asked(session.get(server.url("/")).no_decompression()).await?, "nothing");
        assert!(asked(session.get(server.url("/"))).await?.starts_with("gzip"));
        Ok::<_, Error>(())
    })
    .expect("responses");
}

#[test]
fn a_session_can_leave_all_bodies_as_they_are() {
    let server = coded();
    curio::run(async {
        let session = ClientSession::builder().no_decompression().build()?;
        let body = session.get(server.url("/")).await?.binary().await?;
        assert_eq!(body, &GZIP[..]);
        Ok::<_, Error>(())
    })
    .expect("a response");
}

#[test]
fn a_coded_body_is_sent_on_with_its_length() {
    let server = coded();
    let seen = curio::run(async {
        let session = ClientSession::new();
        let from = session.get(server.url("/")).no_decompression().await?;
        let coding = from.headers()["content-encoding"].clone();
        let to = session.put(server.url("/")).header("Content-Encoding", coding).body(Body::from(from));
        to.await?.text().await
    });
    assert_eq!(seen.expect("a response"), "20 gzip true");
}
