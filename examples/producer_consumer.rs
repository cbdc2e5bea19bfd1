//! A queue between those who make things and those who use them up.
//!
//! The queue has room for three. A producer that is too fast waits in `put`, consumers that are too fast wait in
//! `get`, and neither knows of the other. At the end, how does one know that all is done? An empty queue is not
//! enough: a consumer may still be busy with the last thing. So each says `task_done` after each, and `join` waits
//! until that was said of everything that was ever put. Then nobody needs the consumers any more.
//!
//! Run it: `cargo run --example producer_consumer`.
//!
//! Then break it: forget `task_done`, and the program hangs. It knows that it does: read what it says.
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
    // They wait for more loaves, which will not come.
    guests.cancel_remaining().await;
    println!("The guests have gone");
    Ok(())
}

fn main() -> Result<(), TaskError> {
    curio::run(main_task())
}
