//! Bodies that are always ready: other tasks run beside them, and limits end them all the same.

mod server;

use curio_http::{ClientSession, Error, Response};
use curio_support::{HostileServer, Script};
use flate2::Compression;
use flate2::write::GzEncoder;
use server::{Reply, Server};
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

/// Long enough for a response to come, and far shorter than a gibibyte takes to be read to its end.
const LIMIT: Duration = Duration::from_millis(100);

/// A mebibyte of repetitions of `unit`, as a member of a gzip file.
fn member(unit: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let plain = unit.repeat((1 << 20) / unit.len());
    encoder.write_all(plain.as_bytes()).and_then(|()| encoder.finish()).expect("compressing in memory")
}

/// Sends a gzip file of so many mebibytes of `unit`.
fn bomb(unit: &str, mebibytes: usize) -> Server {
    let body = member(unit).repeat(mebibytes);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
    let bytes = [head.as_bytes(), &body].concat();
    Server::answering(move |_| Reply::raw(bytes.clone()))
}

/// Reads a gibibyte until a limit ends it, and asserts that this was long before the end.
fn a_limit_ends(unit: &str, items: usize, read: impl AsyncFnOnce(Response, &Cell<usize>)) {
    let server = bomb(unit, 1024);
    curio::run(async {
        let response = ClientSession::new().get(server.url("/")).await.expect("an answer");
        let count = Cell::new(0);
        assert!(curio::timeout_after(LIMIT, read(response, &count)).await.is_err(), "it came to its end");
        assert!(count.get() < items / 4, "{} of {items} were read", count.get());
    });
}

/// What the tasks beside a reader get to do: how often one that only yields was polled.
fn turns_beside<T>(read: impl AsyncFnOnce() -> T) -> (T, usize) {
    curio::run(async {
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        let beside = curio::spawn(async move {
            loop {
                count.set(count.get() + 1);
                curio::schedule().await;
            }
        });
        curio::schedule().await;
        let before = turns.get();
        let output = read().await;
        let turns = turns.get() - before;
        beside.cancel().await;
        (output, turns)
    })
}

#[test]
fn a_limit_ends_the_reading_of_lines_that_are_all_at_hand() {
    a_limit_ends("x\n", 1 << 29, async |mut response, count| {
        let mut lines = response.iter_lines();
        while lines.next().await.is_some() {
            count.set(count.get() + 1);
        }
    });
}

#[test]
fn a_limit_ends_the_reading_of_events_that_are_all_at_hand() {
    a_limit_ends("data:5678\n\n:23\n\n", 1 << 26, async |mut response, count| {
        let mut events = response.iter_events();
        while events.next().await.is_some() {
            count.set(count.get() + 1);
        }
    });
}

#[test]
fn a_limit_ends_the_reading_of_comments_that_never_become_an_event() {
    a_limit_ends(":\n", 4, async |mut response, _| {
        assert!(response.iter_events().next().await.is_none());
    });
}

#[test]
fn a_limit_ends_the_reading_of_single_bytes_that_are_all_at_hand() {
    a_limit_ends("x", 1 << 30, async |mut response, count| {
        let mut chunks = response.iter_chunked(1);
        while chunks.next().await.is_some() {
            count.set(count.get() + 1);
        }
    });
}

#[test]
fn a_limit_ends_the_reading_of_chunks_that_are_all_at_hand() {
    a_limit_ends("x", 1 << 30, async |mut response, count| {
        let mut chunks = response.iter_chunked(1 << 20);
        while let Some(chunk) = chunks.next().await {
            count.set(count.get() + chunk.expect("good data").len());
        }
    });
}

#[test]
fn other_tasks_run_while_a_body_is_decoded() {
    let server = bomb("x", 64);
    let read = async || -> Result<usize, Error> {
        let mut response = ClientSession::new().get(server.url("/")).await?;
        Ok(response.binary().await?.len())
    };
    let (length, turns) = turns_beside(read);
    assert_eq!(length.expect("64 MiB"), 64 << 20);
    assert!(turns >= 60, "one for each mebibyte, and there were {turns}");
}

#[test]
fn other_tasks_run_while_a_body_that_is_kept_is_read_again() {
    let server = bomb("x\n", 4);
    let read = async || -> Result<usize, Error> {
        let mut response = ClientSession::new().get(server.url("/")).await?;
        response.binary().await?;
        let mut lines = response.iter_lines();
        let mut number = 0;
        while let Some(line) = lines.next().await {
            number += line?.len();
        }
        Ok(number)
    };
    let (number, turns) = turns_beside(read);
    assert_eq!(number.expect("lines"), 2 << 20);
    assert!(turns >= 256, "two million lines, and there were {turns}");
}

#[test]
fn the_total_limit_fires_although_there_is_always_more_to_read() {
    // Every piece is at hand when it is asked for: the reader is slower than the server.
    let server = Server::on_connection(|_, mut stream| {
        let head = "HTTP/1.1 200 OK\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(&[b'x'; 64 * 1024]);
        }
    });
    let session = ClientSession::builder().timeout(Duration::from_millis(300)).build().expect("settings");
    curio::run(async {
        let mut response = session.get(server.url("/")).await.expect("an answer");
        let mut chunks = response.iter_chunked(1024);
        let mut pieces = 0;
        let error = loop {
            match chunks.next().await.expect("it has no end") {
                // What the caller does with it takes time.
                Ok(_) => std::thread::sleep(Duration::from_millis(10)),
                Err(error) => break error,
            }
            pieces += 1;
            assert!(pieces < 300, "the total limit of 300 ms has not fired after three seconds");
        };
        assert!(error.is_timeout() && error.to_string().contains("in all"), "{error}");
    });
}

#[test]
fn the_total_limit_fires_in_the_decoding_of_what_has_come() {
    let server = bomb("x", 1024);
    let session = ClientSession::builder().timeout(Duration::from_millis(200)).max_body(1 << 40);
    let session = session.build().expect("settings");
    curio::run(async {
        let mut response = session.get(server.url("/")).await.expect("an answer");
        let mut chunks = response.iter_chunked(1 << 20);
        let error = loop {
            if let Err(error) = chunks.next().await.expect("the limit comes before the end") {
                break error;
            }
            // A gigabyte at this pace takes half a minute.
            std::thread::sleep(Duration::from_millis(1));
        };
        assert!(error.is_timeout() && error.to_string().contains("in all"), "{error}");
    });
}

#[test]
fn a_small_body_that_has_come_in_time_can_be_read_late() {
    let script = Script::new().read_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall of it");
    curio::Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([script.close()]).await.expect("a server");
        let session = ClientSession::builder().timeout(Duration::from_secs(1)).build().expect("settings");
        let mut response = session.get(server.url("/")).await.expect("an answer");
        curio::sleep(Duration::from_secs(2)).await;
        assert_eq!(response.text().await.expect("it came in time"), "all of it");
    });
}
