//! Forms with files: what goes over the wire, and that nothing is held in memory.

mod server;

use curio_http::{Body, Error, Form, Part};
use curio_support::Httpbin;
use curio_support::peers::PypiHttpbin;
use futures_io::AsyncRead;
use server::{ClientSession, Received, Reply, Server};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A reader of so many bytes.
struct Letters(usize);

impl AsyncRead for Letters {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = self.0.min(space.len());
        space[..n].fill(b'x');
        self.0 -= n;
        Poll::Ready(Ok(n))
    }
}

/// A file that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Scratch {
        let path = std::env::temp_dir().join(format!("curio-{}-{name}", std::process::id()));
        std::fs::write(&path, content).expect("a temporary file");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn sent(form: Form) -> Received {
    let server = Server::answering(|_| Reply::ok("ok"));
    curio::run(async { ClientSession::new().post(server.url("/")).multipart(form).await })
        .expect("an answer");
    server.request()
}

/// The boundary that the head announces.
fn boundary(request: &Received) -> String {
    let kind = request.header("content-type").expect("a type");
    kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary").to_owned()
}

#[test]
fn fields_and_files_are_parts_between_boundaries() {
    let request = sent(
        Form::new()
            .text("title", "A picture")
            .part("raw", Part::new(vec![0u8, 13, 10, 255]).file_name("raw.png")),
    );
    let line = format!("--{}", boundary(&request));
    let expected = format!(
        "{line}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA picture\r\n\
         {line}\r\nContent-Disposition: form-data; name=\"raw\"; filename=\"raw.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let expected = [expected.as_bytes(), &[0, 13, 10, 255], format!("\r\n{line}--\r\n").as_bytes()].concat();
    assert_eq!(request.body, expected);
    assert_eq!(request.header("content-length"), Some(&*expected.len().to_string()));
}

#[test]
fn a_form_of_files_and_memory_declares_its_length() {
    let content = vec![b'f'; 700_000];
    let file = Scratch::new("form.bin", &content);
    let large = "m".repeat(100_000);
    let request =
        sent(Form::new().text("a", "1").file("f", &file.0).text("large", large.clone()).text("z", "2"));
    assert_eq!(request.header("content-length"), Some(&*request.body.len().to_string()));
    assert_eq!(request.header("transfer-encoding"), None);
    let text = request.text();
    let name = file.0.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(
        text.contains(&format!("filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\nfff"))
    );
    assert!(text.contains(&large) && text.matches('f').count() > 700_000);
    assert!(text.ends_with(&format!("\r\n--{}--\r\n", boundary(&request))));
}

#[test]
fn a_form_with_a_reader_is_sent_in_chunks() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let request = sent(Form::new().text("a", "1").part("s", Part::new(Body::from_reader(Letters(300_000)))));
    assert_eq!(request.header("transfer-encoding"), Some("chunked"));
    assert_eq!(request.text().matches('x').count(), 300_000);
}

#[test]
fn our_httpbin_reads_it() {
    curio::run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let form = Form::new().text("name", "Jürgen \"J\"").part("f", Part::new("text").file_name("ü.txt"));
        let mut response =
            curio_http::ClientSession::new().post(httpbin.url("/post")).multipart(form).await?;
        let seen: serde_json::Value = response.json().await?;
        assert_eq!(seen["form"]["name"], "Jürgen \"J\"");
        assert_eq!(seen["files"]["f"], "text");
        Ok::<_, Error>(())
    })
    .expect("answers");
}

#[test]
fn an_empty_form_is_only_an_end() {
    let request = sent(Form::new());
    assert_eq!(request.text(), format!("--{}--\r\n", boundary(&request)));
}

#[test]
fn a_missing_file_is_noticed_before_anything_is_sent() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let form = Form::new().text("a", "1").file("f", "/nonexistent/file");
    let error = curio::run(async { ClientSession::new().post(server.url("/")).multipart(form).await });
    let error = error.expect_err("no such file");
    assert_eq!(error.kind(), curio_http::ErrorKind::Io);
    assert!(error.to_string().contains("/nonexistent/file"), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_form_in_memory_and_files_is_sent_again_after_a_redirect() {
    let file = Scratch::new("again.txt", b"content");
    let server = Server::answering(|request| match request.target.as_str() {
        "/old" => Reply::redirect("307 Temporary Redirect", "/new"),
        _ => Reply::ok("ok"),
    });
    let form = Form::new().file("f", &file.0).text("a", "1");
    curio::run(async { ClientSession::new().post(server.url("/old")).multipart(form).await })
        .expect("an answer");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn a_type_with_a_line_break_is_refused() {
    let form = Form::new().part("a", Part::new("x").content_type("text/plain\r\nX: y"));
    let error = ClientSession::new().post("http://localhost/").multipart(form).build().expect_err("unusable");
    assert!(error.is_request(), "{error}");
}

#[test]
fn the_original_httpbin_reads_it() {
    let Some(original) = PypiHttpbin::start().expect("a server") else { return };
    let file = Scratch::new("original.txt", &vec![b'f'; 300_000]);
    curio::run(async {
        let form = Form::new()
            .text("na\"me", "Jürgen & \"J\"\r\n")
            .file("file", &file.0)
            .part("memory", Part::new("x".repeat(20_000)).file_name("ü \"quoted\".txt"));
        let mut response =
            curio_http::ClientSession::new().post(original.url("/post")).multipart(form).await?;
        let seen: serde_json::Value = response.json().await?;
        let field = seen["form"].as_object().and_then(|fields| fields.values().next()).cloned();
        assert_eq!(field, Some("Jürgen & \"J\"\r\n".into()));
        assert_eq!(seen["files"]["file"].as_str().map(str::len), Some(300_000));
        assert_eq!(seen["files"]["memory"].as_str().map(str::len), Some(20_000));
        Ok::<_, Error>(())
    })
    .expect("answers");
}

#[test]
fn a_part_may_have_fields_of_its_own() {
    let server = Server::answering(|_| Reply::ok("ok"));
    let part = Part::new("x").file_name("a.txt").header("Content-ID", "<a>").header("X-Two", "2");
    curio::run(async {
        ClientSession::new().post(server.url("/")).multipart(Form::new().part("a", part)).await
    })
    .expect("an answer");
    let text = server.request().text();
    assert!(text.contains("Content-Type: text/plain\r\ncontent-id: <a>\r\nx-two: 2\r\n\r\nx\r\n"), "{text}");
}

#[test]
fn a_field_that_a_part_has_by_itself_or_that_cannot_be_sent_is_refused() {
    for (name, value) in
        [("Content-Type", "a/b"), ("content-disposition", "x"), ("X", "a\r\nb"), ("a b", "c")]
    {
        let form = Form::new().part("a", Part::new("x").header(name, value));
        let error = ClientSession::new().post("http://h/").multipart(form).build().expect_err("refused");
        assert!(error.is_request(), "{name}: {error}");
    }
}
