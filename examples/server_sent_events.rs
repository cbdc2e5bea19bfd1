//! Server-sent events: a response that does not end.
//!
//! The response is text: lines with fields, and an empty line after each event (WHATWG HTML, "Server-sent events").
//! `iter_events` reads it. When the connection ends, because of a failure or because the server limits its responses, the
//! client requests the URL again and sends the last event that it has seen as `Last-Event-ID`, so that no event is missed or
//! received twice.
//!
//! Run it: `cargo run --example server_sent_events` (a server in this process that disconnects after every third event) or
//! `cargo run --example server_sent_events -- URL`.
//!
//! Then break it: leave out `read_timeout(None)`, and connect to a server that sends nothing for a minute.
use std::time::Duration;

use curio::sleep;
use curio_http::{ClientSession, Error};
use curio_support::{Failure, with_urls};

/// How many events the example reads.
const EVENTS: usize = 7;

/// Reads one response; returns how long to wait before the next request, or `None` after enough events.
async fn listen(
    session: &ClientSession,
    url: &str,
    last_id: &mut String,
    count: &mut usize,
) -> Result<Option<Duration>, Error> {
    let mut request = session.get(url).header("Accept", "text/event-stream").read_timeout(None);
    if !last_id.is_empty() {
        request = request.header("Last-Event-ID", &*last_id);
    }
    let mut response = request.await?;
    response.raise_for_status()?;
    let mut events = response.iter_events();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => println!("{} {}: {:?}", event.event(), event.id(), event.data()),
            // The events that were received before it count.
            Err(error) => {
                println!("{error}");
                break;
            }
        }
        *count += 1;
        if *count == EVENTS {
            return Ok(None);
        }
    }
    events.last_event_id().clone_into(last_id);
    Ok(Some(events.retry().unwrap_or(Duration::from_secs(3))))
}

async fn main_task(urls: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let session = ClientSession::new();
    let (mut last_id, mut count) = (String::new(), 0);
    for url in urls {
        while let Some(pause) = listen(&session, &url, &mut last_id, &mut count).await? {
            println!("The answer has ended; I ask again in {pause:?} for what comes after {last_id:?}");
            sleep(pause).await;
        }
    }
    println!("{EVENTS} events are enough");
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_urls(&["/sse?count=3&pause=0.05"], main_task))
}
