//! Adds to a total from two tasks, one after the other.
use curio::{Lock, sleep, spawn};
use std::rc::Rc;
use std::time::Duration;

async fn add(total: Rc<Lock<u32>>, amount: u32) {
    let mut total = total.acquire().await;
    sleep(Duration::from_millis(10)).await;
    *total += amount;
}

async fn main_task() {
    let total = Rc::new(Lock::new(0));
    let tasks = [1, 2].map(|amount| spawn(add(Rc::clone(&total), amount)));
    for task in tasks {
        task.join().await.expect("no task is cancelled");
    }
    println!("the total is {}", *total.acquire().await);
}

pub(crate) fn main() {
    curio::run(main_task());
}
