//! The tutorial, chapter 2: timeouts and cancellation.
//!
//! A kid would play for ever. Its parent waits a while, then cancels it. Three things to see:
//!
//! - `timeout_after` limits any wait. Here it limits the *joining*; the kid is not affected and plays on.
//! - `cancel` takes effect where the kid awaits, wherever that is. `finally` runs its cleanup, which may take time, and says
//!   how the kid ended.
//! - `cancel` returns when all of that is over, so there are no blocks left on the floor.
//!
//! Run it: `cargo run --example tutorial_kid_and_parent`.
//!
//! Then break it: replace `kid.cancel().await` by `kid.request_cancel()`, which does not wait, and see the parent
//! leave too early. Or put `play()` into `curio::disable_cancellation`, and the parent has to wait for the castle.
use std::time::Duration;

use curio::{Outcome, TaskError, finally, sleep, timeout_after};

/// Stands for a second of the story.
const SECOND: Duration = Duration::from_millis(100);

async fn play() -> &'static str {
    println!("Kid: I am building a castle");
    sleep(1000 * SECOND).await;
    "a castle"
}

async fn kid() -> &'static str {
    finally(play(), async |outcome| {
        if outcome == Outcome::Cancelled {
            println!("Kid: but it has no roof yet!");
            sleep(2 * SECOND).await;
            println!("Kid: all blocks are in the box");
        }
    })
    .await
}

async fn parent() -> Result<(), TaskError> {
    let mut kid = curio::spawn(kid());
    sleep(3 * SECOND).await;

    println!("Parent: we have to go in a moment");
    match timeout_after(2 * SECOND, &mut kid).await {
        Ok(castle) => println!("Parent: {}, how nice", castle?),
        Err(_) => {
            println!("Parent: we have to go now");
            kid.cancel().await;
            println!("Parent: here we go");
            println!("What the kid has made: {:?}", kid.join().await);
        }
    }
    Ok(())
}

fn main() -> Result<(), TaskError> {
    curio::run(parent())
}
