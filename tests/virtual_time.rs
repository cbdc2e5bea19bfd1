//! The article's program, client and server on one kernel, under a clock that jumps over every wait.
//!
//! Bytes between the two go through the system's real loopback, which delivers at once; only the waiting is virtual.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use curio::{BoundedSemaphore, Kernel};
use curio_http::{ClientSession, Error};
use curio_support::{Failure, Httpbin};
use serde_json::Value;

/// Asks `/delay/1` to `/delay/4` at once, so many at a time; how long it took by the kernel's clock and by the wall's.
fn four_delays(at_a_time: usize) -> Result<(Duration, Duration), Failure> {
    let wall = Instant::now();
    let by_kernel = Kernel::builder().virtual_clock(true).run(async {
        let httpbin = Httpbin::start().await?;
        let semaphore = std::rc::Rc::new(BoundedSemaphore::new(at_a_time));
        let start = curio::clock();
        let mut tasks = Vec::new();
        for seconds in 1..=4 {
            let (url, semaphore) = (httpbin.url(&format!("/delay/{seconds}")), semaphore.clone());
            tasks.push(curio::spawn(async move {
                let _permit = semaphore.acquire().await;
                let mut response = ClientSession::new().get(url).await?;
                response.json::<Value>().await
            }));
        }
        for task in tasks {
            let answer: Result<Value, Error> = task.join().await?;
            answer?;
        }
        let took = curio::clock() - start;
        httpbin.close().await;
        Ok::<_, Failure>(took)
    })?;
    Ok((by_kernel, wall.elapsed()))
}

#[test]
fn the_longest_of_four_delays_counts_and_nobody_waits() -> Result<(), Failure> {
    let (by_kernel, by_wall) = four_delays(4)?;
    assert_eq!(by_kernel, Duration::from_secs(4));
    assert!(by_wall < Duration::from_secs(3), "{by_wall:?}");
    Ok(())
}

#[test]
fn two_at_a_time_take_six_seconds_and_nobody_waits() -> Result<(), Failure> {
    let (by_kernel, by_wall) = four_delays(2)?;
    assert_eq!(by_kernel, Duration::from_secs(6));
    assert!(by_wall < Duration::from_secs(3), "{by_wall:?}");
    Ok(())
}
