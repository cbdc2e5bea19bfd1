//! Events that a server sends when they happen, on one answer that does not end.
//!
//! The answer is text: lines with fields, an empty line behind each event (WHATWG HTML, "Server-sent events").
//! `iter_events` reads it. When it breaks off, by a mishap or because servers do not like answers that never end, the
//! client asks again and says with `Last-Event-ID` what it has seen, so that nothing is missed and nothing comes twice.
//!
//! Run it: `cargo run --example server_sent_events` (a server in this same process that hangs up after every third
//! event) or `cargo run --example server_sent_events -- URL`.
//!
//! Then break it: leave out `read_timeout(None)`, and listen to a server that says nothing for a minute.
use std::time::Duration;

use curio::sleep;
use curio_http::{ClientSession, Error};
use curio_support::{Failure, with_urls};

/// Enough for an example.
const EVENTS: usize = 7;

/// Listens to one answer; says how long to wait before the next one, or `None` if it was enough.
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
            // Whatever had come before it counts.
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
