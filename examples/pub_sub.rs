//! One who speaks and many who listen, in two ways.
//!
//! - `broadcast`: everybody gets *every* message. Sending never waits, so somebody who listens too slowly misses the
//!   oldest ones, and is told how many. Right for news.
//! - `watch`: everybody gets the *latest* value. Whoever was busy has missed nothing that still counts. Right for a
//!   setting, a temperature, a state.
//!
//! Both end when the sender is gone: nobody has to be cancelled.
//!
//! Run it: `cargo run --example pub_sub`.
//!
//! Then try: give the broadcast room for 10, and the sleepy reader misses nothing. What does a reader get who
//! subscribes in the middle? (Curio's own example builds this from queues: see `chat_server`.)
use std::time::Duration;

use curio::{TaskError, TaskGroup, broadcast, sleep, watch};

/// How long it takes until there is something new.
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

/// Looks out of the window only when it has woken up.
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
    // Five at once, for two who have not had the time to read one, and room for three.
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
