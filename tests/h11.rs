//! Every kind of request that the client sends, read by h11, which takes nothing that RFC 9112 does not allow; and what it
//! has read is what was to be sent.
#![cfg(unix)]
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};

use curio::UnixStream;
use curio_http::{Body, ClientSession, Error, Form, Method, Part, RequestBuilder, Response};
use curio_support::Failure;
use curio_support::peers::H11Judge;
use serde_json::Value;

/// What h11 has read.
struct Read(Value);

impl Read {
    async fn from(mut response: Response) -> Result<Read, Error> {
        if let Some(verdict) = response.header("x-judged") {
            let verdict = serde_json::from_str(verdict).unwrap_or(Value::Null);
            return Ok(Read(verdict));
        }
        Ok(Read(response.json().await?))
    }

    fn text(&self, part: &str) -> &str {
        self.0[part].as_str().unwrap_or_else(|| panic!("no {part} in {}", self.0))
    }

    /// The bytes of the body: each is a character here.
    fn body(&self) -> Vec<u8> {
        self.text("body").chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    }

    /// All values of a field, in their order.
    fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.0["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named =
            fields.iter().filter(|field| field[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
        named.filter_map(|field| field[1].as_str()).collect()
    }
}

/// A kind of body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    None,
    Empty,
    Small,
    Large,
    File,
    Chunked,
    EmptyChunked,
    Declared,
    Form,
    Json,
}

const KINDS: [Kind; 10] = [
    Kind::None,
    Kind::Empty,
    Kind::Small,
    Kind::Large,
    Kind::File,
    Kind::Chunked,
    Kind::EmptyChunked,
    Kind::Declared,
    Kind::Form,
    Kind::Json,
];

const LARGE: usize = 300_000;

/// Every byte there is, many times over.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 256) as u8).collect()
}

/// A reader that yields these bytes in pieces of odd sizes, as they come over a socket.
fn reader(bytes: Vec<u8>) -> Result<Body, Failure> {
    let (ours, theirs) = UnixStream::pair()?;
    curio::spawn(async move {
        for piece in bytes.chunks(7919) {
            if theirs.sendall(piece).await.is_err() {
                return;
            }
            curio::schedule().await;
        }
    })
    .detach();
    Ok(Body::from_reader(ours))
}

impl Kind {
    /// What is sent, and how it is framed: its Content-Length, or none for chunks.
    fn expected(self, method: &Method) -> (Vec<u8>, Option<usize>) {
        let body = match self {
            Kind::None | Kind::Empty | Kind::EmptyChunked => Vec::new(),
            Kind::Small | Kind::Chunked | Kind::Declared | Kind::File => bytes(20_000),
            Kind::Large => bytes(LARGE),
            Kind::Form => b"a=1&b=x+y%26%C3%BC".to_vec(),
            Kind::Json => br#"{"a":[1,2,"\u0000"]}"#.to_vec(),
        };
        let says_zero = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        let length = match self {
            Kind::Chunked | Kind::EmptyChunked => None,
            Kind::None | Kind::Empty => says_zero.then_some(0),
            _ => Some(body.len()),
        };
        (body, length)
    }

    fn is_chunked(self) -> bool {
        matches!(self, Kind::Chunked | Kind::EmptyChunked)
    }

    fn on(self, request: RequestBuilder, file: &std::path::Path) -> Result<RequestBuilder, Failure> {
        Ok(match self {
            Kind::None => request,
            Kind::Empty => request.data(""),
            Kind::Small => request.data(bytes(20_000)),
            Kind::Large => request.data(bytes(LARGE)),
            Kind::File => request.body(Body::from_file(file)),
            Kind::Chunked => request.body(reader(bytes(20_000))?),
            Kind::EmptyChunked => request.body(reader(Vec::new())?),
            Kind::Declared => request.body(reader(bytes(20_000))?).header("Content-Length", "20000"),
            Kind::Form => request.form(&[("a", "1"), ("b", "x y&ü")]),
            Kind::Json => request.json(&serde_json::json!({ "a": [1, 2, "\0"] })),
        })
    }
}

/// A file with the bytes of [`Kind::File`], removed when dropped.
struct File(std::path::PathBuf);

impl File {
    fn new() -> std::io::Result<File> {
        // Tests of this process run at the same time, and each removes its own.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("curio-h11-{}-{number}", std::process::id()));
        std::fs::write(&path, bytes(20_000))?;
        Ok(File(path))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

#[test]
fn every_method_with_every_kind_of_body_is_read_as_it_was_meant() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    let file = File::new()?;
    curio::run(async {
        let session = ClientSession::new();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PURGE", "M-SEARCH"] {
            let method = Method::from_bytes(method.as_bytes())?;
            for kind in KINDS {
                let request = session.request(method.clone(), judge.url("/path?q=1")).header("X-One", "1");
                let read = Read::from(kind.on(request, &file.0)?.await?).await?;
                let (body, length) = kind.expected(&method);
                assert_eq!((read.text("method"), read.text("target")), (method.as_str(), "/path?q=1"));
                assert_eq!(read.text("version"), "1.1");
                assert_eq!(read.0["length"], body.len(), "{method} {kind:?}");
                // The answer to a HEAD has room for the beginning only.
                let begins = if method == Method::HEAD { &body[..body.len().min(256)] } else { &body };
                assert!(read.body() == begins, "{method} {kind:?}");
                let lengths: Vec<usize> =
                    read.values("content-length").iter().flat_map(|n| n.parse()).collect();
                assert_eq!(lengths, Vec::from_iter(length), "{method} {kind:?}");
                let codings = read.values("transfer-encoding");
                assert_eq!(
                    codings,
                    if kind.is_chunked() { vec!["chunked"] } else { vec![] },
                    "{method} {kind:?}"
                );
                assert_eq!(read.values("x-one"), ["1"]);
            }
        }
        Ok(())
    })
}

#[test]
fn one_connection_carries_all_kinds_one_after_the_other() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    let file = File::new()?;
    curio::run(async {
        let session = ClientSession::new();
        let mut seen = Vec::new();
        for round in 0..3 {
            for kind in KINDS {
                let request = session.put(judge.url(&format!("/{round}")));
                let read = Read::from(kind.on(request, &file.0)?.await?).await?;
                assert!(read.body() == kind.expected(&Method::PUT).0, "{kind:?}");
                seen.push((read.0["connection"].as_u64(), read.0["nth"].as_u64()));
            }
        }
        let first = seen[0].0;
        let expected: Vec<_> = (0..seen.len() as u64).map(|nth| (first, Some(nth))).collect();
        assert_eq!(seen, expected, "the connection stays in step");
        Ok(())
    })
}

#[test]
fn fields_arrive_as_they_were_set() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    curio::run(async {
        let session = ClientSession::builder().header("X-Default", "d").build()?;
        let request = session
            .get(judge.url("/"))
            .header("X-Many", "1")
            .header("X-Many", "2, 3")
            .header("X-Empty", "")
            .header("X-Tab", "a\tb")
            .header("X-Symbols", "!#$%&'*+-.^_`|~ (),/:;<=>?@[\\]{}\"")
            .header("X-Beyond", curio_http::HeaderValue::from_bytes(b"caf\xe9 \xff")?)
            .header("X-Long", "x".repeat(8000))
            .header("Cookie", "a=b; c=\"d\"")
            .bearer_auth("t0ken");
        let read = Read::from(request.await?).await?;
        assert_eq!(read.values("x-many"), ["1", "2, 3"]);
        assert_eq!(read.values("x-empty"), [""]);
        assert_eq!(read.values("x-tab"), ["a\tb"]);
        assert_eq!(read.values("x-symbols"), ["!#$%&'*+-.^_`|~ (),/:;<=>?@[\\]{}\""]);
        assert_eq!(read.values("x-beyond"), ["café ÿ"], "each byte is a character of Latin-1");
        assert_eq!(read.values("x-long")[0].len(), 8000);
        assert_eq!(
            (read.values("cookie"), read.values("authorization")),
            (vec!["a=b; c=\"d\""], vec!["Bearer t0ken"])
        );
        assert_eq!((read.values("host").len(), read.values("x-default")), (1, vec!["d"]));
        Ok(())
    })
}

#[test]
fn odd_addresses_become_targets_that_are_in_order() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    curio::run(async {
        let session = ClientSession::new();
        for (address, target) in [
            ("", "/"),
            ("?q", "/?q"),
            ("/#top", "/"),
            ("/a/../b/./c", "/b/c"),
            ("/grün?ß#ü", "/gr%C3%BCn?%C3%9F"),
            ("/%zz%20%", "/%zz%20%"),
            ("//x//", "//x//"),
            ("/a;b=c/@:!$&'()*+,=~", "/a;b=c/@:!$&'()*+,=~"),
            ("/\"<>`{}|^", "/%22%3C%3E%60%7B%7D|^"),
        ] {
            let read = Read::from(session.get(judge.url("") + address).await?).await?;
            assert_eq!(read.text("target"), target, "{address:?}");
        }
        Ok(())
    })
}

#[test]
fn a_body_that_waits_for_leave_is_sent_after_it() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    curio::run(async {
        let session = ClientSession::new();
        for _ in 0..2 {
            let request = session.post(judge.url("/")).header("Expect", "100-continue").data(bytes(LARGE));
            let read = Read::from(request.await?).await?;
            assert_eq!(read.values("expect"), ["100-continue"]);
            assert!(read.body() == bytes(LARGE));
        }
        Ok(())
    })
}

#[test]
fn a_redirected_upload_is_read_anew() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    let file = File::new()?;
    curio::run(async {
        let target = judge.url("/landed");
        let httpbin = curio_support::Httpbin::start().await?;
        for (status, keeps_body) in [("307", true), ("308", true), ("303", false), ("302", false)] {
            let url = httpbin.url("/redirect-to");
            let request =
                ClientSession::new().post(url).params(&[("url", target.as_str()), ("status_code", status)]);
            let read = Read::from(Kind::File.on(request, &file.0)?.await?).await?;
            assert_eq!(read.text("method"), if keeps_body { "POST" } else { "GET" }, "{status}");
            assert!(read.body() == if keeps_body { bytes(20_000) } else { Vec::new() }, "{status}");
            assert_eq!(read.values("content-length").len(), usize::from(keeps_body));
        }
        Ok(())
    })
}

#[test]
fn a_form_with_files_is_one_body_of_the_length_it_says() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    curio::run(async {
        let form =
            || Form::new().text("name", "x\r\ny").part("file", Part::new(bytes(LARGE)).file_name("a.bin"));
        let read = Read::from(ClientSession::new().post(judge.url("/")).multipart(form()).await?).await?;
        let body = read.body();
        let kind = read.values("content-type").concat();
        let boundary =
            kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary").trim_matches('"');
        assert_eq!(read.values("content-length"), [body.len().to_string()]);
        assert!(body.starts_with(format!("--{boundary}\r\n").as_bytes()));
        assert!(body.ends_with(format!("\r\n--{boundary}--\r\n").as_bytes()));
        let whole = bytes(LARGE);
        assert!(body.windows(LARGE).any(|part| part == whole), "the file is in it, byte for byte");
        Ok(())
    })
}

#[test]
fn a_proxy_that_reads_the_request_gets_a_whole_address() -> Result<(), Failure> {
    let Some(judge) = H11Judge::start()? else { return Ok(()) };
    curio::run(async {
        let proxy = judge.url("").replace("http://", "http://user:password@");
        let session = ClientSession::builder().trust_env(false).proxy(proxy).build()?;
        for kind in [Kind::None, Kind::Small, Kind::Chunked] {
            let request = session.post("http://ann:secret@server.test:81/a?b#c");
            let read = Read::from(kind.on(request, std::path::Path::new(""))?.await?).await?;
            assert_eq!(read.text("target"), "http://server.test:81/a?b", "{kind:?}");
            assert_eq!(read.values("host"), ["server.test:81"]);
            assert_eq!(read.values("proxy-authorization"), ["Basic dXNlcjpwYXNzd29yZA=="]);
            assert!(read.body() == kind.expected(&Method::POST).0, "{kind:?}");
        }
        Ok(())
    })
}
