//! What a response tells, and the ways of reading its body.

mod server;

use curio_http::{Error, ErrorKind, Response};
use curio_support::{HostileServer, Script};
use futures_core::Stream;
use serde::Deserialize;
use server::{ClientSession, Reply, Server};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::Write;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

/// Gets `path` from a server that answers everything with `reply`, and lets `look` have the response.
fn with<T>(reply: impl Fn() -> Reply + Send + Sync + 'static, look: impl AsyncFnOnce(Response) -> T) -> T {
    let server = Server::answering(move |_| reply());
    curio::run(async {
        let response = ClientSession::new().get(server.url("/a/b")).await.expect("a response");
        look(response).await
    })
}

fn chunked() -> Reply {
    Reply::raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nline \r\n6;x=y\r\none\r\nl\r\n8\r\nine two\n\r\n0\r\nX-Sum: 42\r\n\r\n",
    )
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
}

fn coded(coding: &str, body: &[u8]) -> Reply {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    Reply::raw([head.as_bytes(), body].concat())
}

#[test]
fn the_head_is_readable() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let reply = || {
        Reply::with(
            "404 Gone Fishing",
            "Content-Type: text/plain; charset=latin1\r\nX-A: 1\r\nX-A: 2\r\n",
            "x",
        )
    };
    with(reply, async |response: Response| {
        assert_eq!(
            (response.status_code(), response.reason(), response.http_version()),
            (404, "Gone Fishing", "1.1")
        );
        assert_eq!(response.header("x-a"), Some("1"));
        assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
        assert_eq!(response.encoding(), Some("latin1"));
        assert_eq!(response.content_length(), Some(1));
        assert_eq!(response.url().path(), "/a/b");
        assert!(response.remote_addr().is_some_and(|addr| addr.ip().is_loopback()));
        assert!(!response.ok() && !response.is_redirect() && response.history().is_empty());
        assert!(format!("{response:?}").contains("404"));
    });
}

#[test]
fn an_old_servers_version_is_told() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let reply = || Reply::raw("HTTP/1.0 200 OK\r\n\r\nold").then_close();
    with(reply, async |mut response: Response| {
        assert_eq!(response.http_version(), "1.0");
        assert_eq!(response.text().await.expect("a body"), "old");
    });
}

#[test]
fn raise_for_status_complains_from_400_on() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    for (status, fails) in [(200, false), (304, false), (399, false), (400, true), (500, true), (999, true)] {
        with(
            move || Reply::with(&format!("{status} Words"), "", ""),
            async move |response: Response| match response.raise_for_status() {
                Ok(()) => assert!(!fails, "{status}"),
                Err(error) => {
                    assert!(fails && error.is_status());
                    assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
                    let line = error.to_string();
                    assert!(
                        line.starts_with("GET http://127.0.0.1:")
                            && line.contains(&format!("{status} Words")),
                        "{line}"
                    );
                }
            },
        );
    }
}

#[test]
fn the_body_is_kept_and_can_be_asked_for_in_every_form() {
    with(
        || Reply::ok(r#"{"a": 1}"#),
        async |mut response: Response| {
            assert_eq!(response.text().await.expect("text"), r#"{"a": 1}"#);
            assert_eq!(response.json::<serde_json::Value>().await.expect("json")["a"], 1);
            assert_eq!(&response.binary().await.expect("bytes")[..], br#"{"a": 1}"#);
            let pieces = response.iter_chunked(3).next().await.expect("a piece").expect("no error");
            assert_eq!(&pieces[..], b"{\"a");
        },
    );
}

#[test]
fn json_becomes_a_type_of_the_callers() {
    #[derive(Deserialize)]
    struct Person {
        name: String,
        age: u8,
    }
    with(
        || Reply::ok(r#"{"name": "Ann", "age": 41}"#),
        async |mut response: Response| {
            let person: Person = response.json().await.expect("a person");
            assert_eq!((person.name.as_str(), person.age), ("Ann", 41));
        },
    );
}

#[test]
fn a_body_that_is_not_json_is_an_error_that_names_the_place_and_the_type() {
    let reply = || Reply::with("200 OK", "Content-Type: text/html\r\n", "<html>");
    with(reply, async |mut response: Response| {
        let error = response.json::<serde_json::Value>().await.expect_err("not json");
        assert!(error.is_json());
        let line = error.to_string();
        assert!(line.contains("text/html") && line.contains("line 1 column 1"), "{line}");
        assert_eq!(response.text().await.expect("still text"), "<html>");
    });
}

#[test]
fn text_follows_the_charset_of_the_head() {
    let reply = || {
        Reply::raw(&b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Length: 2\r\n\r\n\xfc\xdf"[..])
    };
    with(reply, async |mut response: Response| assert_eq!(response.text().await.expect("latin-1"), "üß"));
    let unknown = || {
        Reply::raw(
            &b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 1\r\n\r\n\xff"
                [..],
        )
    };
    with(unknown, async |mut response: Response| {
        assert!(response.text().await.expect_err("no such character set").is_decode());
        assert_eq!(&response.binary().await.expect("bytes")[..], b"\xff");
    });
}

/// What is no name of a character set is as good as none: requests takes the text for UTF-8 then.
#[test]
fn a_charset_that_is_misspelled_or_in_quotes_is_understood_or_passed_over() {
    for charset in
        ["\"utf-8\"", "'utf-8'", "utf8mb4", "\"u\\tf-8\"", "\"utf-8; x=\\\"y\"", "klingon", "none", " utf-8 "]
    {
        let reply = move || {
            Reply::with("200 OK", &format!("Content-Type: text/plain; charset={charset}; a=b\r\n"), "größe")
        };
        with(reply, async |mut response: Response| {
            assert_eq!(response.text().await.expect(charset), "größe");
            let line = response.iter_lines().next().await.expect("a line");
            assert_eq!(line.expect(charset), "größe");
        });
    }
    for charset in ["'latin1'", "\"iso-8859\\-1\""] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset={charset}\r\nContent-Length: 2\r\n\r\n"
        );
        let bytes = [head.as_bytes(), b"\xfc\xdf"].concat();
        with(
            move || Reply::raw(bytes.clone()),
            async |mut response: Response| {
                assert_eq!(response.text().await.expect(charset), "üß");
            },
        );
    }
}

#[test]
fn a_charset_parameter_is_not_found_inside_of_another_ones_quotes() {
    let reply =
        || Reply::with("200 OK", "Content-Type: text/plain; a=\"x; charset=latin1\"; charset=utf-8\r\n", "é");
    with(reply, async |mut response: Response| {
        assert_eq!(response.encoding(), Some("utf-8"));
        assert_eq!(response.text().await.expect("text"), "é");
    });
}

#[test]
fn a_header_beyond_ascii_can_be_had_as_text_all_the_same() {
    let reply = || {
        Reply::raw(&b"HTTP/1.1 200 OK\r\nX-Utf8: gr\xc3\xb6\xc3\x9fe\r\nX-Latin: gr\xf6\xdfe\r\nX-Ascii: size\r\nContent-Length: 0\r\n\r\n"[..])
    };
    with(reply, async |response: Response| {
        assert_eq!(response.header("x-utf8"), None, "it is not ASCII");
        assert_eq!(response.header_text("X-Utf8").as_deref(), Some("größe"));
        assert_eq!(
            response.header_text("x-latin").as_deref(),
            Some("größe"),
            "ISO-8859-1, as HTTP once had it"
        );
        assert_eq!(response.header_text("x-ascii").as_deref(), Some("size"));
        assert_eq!(response.header_text("x-none"), None);
    });
}

#[test]
fn a_response_with_too_many_fields_names_the_setting_that_allows_them() {
    let server = Server::answering(|_| {
        let fields: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
        Reply::with("200 OK", &fields, "ok")
    });
    curio::run(async {
        let error = ClientSession::new().get(server.url("/")).await.expect_err("more than 128");
        assert!(error.is_too_large() && error.to_string().contains("max_response_headers"), "{error}");
        let session = ClientSession::builder().max_response_headers(201).build().expect("settings");
        let mut response = session.get(server.url("/")).await.expect("no more than 201");
        assert_eq!(response.text().await.expect("a body"), "ok");
        let session = ClientSession::builder().max_response_head(100).build().expect("settings");
        let error = session.get(server.url("/")).await.expect_err("more than 100 bytes");
        assert!(error.is_too_large() && error.to_string().contains("max_response_head)"), "{error}");
    });
}

#[test]
fn an_empty_body_is_an_empty_text() {
    with(
        || Reply::ok(""),
        async |mut response: Response| assert_eq!(response.text().await.expect("empty"), ""),
    );
}

#[test]
fn a_chunked_body_is_joined_and_its_trailers_come_at_the_end() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    with(chunked, async |mut response: Response| {
        assert_eq!(response.content_length(), None);
        assert_eq!(response.text().await.expect("a body"), "line one\r\nline two\n");
        assert_eq!(response.trailers().expect("trailers")["x-sum"], "42");
    });
}

#[test]
fn pieces_are_never_larger_than_asked_and_never_empty() {
    let body = "x".repeat(100_000);
    let sent = body.clone();
    with(
        move || Reply::ok(&sent),
        async |mut response: Response| {
            let mut chunks = response.iter_chunked(777);
            let mut length = 0;
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.expect("no error");
                assert!((1..=777).contains(&chunk.len()));
                length += chunk.len();
            }
            assert_eq!(length, body.len());
            assert!(chunks.next().await.is_none());
        },
    );
}

#[test]
fn a_body_read_in_pieces_is_not_there_as_a_whole() {
    with(
        || Reply::ok("body"),
        async |mut response: Response| {
            assert!(response.iter_chunked(1).next().await.is_some());
            assert!(response.text().await.expect_err("partly gone").is_body());
        },
    );
}

#[test]
fn lines_come_without_their_ends() {
    let cases =
        [("a\nb\r\n\nc", vec!["a", "b", "", "c"]), ("", vec![]), ("\n", vec![""]), ("a\rb\n", vec!["a\rb"])];
    for (body, lines) in cases {
        with(
            move || Reply::ok(body),
            async move |mut response: Response| {
                let mut found = Vec::new();
                let mut iterator = response.iter_lines();
                while let Some(line) = iterator.next().await {
                    found.push(line.expect("no error"));
                }
                assert_eq!(found, lines, "{body:?}");
            },
        );
    }
    with(chunked, async |mut response: Response| {
        let mut lines = response.iter_lines();
        assert_eq!(lines.next().await.expect("a line").expect("no error"), "line one");
        assert_eq!(lines.next().await.expect("a line").expect("no error"), "line two");
        assert!(lines.next().await.is_none());
    });
}

#[test]
fn pieces_and_lines_are_streams() {
    with(
        || Reply::ok("a\nb"),
        async |mut response: Response| {
            let mut lines = pin!(response.iter_lines());
            let mut found = Vec::new();
            while let Some(line) = poll_fn(|cx| lines.as_mut().poll_next(cx)).await {
                found.push(line.expect("no error"));
            }
            assert_eq!(found, ["a", "b"]);
        },
    );
}

#[test]
fn case_058_head_204_and_304_have_no_body_and_the_connection_goes_on() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/204" => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        "/304" => Reply::raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
        _ if request.method == "HEAD" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        _ => Reply::ok("real"),
    });
    let session = ClientSession::new();
    curio::run(async {
        let mut head = session.head(server.url("/")).await?;
        assert_eq!(head.content_length(), Some(1234));
        assert_eq!(head.text().await?, "");
        assert_eq!(session.get(server.url("/204")).await?.text().await?, "");
        assert_eq!(session.get(server.url("/304")).await?.text().await?, "");
        assert_eq!(session.get(server.url("/")).await?.text().await?, "real");
        Ok::<_, Error>(())
    })
    .expect("answers");
    assert_eq!(server.connections(), 1);
}

#[test]
fn case_079_the_coding_of_a_body_that_is_not_sent_stays_in_the_head() {
    let server = Server::answering(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1234\r\n\r\n")
    });
    curio::run(async {
        let mut response = ClientSession::new().head(server.url("/")).await.expect("an answer");
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.content_length(), Some(1234));
        assert_eq!(response.binary().await.expect("no body").len(), 0);
    });
}

#[test]
fn case_066_interim_responses_are_skipped() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let reply = || {
        Reply::raw(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        )
    };
    with(reply, async |mut response: Response| {
        assert_eq!(response.status_code(), 200);
        assert_eq!(response.text().await.expect("a body"), "ok");
    });
}

#[test]
fn gzip_is_undone_and_the_head_describes_what_is_read() {
    with(
        || coded("gzip", &gzip(b"plain text")),
        async |mut response: Response| {
            assert_eq!(
                (response.header("content-encoding"), response.header("content-length")),
                (None, None)
            );
            assert_eq!(response.content_length(), None);
            assert_eq!(response.text().await.expect("a body"), "plain text");
        },
    );
}

#[test]
fn case_080_an_unknown_coding_is_left_alone() {
    with(
        || coded("compress", b"raw"),
        async |mut response: Response| {
            assert_eq!(response.header("content-encoding"), Some("compress"));
            assert_eq!(response.content_length(), Some(3));
            assert_eq!(response.text().await.expect("a body"), "raw");
        },
    );
}

#[test]
fn case_077_damaged_and_truncated_gzip_is_an_error() {
    with(
        || coded("gzip", &gzip(b"text")[..10]),
        async |mut response: Response| {
            let error = response.text().await.expect_err("cut off");
            assert!(error.is_decode() && error.to_string().contains("ends in the middle"), "{error}");
        },
    );
    with(
        || coded("gzip", b"not gzip at all"),
        async |mut response: Response| {
            assert!(response.text().await.expect_err("damaged").is_decode());
        },
    );
}

#[test]
fn case_075_more_than_five_codings_are_refused() {
    with(
        || coded("gzip, gzip, gzip, gzip, gzip, gzip", b"x"),
        async |mut response: Response| {
            assert!(response.text().await.expect_err("six codings").is_decode());
        },
    );
}

#[test]
fn case_072_a_bomb_stops_at_the_limit() {
    let server = Server::answering(|_| coded("gzip", &gzip(&vec![0; 4 << 20])));
    let session = ClientSession::builder().max_body(1 << 20).build().expect("good settings");
    curio::run(async {
        let mut response = session.get(server.url("/")).await?;
        assert_eq!(response.binary().await.expect_err("4 MiB").kind(), ErrorKind::TooLarge);
        let mut response = session.get(server.url("/")).await?;
        let mut chunks = response.iter_chunked(1 << 16);
        let mut read = 0;
        let error = loop {
            match chunks.next().await.expect("an error before the end") {
                Ok(chunk) => read += chunk.len(),
                Err(error) => break error,
            }
        };
        assert!(error.is_too_large() && read <= 1 << 20);
        Ok::<_, Error>(())
    })
    .expect("answers");
}

#[test]
fn case_072_a_body_that_declares_more_than_the_limit_is_not_read() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let server = Server::answering(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\nx").then_stall()
    });
    curio::run(async {
        let mut response = ClientSession::new().get(server.url("/")).await?;
        let error = response.binary().await.expect_err("a petabyte");
        assert!(error.is_too_large() && error.to_string().contains("67108864"), "{error}");
        Ok::<_, Error>(())
    })
    .expect("an answer");
    assert!(server.all_closed());
}

#[test]
fn progress_is_reported_with_the_total() {
    let body = "x".repeat(50_000);
    with(
        move || Reply::ok(&body),
        async |mut response: Response| {
            let seen = Rc::new(RefCell::new(Vec::new()));
            let log = Rc::clone(&seen);
            response.on_progress(move |done, total| log.borrow_mut().push((done, total)));
            response.binary().await.expect("a body");
            let seen = seen.borrow();
            assert!(seen.is_sorted() && seen.iter().all(|(_, total)| *total == Some(50_000)));
            assert_eq!(seen.last().map(|(done, _)| *done), Some(50_000));
        },
    );
}

#[test]
fn a_download_is_a_file_when_it_is_complete_and_nothing_when_it_is_not() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let folder = std::env::temp_dir().join(format!("curio-http-download-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let names = || std::fs::read_dir(&folder).expect("the folder").count();
    let body = "0123456789".repeat(300_000);
    let sent = body.clone();
    let good = folder.join("good");
    let length =
        with(move || Reply::ok(&sent), async |mut response: Response| response.download(&good).await);
    assert_eq!(length.expect("a download"), 3_000_000);
    assert!(std::fs::read_to_string(folder.join("good")).expect("a file") == body);
    assert_eq!(names(), 1);

    let cut = || Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").then_close();
    let bad = with(cut, async |mut response: Response| response.download(folder.join("bad")).await);
    assert!(bad.expect_err("cut off").is_body());
    assert_eq!(names(), 1);

    let stall = || Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").then_stall();
    let cancelled = with(stall, async |mut response: Response| {
        curio::timeout_after(Duration::from_millis(50), response.download(folder.join("cancelled"))).await
    });
    assert!(cancelled.is_err());
    assert_eq!(names(), 1);

    let nowhere = with(
        || Reply::ok("x"),
        async |mut response: Response| response.download("/no/such/folder/file").await,
    );
    let error = nowhere.expect_err("no folder");
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("/no/such/folder/file"), "{error}");
    std::fs::remove_dir_all(&folder).expect("the folder");
}

#[test]
fn cookies_and_links_are_read_from_the_head() {
    let headers = "Set-Cookie: a=b; Path=/; Domain=.h.example\r\nSet-Cookie: c=d\r\nSet-Cookie: nonsense\r\nLink: <?page=2>; rel=next\r\n";
    with(
        move || Reply::with("200 OK", headers, ""),
        async |response: Response| {
            let cookies = response.cookies();
            assert_eq!(
                cookies.iter().map(|cookie| (cookie.name(), cookie.value())).collect::<Vec<_>>(),
                [("a", "b"), ("c", "d")]
            );
            assert_eq!((cookies[0].domain(), cookies[0].path()), (Some("h.example"), Some("/")));
            let links = response.links();
            assert_eq!((links[0].rel(), links[0].url().query()), (Some("next"), Some("page=2")));
        },
    );
}

#[test]
fn timings_are_told_and_complete_when_the_body_is_read() {
    with(
        || Reply::ok("x"),
        async |mut response: Response| {
            response.binary().await.expect("a body");
            let timings = response.timings();
            assert!(timings.connect.is_some() && timings.send.is_some() && timings.first_byte.is_some());
            assert!(timings.dns.is_none() && timings.tls.is_none() && timings.pool_wait.is_none());
            assert!(timings.total >= Some(response.elapsed()));
        },
    );
}

#[test]
fn a_response_hook_sees_every_response() {
    let server = Server::answering(|_| Reply::with("418 I'm a teapot", "", ""));
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let session = ClientSession::builder()
        .on_response(move |response| log.borrow_mut().push(response.status_code()))
        .build()
        .expect("good settings");
    curio::run(session.get(server.url("/"))).expect("an answer");
    assert_eq!(*seen.borrow(), [418]);
}

#[test]
fn case_135_a_response_outlives_its_session_and_its_task() {
    let server = Server::answering(|_| Reply::ok(&"x".repeat(200_000)));
    let url = server.url("/");
    curio::run(async {
        let task = curio::spawn(async move {
            let session = ClientSession::new();
            session.get(url).await
        });
        let mut response = task.join().await.expect("the task ended").expect("a response");
        assert_eq!(response.text().await.expect("the body").len(), 200_000);
    });
    assert!(server.all_closed());
}

#[test]
fn case_135_a_response_outlives_its_kernel() {
    let server =
        Server::answering(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").then_stall());
    let session = ClientSession::new();
    let response = curio::run(session.get(server.url("/"))).expect("a response");
    assert_eq!(response.status_code(), 200);
    drop((response, session));
    assert!(server.all_closed());
}

#[test]
fn the_next_body_may_be_waited_for_with_a_timeout_again_and_again() {
    if server::is_over_http2() {
        return; // It speaks of what only HTTP/1 has.
    }
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    let script = script.wait(Duration::from_millis(110)).send("a").wait(Duration::from_millis(110)).send("b");
    curio::Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script.close()]).await.expect("a server");
        let mut response = ClientSession::new().get(server.url("/")).await.expect("a response");
        let mut chunks = response.iter_chunked(10);
        let (mut body, mut waits) = (Vec::new(), 0);
        loop {
            match curio::timeout_after(Duration::from_millis(20), chunks.next()).await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk.expect("no error")),
                Ok(None) => break,
                Err(_) => waits += 1,
            }
        }
        assert_eq!(body, b"ab");
        assert_eq!(waits, 10, "five for each piece");
    });
}
