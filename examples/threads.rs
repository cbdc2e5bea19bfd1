//! Tasks and threads that share queues.
//!
//! Not everything can be a task: a library that blocks, a computation, a window system that needs its own thread. A letter
//! passes through three of them here, and each waits in its own way:
//!
//! - a plain thread, unknown to the kernel, uses the `…_blocking` twins;
//! - an async thread, `spawn_thread`, blocks like any thread, but can run any future in the kernel with `await_`. Other tasks
//!   see it as a task, which can be joined or cancelled;
//! - a task awaits.
//!
//! The queues are the same for all three (in Curio, the plain thread would need a `UniversalQueue`).
//!
//! Run it: `cargo run --example threads`.
//!
//! Then break it: cancel the clerk after the second letter. Which of its calls returns the cancellation? And which plain
//! thread waits for ever now, because it is not told?
use std::thread;
use std::time::Duration;

use curio::{Queue, TaskError, ThreadContext, sleep, spawn_thread};

/// `None` marks the end of the work.
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
