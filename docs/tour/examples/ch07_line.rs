//! Three tasks wait in line for a lock. One gives up in line, one is stopped just as the lock is handed to it.
use curio::{Lock, ignore_after, sleep, spawn_named};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
static LOCK: Lock = Lock::new(());

async fn visitor(name: &str, patience: u32) {
    if let Some(_guard) = ignore_after(patience * SECOND, LOCK.acquire()).await {
        println!("{name} has the lock");
        sleep(SECOND).await;
    }
}

async fn main_task() {
    let guard = LOCK.acquire().await;
    let ann = spawn_named("ann", visitor("ann", 1));
    let ben = spawn_named("ben", visitor("ben", 9));
    let cleo = spawn_named("cleo", visitor("cleo", 9));
    sleep(2 * SECOND).await;
    ben.request_cancel();
    drop(guard);
    println!("released, and free for others: {}", LOCK.try_acquire().is_some());
    let _guard = LOCK.acquire().await;
    println!("main has the lock; {:?}, {:?}, {:?}", ann.join().await, ben.join().await, cleo.join().await);
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
