//! Step 8: just enough HTTP, and four requests at once.

use build_step8::{
    ClientSession, Error, Event, Response, TcpListener, TcpStream, clock, delay_server, run, schedule, spawn,
    timeout_after,
};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

/// Longer than any test takes: what has to happen, happens.
const LIMIT: Duration = Duration::from_secs(20);

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Reads until the head of a request has ended.
async fn read_request(stream: &TcpStream) -> io::Result<String> {
    let (mut request, mut buf) = (String::new(), [0; 1024]);
    while !request.ends_with("\r\n\r\n") {
        let count = stream.recv(&mut buf).await?;
        assert!(count > 0, "the request is not complete: {request}");
        request.push_str(&String::from_utf8_lossy(&buf[..count]));
    }
    Ok(request)
}

/// Answers one request with these pieces, and closes the connection.
async fn answer_once(listener: TcpListener, pieces: &[&str]) -> io::Result<String> {
    let stream = listener.accept().await?;
    let request = read_request(&stream).await?;
    for piece in pieces {
        stream.sendall(piece.as_bytes()).await?;
        // So that the client reads it alone, most of the time.
        schedule().await;
    }
    Ok(request)
}

/// What a client gets from a server that answers with these pieces.
fn get_from(pieces: &'static [&'static str]) -> Result<(u16, String), Error> {
    run(async move {
        let (listener, url) = listen();
        let server = spawn(answer_once(listener, pieces));
        let answer = timeout_after(LIMIT, async move {
            let mut response = ClientSession::new().get(format!("{url}/path?query=1")).await?;
            Ok((response.status(), response.text().await?))
        });
        let answer = answer.await.expect("within the limit");
        let request = server.join().await.unwrap()?;
        assert!(request.starts_with("GET /path?query=1 HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        answer
    })
}

#[test]
fn a_response_has_a_status_and_a_body() {
    let answer = get_from(&["HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nempty"]);
    assert_eq!(answer.unwrap(), (404, String::from("empty")));
}

#[test]
fn a_response_may_come_in_pieces() {
    let answer = get_from(&["HTTP/1.1 2", "00 OK\r\nA: b\r\nContent-Le", "ngth: 3\r\n\r", "\na", "b", "c"]);
    assert_eq!(answer.unwrap(), (200, String::from("abc")));
}

#[test]
fn a_body_that_is_too_short_is_an_error() {
    let error = get_from(&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nemp"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn what_is_not_http_is_an_error() {
    assert_eq!(get_from(&["SSH-2.0-OpenSSH\r\n\r\n"]).unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn a_url_that_is_not_understood_is_an_error() {
    for url in ["https://example.org/", "http://example.org", "http://a b/", ""] {
        let result = run(async { ClientSession::new().get(url.into()).await });
        assert_eq!(result.err().map(|error| error.kind()), Some(ErrorKind::InvalidInput), "{url}");
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let result = run(async {
        // The port of a service that is not in use any more.
        let request = async { ClientSession::new().get("http://127.0.0.1:1/".into()).await };
        timeout_after(LIMIT, request).await.expect("within the limit")
    });
    assert!(result.is_err());
}

/// A server that answers no request before it has received four.
async fn serve_four_together(listener: TcpListener) -> io::Result<()> {
    let (all_are_here, count) = (Rc::new(Event::new()), Rc::new(Cell::new(0)));
    loop {
        let stream = listener.accept().await?;
        let (all_are_here, count) = (Rc::clone(&all_are_here), Rc::clone(&count));
        spawn(async move {
            read_request(&stream).await.unwrap();
            count.set(count.get() + 1);
            if count.get() == 4 {
                all_are_here.set();
            }
            all_are_here.wait().await;
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        });
    }
}

async fn fetch_one(url: String) -> Result<(Response, String), Error> {
    let session = ClientSession::new();
    let mut response = session.get(url).await?;
    let content = response.text().await?;
    Ok((response, content))
}

#[test]
fn four_requests_are_under_way_at_once() {
    run(async {
        let (listener, url) = listen();
        let server = spawn(serve_four_together(listener));
        let tasks = [(); 4].map(|()| spawn(timeout_after(LIMIT, fetch_one(format!("{url}/")))));
        for task in tasks {
            let (_, content) = task.join().await.unwrap().expect("within the limit").unwrap();
            assert_eq!(content, "hi");
        }
        assert!(server.cancel().await);
    });
}

#[test]
fn four_delays_at_once_take_as_long_as_the_longest_or_a_little_longer() {
    let unit = Duration::from_millis(10);
    run(async move {
        let (listener, url) = listen();
        spawn(delay_server(listener, unit));
        let start = clock();
        let tasks = [1, 2, 3, 4].map(|delay| spawn(fetch_one(format!("{url}/delay/{delay}"))));
        let mut contents = Vec::new();
        for task in tasks {
            contents.push(task.join().await.unwrap().unwrap().1);
        }
        assert_eq!(contents, [1, 2, 3, 4].map(|delay| format!("{{\"delay\": {delay}}}")));
        assert!(clock() - start >= 4 * unit, "a server's delay is never shorter than it says");
    });
}

#[test]
fn a_request_can_have_a_time_limit() {
    run(async {
        let (listener, url) = listen();
        spawn(delay_server(listener, LIMIT));
        let limited = timeout_after(Duration::from_millis(10), fetch_one(format!("{url}/delay/4")));
        assert!(limited.await.is_err());
    });
}
