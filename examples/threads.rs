//! Tasks and threads at the same queues.
//!
//! Not everything can be a task: a library that blocks, a computation, a window system that wants a thread of its
//! own. A letter goes through three hands here, and each does its waiting in its own way:
//!
//! - a plain thread, which the kernel knows nothing of, uses the `…_blocking` twins;
//! - an async thread, `spawn_thread`, blocks like any thread, but may run whatever a task could: `await_` has it run
//!   in the kernel. To the outside it is a task, to be joined or cancelled;
//! - a task awaits.
//!
//! The queues are the same for all three (in Curio, the plain thread would need a `UniversalQueue`).
//!
//! Run it: `cargo run --example threads`.
//!
//! Then break it: cancel the clerk after the second letter. Which of its calls tells it? And who waits for ever now,
//! because nobody tells a plain thread?
use std::thread;
use std::time::Duration;

use curio::{Queue, TaskError, ThreadContext, sleep, spawn_thread};

/// The end of the work is a letter that is not there.
type Mail = Queue<Option<String>>;

static WRITTEN: Mail = Queue::new(1);
static STAMPED: Mail = Queue::new(1);
static POSTED: Mail = Queue::new(1);

fn stamp_all() {
    while let Some(letter) = WRITTEN.get_blocking() {
        thread::sleep(Duration::from_millis(20));
        STAMPED.put_blocking(Some(format!("{letter}, stamped")));
    }
    STAMPED.put_blocking(None);
}

fn clerk(curio: ThreadContext) -> Result<u32, TaskError> {
    let mut count = 0;
    while let Some(letter) = curio.await_(|| STAMPED.get())? {
        curio.await_(|| sleep(Duration::from_millis(20)))?;
        count += 1;
        curio.await_(move || POSTED.put(Some(format!("{letter}, posted as number {count}"))))?;
    }
    curio.await_(|| POSTED.put(None))?;
    Ok(count)
}

async fn read_all() {
    while let Some(letter) = POSTED.get().await {
        println!("{letter}");
    }
}

async fn main_task() -> Result<(), TaskError> {
    let clerk = spawn_thread(clerk);
    let reader = curio::spawn(read_all());
    for name in ["Ada", "Grace", "Linus"] {
        WRITTEN.put(Some(format!("Dear {name}"))).await;
    }
    WRITTEN.put(None).await;

    println!("The clerk has posted {}", clerk.join().await??);
    reader.join().await
}

fn main() -> Result<(), TaskError> {
    let stamping = thread::spawn(stamp_all);
    curio::run(main_task())?;
    println!("The stamping went well: {}", stamping.join().is_ok());
    Ok(())
}
