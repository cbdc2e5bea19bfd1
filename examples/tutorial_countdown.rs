//! The tutorial, chapter 1: a task, and another one beside it.
//!
//! A kid does its homework while the parent counts down. Both spend their time waiting, and `spawn` is all it takes to
//! wait for two things at once: the program takes as long as the longer one, not as both together. Joining a task returns
//! its result.
//!
//! Run it: `cargo run --example tutorial_countdown`.
//!
//! Then break it: use `std::thread::sleep` for the homework, and the countdown stops. There is one thread, and a task that
//! does not await blocks it. With `CURIO_DEBUG=schedtrace` in the environment you can watch the kernel switch between the
//! tasks.
use std::time::Duration;

use curio::TaskError;

/// Stands for a second of the story.
const SECOND: Duration = Duration::from_millis(100);

async fn countdown(from: u32) {
    for left in (1..=from).rev() {
        println!("T-minus {left}");
        curio::sleep(SECOND).await;
    }
}

async fn kid(x: u32, y: u32) -> u32 {
    println!("Kid: {x} times {y}? Let me think");
    curio::sleep(10 * SECOND).await;
    x * y
}

async fn parent() -> Result<(), TaskError> {
    let homework = curio::spawn(kid(37, 42));
    let count = curio::spawn(countdown(3));

    count.join().await?;
    println!("Parent: are you done yet?");
    println!("Parent: {}, that is right!", homework.join().await?);
    Ok(())
}

fn main() -> Result<(), TaskError> {
    curio::run(parent())
}
