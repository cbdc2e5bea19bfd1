//! Sleeps and limits of hours, on a clock that is made up.
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn sleeper(hours: u32) -> u32 {
    curio::sleep(hours * HOUR).await;
    hours
}

async fn main_task() {
    let (start, really) = (curio::clock(), Instant::now());
    let mut three = curio::spawn_named("three", sleeper(3));
    let mut one = curio::spawn_named("one", sleeper(1));
    println!("in time: {:?}", curio::timeout_after(24 * HOUR, &mut one).await);
    println!("too late: {:?}", curio::timeout_after(HOUR, &mut three).await);
    println!("in time: {:?}", curio::timeout_after(24 * HOUR, &mut three).await);
    println!("{:?} on the clock of the kernel", curio::clock() - start);
    println!("and less than a real minute: {}", really.elapsed() < Duration::from_secs(60));
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
