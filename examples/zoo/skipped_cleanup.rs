//! Meant to roll a transaction back if it takes longer than a second.
//!
//! `cargo run --example zoo -- skipped_cleanup`
use curio::{Outcome, finally, sleep};
use futures_util::future::select;
use std::pin::pin;
use std::time::Duration;

async fn transaction() {
    let end = async |outcome| match outcome {
        Outcome::Done => println!("committed"),
        Outcome::Cancelled | Outcome::TimedOut => println!("rolled back"),
    };
    finally(sleep(Duration::from_secs(60)), end).await;
}

async fn main_task() {
    let limit = sleep(Duration::from_secs(1));
    select(pin!(transaction()), limit).await;
    println!("the next transaction, please");
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
