//! Bodies as streams that own what they read, in both directions.

mod server;

use bytes::Bytes;
use curio_http::mock::{Answer, Mock};
use curio_http::{Body, BytesStream, Error, Method};
use futures_util::{AsyncBufReadExt, AsyncReadExt, StreamExt, stream};
use server::{ClientSession, Reply, Server};
use std::io;
use std::time::Duration;

async fn all(mut stream: BytesStream) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
    }
    Ok(body)
}

fn pieces(texts: &[&'static str]) -> Body {
    let items: Vec<_> = texts.iter().map(|text| Ok::<_, io::Error>(*text)).collect();
    Body::from_stream(stream::iter(items))
}

#[test]
fn a_stream_outlives_its_session_and_moves_into_a_task() {
    let server = Server::answering(|_| Reply::ok("all of it"));
    let text = curio::run(async {
        let stream = ClientSession::new().get(server.url("/")).await?.bytes_stream();
        assert_eq!(stream.response().status_code(), 200);
        let task = curio::spawn(async move { all(stream).await });
        task.join().await.expect("no panic")
    });
    assert_eq!(text.expect("a body"), b"all of it");
}

#[test]
fn a_stream_begins_where_chunks_ended_and_a_kept_body_at_its_beginning() {
    let server = Server::answering(|_| Reply::ok("0123456789"));
    curio::run(async {
        let session = ClientSession::new();
        let mut response = session.get(server.url("/")).await?;
        let first = response.iter_chunked(4).next().await.expect("a chunk")?;
        assert_eq!(first, "0123");
        assert_eq!(all(response.bytes_stream()).await?, b"456789");
        let mut response = session.get(server.url("/")).await?;
        response.text().await?;
        assert_eq!(all(response.bytes_stream()).await?, b"0123456789");
        Ok::<_, Error>(())
    })
    .expect("bodies");
}

#[test]
fn a_reader_reads_bytes_and_lines() {
    let server = Server::answering(|_| Reply::ok("head\nsecond\nrest"));
    curio::run(async {
        let mut reader = ClientSession::new().get(server.url("/")).await.expect("a response").into_reader();
        let mut first = [0; 5];
        reader.read_exact(&mut first).await.expect("five bytes");
        let mut line = String::new();
        reader.read_line(&mut line).await.expect("a line");
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.expect("the rest");
        assert_eq!((&first, &*line, &*rest), (b"head\n", "second\n", "rest"));
        assert_eq!(reader.read(&mut first).await.expect("the end"), 0);
    });
}

#[test]
fn a_reader_tells_a_body_that_ends_early_and_the_request_it_belongs_to() {
    curio::testing::run(async {
        let mock = Mock::new()
            .otherwise(|_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").then_close());
        let mut reader = mock.session().get("http://h.test/x").await.expect("a head").into_reader();
        let error = reader.read_to_end(&mut Vec::new()).await.expect_err("half a body");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("GET http://h.test/x"), "{error}");
    });
}

#[test]
fn a_stream_ends_after_its_error() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::pieces(["one"], Duration::from_secs(3600)));
        let mut stream = mock.session().get("http://h.test/").await.expect("a head").bytes_stream();
        assert!(stream.next().await.expect("an error").expect_err("nothing came").is_timeout());
        assert!(stream.next().await.is_none());
    });
}

#[test]
fn a_stream_is_sent_in_chunks_and_its_empty_pieces_are_left_out() {
    let server = Server::answering(|_| Reply::ok(""));
    curio::run(async {
        let body = pieces(&["", "one ", "", "two", ""]);
        assert_eq!(format!("{body:?}"), "Body(stream)");
        ClientSession::new().post(server.url("/")).body(body).await
    })
    .expect("a response");
    assert_eq!(server.request().text(), "one two");
    assert_eq!(server.request().header("content-length"), None);
}

#[test]
fn a_stream_is_sent_with_the_length_of_a_content_length_field() {
    let server = Server::answering(|_| Reply::ok(""));
    let send = |length: &'static str| {
        let request = ClientSession::new().post(server.url("/")).header("Content-Length", length);
        curio::run(async { request.body(pieces(&["123", "45"])).await })
    };
    send("5").expect("a response");
    assert_eq!(server.request().text(), "12345");
    assert_eq!(server.request().header("content-length"), Some("5"));
    assert!(send("4").expect_err("one byte too many").is_request());
}

#[test]
fn a_pause_of_the_stream_is_waited_for() {
    let server = Server::answering(|_| Reply::ok(""));
    curio::run(async {
        let (first, gate) = (curio::Event::new(), curio::Event::new());
        let (first, gate) = (std::rc::Rc::new(first), std::rc::Rc::new(gate));
        let (first_sent, wait) = (std::rc::Rc::clone(&first), std::rc::Rc::clone(&gate));
        let body = stream::iter(["one ", "two"]).then(move |piece| {
            let (first, wait) = (std::rc::Rc::clone(&first_sent), std::rc::Rc::clone(&wait));
            async move {
                if piece == "two" {
                    first.set();
                    wait.wait().await;
                }
                Ok::<_, io::Error>(piece)
            }
        });
        let request = ClientSession::new().post(server.url("/")).body(Body::from_stream(body));
        let sending = curio::spawn(request.into_future());
        first.wait().await;
        gate.set();
        sending.join().await.expect("no panic").expect("a response");
    });
    assert_eq!(server.request().text(), "one two");
}

#[test]
fn an_error_of_the_stream_is_the_cause_of_the_requests_error() {
    let server = Server::answering(|_| Reply::ok(""));
    let body = Body::from_stream(stream::iter([Ok("part"), Err(io::Error::other("the disk is gone"))]));
    let error = curio::run(async { ClientSession::new().post(server.url("/")).body(body).await });
    let error = error.expect_err("the stream failed");
    assert_eq!(error.kind(), curio_http::ErrorKind::Io);
    assert!(error.to_string().ends_with("reading the request body: the disk is gone"), "{error}");
}

#[test]
fn a_stream_is_sent_once() {
    let server = Server::answering(|_| Reply::redirect("307 Again", "/there"));
    let error = curio::run(async { ClientSession::new().post(server.url("/")).body(pieces(&["x"])).await });
    let error = error.expect_err("the body is gone").to_string();
    assert!(error.contains("a reader or stream that is used up"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_response_is_the_body_of_another_request() {
    let server = Server::answering(|request| match &*request.method {
        "GET" => Reply::ok("cargo"),
        "HEAD" => Reply::ok(""),
        _ => Reply::ok(&format!(
            "{} {}",
            request.text(),
            request.header("content-length").unwrap_or("chunked")
        )),
    });
    curio::run(async {
        let session = ClientSession::new();
        let get = async || session.get(server.url("/")).await;
        let put = async |body: Body| session.put(server.url("/")).body(body).await?.text().await;
        assert_eq!(put(get().await?.into()).await?, "cargo 5");
        let mut partly_read = get().await?;
        partly_read.iter_chunked(2).next().await.expect("a chunk")?;
        assert_eq!(put(partly_read.into()).await?, "rgo chunked");
        let mut kept = get().await?;
        kept.binary().await?;
        assert_eq!(put(kept.into()).await?, "cargo 5");
        assert_eq!(put(session.head(server.url("/")).await?.into()).await?, " chunked");
        let stream = get().await?.bytes_stream();
        assert_eq!(put(Body::from_stream(stream)).await?, "cargo chunked");
        Ok::<_, Error>(())
    })
    .expect("responses");
}

#[test]
fn a_source_that_fails_ends_the_request_that_it_feeds() {
    curio::testing::run(async {
        let mock = Mock::new()
            .on(Method::GET, "/", |_| {
                Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").then_close()
            })
            .on(Method::PUT, "/", |_| Answer::new(201));
        let session = mock.session();
        let from = session.get("http://from.test/").await.expect("a head");
        let error = session.put("http://to.test/").body(from).await.expect_err("half a body").to_string();
        assert!(
            error.starts_with("PUT http://to.test/: reading the request body: GET http://from.test/"),
            "{error}"
        );
    });
}

#[test]
fn a_stream_of_bytes_is_a_futures_stream() {
    fn takes(_: impl futures_core::Stream<Item = Result<Bytes, Error>> + Unpin + 'static) {}
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::text("x"));
        takes(mock.session().get("http://h.test/").await.expect("a response").bytes_stream());
    });
}
