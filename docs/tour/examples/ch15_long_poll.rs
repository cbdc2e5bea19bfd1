//! The same second of blocking work, in a task and in a thread, beside a task that wants to wake after 10 ms.
use curio::{clock, join, run_in_thread, sleep, spawn_named};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn punctual(beside: &str) {
    let due = clock() + Duration::from_millis(10);
    sleep(Duration::from_millis(10)).await;
    println!("beside {beside}: {}", if clock() - due < SECOND / 2 { "in time" } else { "late" });
}

fn main() {
    curio::run(async {
        let punctual_one = spawn_named("punctual", punctual("a long poll"));
        let blocking = spawn_named("blocks its thread", async { thread::sleep(SECOND) });
        let _ = join!(punctual_one.join(), blocking.join());
        let punctual_one = spawn_named("punctual", punctual("a thread"));
        let working = spawn_named("asks a thread", run_in_thread(|| thread::sleep(SECOND)));
        let _ = join!(punctual_one.join(), working.join());
    });
}
