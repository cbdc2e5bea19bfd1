//! The tutorial, chapter 2: losing patience.
//!
//! A kid would play for ever. Its parent waits a while, then cancels it. Three things to see:
//!
//! - `timeout_after` limits any wait. Here it limits the *joining*; the kid knows nothing of it and plays on.
//! - `cancel` takes effect where the kid awaits, wherever that is. `finally` tells it how it ended, and lets it
//!   clean up, which may take time.
//! - `cancel` returns when all of that is over. Whoever comes next finds no blocks on the floor.
//!
//! Run it: `cargo run --example tutorial_kid_and_parent`.
//!
//! Then break it: replace `kid.cancel().await` by `kid.request_cancel()`, which does not wait, and see the parent
//! leave too early. Or put `play()` into `curio::disable_cancellation`, and the parent has to wait for the castle.
use std::time::Duration;

use curio::{Outcome, TaskError, finally, sleep, timeout_after};

/// As long as a second in this story.
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
