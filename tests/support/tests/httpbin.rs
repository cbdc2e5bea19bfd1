//! The httpbin through its sockets: what only a connection can get wrong.
#![forbid(unsafe_code)]

use std::net::Shutdown;
use std::time::{Duration, Instant};

use curio::TcpStream;
use curio_support::{Httpbin, HttpbinThread};

async fn connect(httpbin: &Httpbin) -> TcpStream {
    TcpStream::connect(httpbin.address()).await.unwrap()
}

/// Sends `request` on a connection of its own and returns all that comes back.
async fn exchange(httpbin: &Httpbin, request: &str) -> String {
    let stream = connect(httpbin).await;
    stream.sendall(request.as_bytes()).await.unwrap();
    String::from_utf8(stream.read_all().await.unwrap()).unwrap()
}

/// Reads until the text so far ends in `end`.
async fn read_to(stream: &TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        assert_eq!(stream.recv(&mut byte).await.unwrap(), 1, "after {:?}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Waits until a condition holds, and fails when it does not within five seconds.
async fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < end, "it never came true");
        curio::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn a_connection_is_kept_for_further_requests() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let stream = connect(&httpbin).await;
        for _ in 0..3 {
            stream.sendall(b"GET /base64/Zm9v HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
            assert!(read_to(&stream, "foo").await.contains("Content-Length: 3\r\n"));
        }
        assert_eq!((httpbin.counters().accepted(), httpbin.counters().open()), (1, 1));
        until(|| httpbin.counters().served() == 3).await;
        httpbin.close().await;
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let text = exchange(
            &httpbin,
            "GET /delay/0.05 HTTP/1.1\r\nHost: h\r\n\r\nGET /base64/Zm9v HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        )
        .await;
        let (first, second) = (text.find("/delay/0.05").unwrap(), text.find("foo").unwrap());
        assert!(first < second && text.matches("HTTP/1.1 200 OK").count() == 2, "{text}");
    });
}

#[test]
fn chunks_go_in_and_out() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let text = exchange(
            &httpbin,
            "POST /anything HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        )
        .await;
        assert!(text.contains(r#""data": "abc""#), "{text}");
        let text = exchange(&httpbin, "GET /stream/2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
        assert!(
            text.contains("Transfer-Encoding: chunked\r\n") && text.ends_with("\n\r\n0\r\n\r\n"),
            "{text}"
        );
    });
}

#[test]
fn an_http_1_0_client_gets_the_end_of_the_stream() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let text = exchange(&httpbin, "GET /stream/1 HTTP/1.0\r\n\r\n").await;
        assert!(
            !text.contains("chunked") && text.ends_with("\"url\":\"http://localhost/stream/1\"}\n"),
            "{text}"
        );
    });
}

#[test]
fn a_head_request_gets_no_body() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let text = exchange(&httpbin, "HEAD /html HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
        assert!(text.contains("Content-Length: ") && text.ends_with("\r\n\r\n"), "{text}");
    });
}

#[test]
fn a_client_that_expects_100_continue_is_told() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let stream = connect(&httpbin).await;
        stream
            .sendall(b"PUT /put HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(read_to(&stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
        stream.sendall(b"ab").await.unwrap();
        assert!(read_to(&stream, "\r\n\r\n").await.starts_with("HTTP/1.1 200 OK"));
    });
}

#[test]
fn bad_requests_are_told_why_and_closed() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let text = exchange(&httpbin, "GET / HTTP/1.1\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.1 400 Bad Request"), "{text}");
        assert!(text.contains("Connection: close") && text.ends_with("there is no Host header\n"), "{text}");
        let text = exchange(
            &httpbin,
            "GET /response-headers?X=%0d%0aY HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    });
}

#[test]
fn a_refused_client_reads_the_answer_although_it_sends_more() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let stream = connect(&httpbin).await;
        stream
            .sendall(b"POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n")
            .await
            .unwrap();
        stream.sendall(&[0; 200_000]).await.unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let text = String::from_utf8(stream.read_all().await.unwrap()).unwrap();
        assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    });
}

#[test]
fn a_request_that_ends_in_the_middle_is_refused() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let stream = connect(&httpbin).await;
        stream.sendall(b"POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").await.unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(stream.read_all().await.unwrap().starts_with(b"HTTP/1.1 400 "));
        assert_eq!(httpbin.counters().served(), 0);
    });
}

#[test]
fn a_client_that_leaves_during_a_delay_is_noticed() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let stream = connect(&httpbin).await;
        stream.sendall(b"GET /delay/3600 HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        until(|| httpbin.counters().in_progress() == 1).await;
        drop(stream);
        until(|| httpbin.counters().open() == 0).await;
        assert_eq!((httpbin.counters().in_progress(), httpbin.counters().served()), (0, 0));
    });
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    curio::run(async {
        let httpbin = Httpbin::builder().idle_timeout(Duration::from_millis(20)).start().await.unwrap();
        assert_eq!(connect(&httpbin).await.read_all().await.unwrap(), b"");
        let stream = connect(&httpbin).await;
        stream.sendall(b"GET / HT").await.unwrap();
        assert!(stream.read_all().await.unwrap().starts_with(b"HTTP/1.1 408 "));
    });
}

#[test]
fn a_connection_may_be_limited_to_some_requests() {
    curio::run(async {
        let httpbin = Httpbin::builder().max_requests_per_connection(2).start().await.unwrap();
        let text = exchange(&httpbin, &"GET /base64/Zm9v HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3)).await;
        assert_eq!(text.matches("foo").count(), 2);
        assert_eq!(text.matches("Connection: close").count(), 1);
    });
}

#[test]
fn closing_the_server_closes_its_connections() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let stream = connect(&httpbin).await;
        stream.sendall(b"GET /delay/3600 HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        until(|| httpbin.counters().in_progress() == 1).await;
        let counters = httpbin.counters().clone();
        httpbin.close().await;
        assert_eq!(counters.open(), 0);
        // In order or not, it has ended.
        assert_eq!(stream.read_all().await.unwrap_or_default(), b"");
    });
}

#[test]
fn the_peak_of_requests_in_progress_is_counted() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let address = httpbin.address();
        let ask = move || async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.sendall(b"GET /delay/0.2 HTTP/1.0\r\n\r\n").await.unwrap();
            stream.read_all().await.unwrap()
        };
        let tasks: Vec<_> = (0..5).map(|_| curio::spawn(ask())).collect();
        for task in tasks {
            assert!(task.join().await.unwrap().starts_with(b"HTTP/1.1 200 "));
        }
        assert_eq!(httpbin.counters().peak_in_progress(), 5);
        assert_eq!(httpbin.counters().in_progress(), 0);
    });
}

#[test]
fn one_runs_in_a_thread_of_its_own() {
    use std::io::{Read, Write};
    let httpbin = HttpbinThread::start().unwrap();
    let address = httpbin.base_url().strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /ip HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("127.0.0.1"), "{text}");
    let counters = httpbin.counters().clone();
    drop(httpbin);
    assert_eq!((counters.served(), counters.open()), (1, 0));
}
