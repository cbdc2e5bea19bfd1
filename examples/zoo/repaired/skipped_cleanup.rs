//! Rolls a transaction back if it takes longer than a second.
use curio::{Outcome, finally, ignore_after, sleep};
use std::time::Duration;

async fn transaction() {
    let end = async |outcome| match outcome {
        Outcome::Done => println!("committed"),
        Outcome::Cancelled | Outcome::TimedOut => println!("rolled back"),
    };
    finally(sleep(Duration::from_secs(60)), end).await;
}

async fn main_task() {
    ignore_after(Duration::from_secs(1), transaction()).await;
    println!("the next transaction, please");
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
