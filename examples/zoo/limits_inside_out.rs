//! Meant to ask a slow server for at most ten seconds in all, and to use the cache after that.
//!
//! `cargo run --example zoo -- limits_inside_out`
use curio::{TaskTimeout, sleep, timeout_after};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn ask_server() -> &'static str {
    sleep(60 * SECOND).await;
    "fresh"
}

async fn answer() -> &'static str {
    timeout_after(10 * SECOND, ask_server()).await.unwrap_or("from the cache")
}

async fn main_task() -> Result<(), TaskTimeout> {
    let answer = timeout_after(5 * SECOND, answer()).await?;
    println!("the answer is {answer}");
    Ok(())
}

pub(crate) fn main() {
    if let Err(error) = curio::testing::run(main_task()) {
        println!("error: {error}");
    }
}
