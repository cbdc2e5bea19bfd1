//! Two tasks take turns, then each waits for its own time.
use std::time::Duration;

async fn walker(name: &str, seconds: u64) {
    for step in 1..=2 {
        println!("{name}, step {step}");
        curio::schedule().await;
    }
    curio::sleep(Duration::from_secs(seconds)).await;
    println!("{name}, done");
}

async fn main_task() {
    let left = curio::spawn_named("left", walker("left", 2));
    let right = curio::spawn_named("right", walker("right", 1));
    println!("both are spawned, and neither has run");
    left.join().await.expect("it does not panic");
    right.join().await.expect("it does not panic");
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
