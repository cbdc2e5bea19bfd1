//! The same `sum`, polled by a kernel.
use curio::debug::region;
use std::time::Duration;

async fn sum(one: impl Future<Output = u32>, two: impl Future<Output = u32>) -> u32 {
    println!("  sum begins");
    let first = one.await;
    println!("  sum has its first value, {first}");
    first + two.await
}

async fn value(number: u32, seconds: u64) -> u32 {
    curio::sleep(Duration::from_secs(seconds)).await;
    number
}

fn main() {
    let one = region("one", value(2, 1));
    let two = region("two", value(3, 2));
    let total = curio::Kernel::builder().virtual_clock(true).run(sum(one, two));
    println!("run returned {total}");
}
