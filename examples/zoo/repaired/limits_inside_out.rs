//! Asks a slow server for at most five seconds, and uses the cache after that; ten seconds are the limit in all.
use curio::{TaskTimeout, sleep, timeout_after};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn ask_server() -> &'static str {
    sleep(60 * SECOND).await;
    "fresh"
}

async fn answer() -> &'static str {
    timeout_after(5 * SECOND, ask_server()).await.unwrap_or("from the cache")
}

async fn main_task() -> Result<(), TaskTimeout> {
    let answer = timeout_after(10 * SECOND, answer()).await?;
    println!("the answer is {answer}");
    Ok(())
}

pub(crate) fn main() {
    if let Err(error) = curio::testing::run(main_task()) {
        println!("error: {error}");
    }
}
