//! Limits in limits, and a shield in a limit: which one reports, and when.
use curio::{clock, disable_cancellation, sleep, timeout_after};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn work() {
    sleep(9 * SECOND).await;
}

async fn main_task() {
    for (outer, inner) in [(3, 2), (2, 3), (2, 2)] {
        let start = clock();
        let reporter = match timeout_after(outer * SECOND, timeout_after(inner * SECOND, work())).await {
            Ok(Ok(())) => "none",
            Ok(Err(_)) => "the inner one",
            Err(_) => "the outer one",
        };
        println!("outer {outer} s, inner {inner} s: {reporter} reports after {:?}", clock() - start);
    }
    let start = clock();
    let both = async { (disable_cancellation(work()).await, work().await) };
    let result = timeout_after(2 * SECOND, both).await;
    println!("a shield in a limit of 2 s: {result:?} after {:?}", clock() - start);
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
