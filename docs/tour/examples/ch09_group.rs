//! Three tasks in a group: the second fails, the third is stopped and cleans up, and `try_join` waits for that.
use curio::{Outcome, TaskGroup, clock, finally, sleep, spawn_named};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn member(seconds: u32) -> Result<u32, String> {
    sleep(seconds * SECOND).await;
    if seconds == 2 { Err("the second one failed".to_string()) } else { Ok(seconds) }
}

async fn clean_up(outcome: Outcome) {
    println!("the third one: {outcome:?}");
    sleep(SECOND).await;
}

async fn main_task() {
    let start = clock();
    let group = TaskGroup::new();
    group.add_task(spawn_named("first", member(1)));
    group.add_task(spawn_named("second", member(2)));
    group.add_task(spawn_named("third", finally(member(60), clean_up)));
    let error = group.try_join().await.expect_err("one fails");
    println!("{error} (after {:?})", clock() - start);
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
