//! Parts of a representation: requests with `Range`, and 206 responses.

mod server;

use curio_http::Error;
use server::{ClientSession, Reply, Server};

fn accept_encoding_of(
    session: &curio_http::ClientSession,
    fields: &[(&'static str, &'static str)],
) -> Option<String> {
    let server = Server::answering(|_| Reply::ok(""));
    let mut request = session.get(server.url("/"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    curio::run(request.send()).expect("an answer");
    server.request().header("accept-encoding").map(str::to_owned)
}

/// A range of a compressed representation cannot be decompressed by itself. reqwest sends no Accept-Encoding when there is a
/// Range; requests and `curl --compressed` ask for gzip and fail to decode what comes.
#[test]
fn a_request_for_a_range_asks_for_no_coding() {
    let session = ClientSession::new();
    assert_eq!(accept_encoding_of(&session, &[("Range", "bytes=5-")]).as_deref(), Some("identity"));
    assert!(accept_encoding_of(&session, &[]).expect("a field").contains("gzip"));
}

#[test]
fn the_callers_own_accept_encoding_goes_with_a_range() {
    let session = ClientSession::new();
    let fields = [("Range", "bytes=5-"), ("Accept-Encoding", "gzip")];
    assert_eq!(accept_encoding_of(&session, &fields).as_deref(), Some("gzip"));
    let session = ClientSession::builder().header("Accept-Encoding", "br").build().expect("settings");
    assert_eq!(accept_encoding_of(&session, &fields[..1]).as_deref(), Some("br"));
    let session = ClientSession::builder().header("Range", "bytes=0-9").build().expect("settings");
    assert_eq!(accept_encoding_of(&session, &[]).as_deref(), Some("identity"));
}

#[test]
fn a_part_of_a_compressed_representation_comes_as_it_is() {
    let server = Server::answering(|_| {
        Reply::with(
            "206 Partial Content",
            "Content-Encoding: gzip\r\nContent-Range: bytes 5-9/20\r\n",
            "bytes",
        )
    });
    curio::run(async {
        let mut response = ClientSession::new().get(server.url("/")).header("Range", "bytes=5-9").await?;
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.content_length(), Some(5));
        assert_eq!(response.text().await?, "bytes");
        Ok::<_, Error>(())
    })
    .expect("a part");
}
