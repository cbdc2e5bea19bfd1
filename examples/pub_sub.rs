//! One sender and many receivers, in two ways.
//!
//! - `broadcast`: every receiver gets *every* message. Sending never waits, so a receiver that is too slow misses the oldest
//!   messages, and is told how many. Suitable for news.
//! - `watch`: every receiver gets the *latest* value. A receiver that was busy has missed only outdated values. Suitable for
//!   a setting, a temperature, a state.
//!
//! Both end when the sender is dropped: no receiver has to be cancelled.
//!
//! Run it: `cargo run --example pub_sub`.
//!
//! Then try: give the broadcast room for 10, and the slow receiver misses nothing. What does a receiver get that
//! subscribes in the middle? (Curio's own example builds this from queues: see `chat_server`.)
use std::time::Duration;

use curio::{TaskError, TaskGroup, broadcast, sleep, watch};

/// The time between two messages.
const PAUSE: Duration = Duration::from_millis(50);

async fn reader(name: &str, mut news: broadcast::Receiver<u32>) {
    loop {
        match news.recv().await {
            Ok(issue) => println!("{name} reads issue {issue}"),
            Err(broadcast::RecvError::Lagged(missed)) => println!("{name} has missed {missed}"),
            Err(broadcast::RecvError::Closed) => break,
        }
    }
    println!("{name}: no more news");
}

/// Reads the value only when it wakes up.
async fn sleepy(mut sky: watch::Receiver<&'static str>) {
    println!("Sleepy: the sky is {}", sky.get());
    while sky.changed().await.is_ok() {
        println!("Sleepy: now it is {}", sky.get());
        sleep(10 * PAUSE).await;
    }
}

async fn main_task() -> Result<(), TaskError> {
    let group = TaskGroup::new();
    let (press, news) = broadcast(3);
    group.spawn(reader("Ada", press.subscribe()));
    group.spawn(reader("Linus", news));
    for issue in 1..=3 {
        sleep(PAUSE).await;
        println!("Issue {issue} went to {} readers", press.send(issue));
    }
    // Five messages at once, before either receiver has read one, and room for three.
    (4..=8).for_each(|issue| _ = press.send(issue));
    drop(press);
    group.join().await?;

    let (weather, sky) = watch("dark");
    let sleeper = curio::spawn(sleepy(sky));
    for colour in ["red", "orange", "grey", "blue"] {
        sleep(PAUSE).await;
        println!("The sky turns {colour}");
        weather.send(colour);
    }
    drop(weather);
    sleeper.join().await
}

fn main() -> Result<(), TaskError> {
    curio::run(main_task())
}
