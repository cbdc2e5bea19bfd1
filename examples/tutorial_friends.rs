//! The tutorial, chapter 3: events, and groups of tasks.
//!
//! A kid asks again and again whether it may play, until its parent sets an `Event`, which is how one task tells another that
//! something has happened. Then it plays with friends, in a `TaskGroup`. When the parent cancels the kid, the friends are
//! cancelled too: a group never outlives the task that made it, without any code for that. One of the friends is in the
//! middle of a sentence, and finishes it in `disable_cancellation`.
//!
//! Run it: `cargo run --example tutorial_friends`.
//!
//! Then break it: use `curio::spawn` in place of `friends.spawn`, and they play on without the kid. What does the kernel
//! do with them in the end, and what does it report?
use std::time::Duration;

use curio::{Event, Outcome, TaskError, TaskGroup, disable_cancellation, finally, ignore_after, sleep};

/// Stands for a second of the story.
const SECOND: Duration = Duration::from_millis(100);

static ALLOWED: Event = Event::new();

async fn friend(name: &'static str) {
    println!("{name}: hello!");
    play(name).await;
}

async fn play(name: &'static str) {
    finally(sleep(1000 * SECOND), async |_| println!("{name}: bye!")).await;
}

async fn friend_with_a_secret(name: &'static str) {
    disable_cancellation(async {
        println!("{name}: hello! I have a secret. If you press both switches");
        sleep(8 * SECOND).await;
        println!("{name}: the whole house goes dark");
    })
    .await;
    play(name).await;
}

async fn kid() -> Result<(), TaskError> {
    while ignore_after(SECOND, ALLOWED.wait()).await.is_none() {
        println!("Kid: may I play?");
    }
    println!("Kid: friends, come in");
    let playing = async {
        let friends = TaskGroup::new();
        friends.spawn(friend("Ada"));
        friends.spawn(friend("Linus"));
        friends.spawn(friend_with_a_secret("Grace"));
        friends.join().await
    };
    finally(playing, async |outcome| {
        if outcome == Outcome::Cancelled {
            println!("Kid: I am alone again");
        }
    })
    .await?;
    Ok(())
}

async fn parent() {
    let kid = curio::spawn(kid());
    sleep(SECOND * 7 / 2).await;
    println!("Parent: yes, you may");
    ALLOWED.set();

    sleep(3 * SECOND).await;
    println!("Parent: time to stop");
    kid.cancel().await;
    println!("Parent: good night");
}

fn main() {
    curio::run(parent());
}
