//! Two waits that stand in line for a lock and that nothing polls, in front of a third one.
use curio::{Lock, sleep, spawn_named};
use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Duration};

async fn dormant(lock: Rc<Lock<()>>) {
    let (mut one, mut two) = (pin!(lock.acquire()), pin!(lock.acquire()));
    // Polled once, and then left alone, as by a `select!` over `&mut one` and `&mut two` that has ended.
    poll_fn(|cx| Poll::Ready((one.as_mut().poll(cx).is_pending(), two.as_mut().poll(cx).is_pending()))).await;
    sleep(Duration::from_secs(60)).await;
}

async fn main_task() {
    let lock = Rc::new(Lock::new(()));
    let guard = lock.acquire().await;
    let dormant = spawn_named("dormant", dormant(Rc::clone(&lock)));
    let line = Rc::clone(&lock);
    let waiter = spawn_named("waiter", async move { drop(line.acquire().await) });
    sleep(Duration::from_secs(1)).await;
    drop(guard);
    waiter.join().await.expect("it does not panic");
    println!("the waiter had the lock, and the task in front of it still sleeps");
    dormant.cancel().await;
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
