//! The tutorial, chapter 4: computations, and the first result of several tasks.
//!
//! A kid computes Fibonacci numbers, in the slowest way possible, beside a countdown. A computation does not await, so it
//! would keep the countdown from running; `run_in_thread` moves it to a thread. The two run in a group with `Wait::Any`:
//! the first that finishes wins, and the other one is cancelled.
//!
//! Run it: `cargo run --example tutorial_race`.
//!
//! Then break it: call `fib(n)` in `kid` without the thread, and the countdown prints nothing (end the program with Ctrl-C,
//! twice: the first is for the kernel, which is blocked). A thread cannot be stopped: the one that computes `fib(90)` goes on
//! after its task has been cancelled, but does not delay the end of the program. How long would `Wait::All` take?
use std::time::Duration;

use curio::{TaskError, TaskGroup, Wait, run_in_thread, sleep};

/// Stands for a second of the story.
const SECOND: Duration = Duration::from_millis(100);

fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

async fn kid(n: u64) -> Result<Option<u64>, TaskError> {
    Ok(Some(run_in_thread(move || fib(n)).await?))
}

async fn countdown(from: u32) -> Result<Option<u64>, TaskError> {
    for left in (1..=from).rev() {
        println!("T-minus {left}");
        sleep(SECOND).await;
    }
    Ok(None)
}

async fn race(n: u64) -> Result<(), TaskError> {
    println!("What is fib({n})?");
    let group = TaskGroup::with_wait(Wait::Any);
    group.spawn(kid(n));
    group.spawn(countdown(3));
    // There is one result, that of the winner.
    for winner in group.join().await? {
        match winner? {
            Some(result) => println!("It is {result}."),
            None => println!("Time is up."),
        }
    }
    Ok(())
}

fn main() -> Result<(), TaskError> {
    curio::run(async {
        race(20).await?;
        race(90).await
    })
}
