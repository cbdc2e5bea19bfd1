//! A slow call in a thread. After a second it wakes one task with an event, after two its own with what it returns.
use curio::{Event, run_in_thread, spawn_named};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
static BELL: Event = Event::new();

fn slow_call() -> Option<String> {
    thread::sleep(SECOND);
    BELL.set();
    thread::sleep(SECOND);
    thread::current().name().map(str::to_string)
}

async fn main_task() {
    let listener = spawn_named("listener", async {
        BELL.wait().await;
        println!("the bell rang");
    });
    let caller = spawn_named("caller", async {
        println!("the call ran on {:?}", run_in_thread(slow_call).await);
    });
    listener.join().await.expect("it does not panic");
    caller.join().await.expect("it does not panic");
}

fn main() {
    curio::run(main_task());
}
