//! A queue between tasks that produce items and tasks that consume them.
//!
//! The queue has room for three. A producer that is too fast waits in `put`, a consumer that is too fast waits in `get`, and
//! neither knows the other. How does the program know that everything is done? An empty queue is not enough, because a
//! consumer may still be working on the last item. So each consumer calls `task_done` after each item, and `join` waits until
//! that has happened for every item that was put. After that the consumers can be cancelled.
//!
//! Run it: `cargo run --example producer_consumer`.
//!
//! Then break it: leave out `task_done`, and the program deadlocks. Read the report.
use std::time::Duration;

use curio::{Queue, TaskError, TaskGroup, sleep};

static OVEN: Queue<u32> = Queue::new(3);

async fn baker() {
    for loaf in 1..=6 {
        OVEN.put(loaf).await;
        println!("Baker: loaf {loaf} is in the oven, with {} in all", OVEN.size());
    }
    OVEN.join().await;
    println!("Baker: all are eaten");
}

async fn guest(name: &str) {
    loop {
        let loaf = OVEN.get().await;
        println!("{name}: I have loaf {loaf}");
        sleep(Duration::from_millis(50)).await;
        OVEN.task_done();
    }
}

async fn main_task() -> Result<(), TaskError> {
    let guests = TaskGroup::new();
    guests.spawn(guest("Ada"));
    guests.spawn(guest("Linus"));
    curio::spawn(baker()).join().await?;
    // They wait for loaves that will never come.
    guests.cancel_remaining().await;
    println!("The guests have gone");
    Ok(())
}

fn main() -> Result<(), TaskError> {
    curio::run(main_task())
}
