//! Server-sent events over a connection.

use curio::Kernel;
use curio_http::{ClientSession, Error};
use curio_support::{HostileServer, Script};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

#[test]
fn events_come_as_they_are_sent() {
    Kernel::builder()
        .virtual_clock(true)
        .run(async {
            let script = Script::new()
                .read_head()
                .send(HEAD)
                .send("retry: 250\n\nid: 1\ndata: one\n\n")
                .wait(Duration::from_secs(20))
                .send(": still here\n")
                .wait(Duration::from_secs(20))
                .send("event: add\ndata: two\ndata: lines\n")
                .send("\ndata: never ended")
                .close();
            let server = HostileServer::start([script]).await.expect("a server");
            let mut response = ClientSession::new().get(server.url("/")).await?;
            let mut events = response.iter_events();
            let first = events.next().await.expect("an event")?;
            assert_eq!((first.event(), first.data(), first.id()), ("message", "one", "1"));
            // Giving up waiting for an event loses nothing.
            assert!(curio::timeout_after(Duration::from_secs(1), events.next()).await.is_err());
            let second = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await.expect("an event")?;
            assert_eq!((second.event(), second.data(), second.id()), ("add", "two\nlines", "1"));
            assert!(events.next().await.is_none() && events.next().await.is_none());
            assert_eq!((events.last_event_id(), events.retry()), ("1", Some(Duration::from_millis(250))));
            Ok::<_, Error>(())
        })
        .expect("a stream of events");
}

#[test]
fn silence_is_bounded_unless_the_request_says_otherwise() {
    let wait = || {
        Script::new().read_head().send(HEAD).wait(Duration::from_secs(3600)).send("data: late\n\n").close()
    };
    Kernel::builder()
        .virtual_clock(true)
        .run(async {
            let server = HostileServer::start([wait()]).await.expect("a server");
            let session = ClientSession::new();
            let mut response = session.get(server.url("/")).await?;
            let mut events = response.iter_events();
            assert!(events.next().await.expect("an end").expect_err("silence").is_timeout());
            assert!(events.next().await.is_none(), "after an error there are no more");
            let mut response = session.get(server.url("/")).read_timeout(None).await?;
            let event = response.iter_events().next().await.expect("an event")?;
            assert_eq!(event.into_data(), "late");
            Ok::<_, Error>(())
        })
        .expect("a stream of events");
}

#[test]
fn a_stream_that_is_cut_off_ends_in_an_error() {
    Kernel::builder().virtual_clock(true).run(async {
        let head = HEAD.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
        let script = Script::new().read_head().send(head).send("9\r\ndata: 1\n\n\r\n").close();
        let server = HostileServer::start([script]).await.expect("a server");
        let mut response = ClientSession::new().get(server.url("/")).await.expect("a head");
        let mut events = response.iter_events();
        assert_eq!(events.next().await.expect("an event").expect("whole").data(), "1");
        assert!(events.next().await.expect("an end").expect_err("cut off").is_body());
    });
}
