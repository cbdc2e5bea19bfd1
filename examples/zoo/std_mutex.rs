//! Meant to add to a total from two tasks, one after the other.
//!
//! It hangs: see docs/zoo.md for how to ask it why, from another terminal.
use curio::{sleep, spawn};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

async fn add(total: Rc<Mutex<u32>>, amount: u32) {
    let mut total = total.lock().expect("no task panics");
    sleep(Duration::from_millis(10)).await;
    *total += amount;
}

async fn main_task() {
    let total = Rc::new(Mutex::new(0));
    let tasks = [1, 2].map(|amount| spawn(add(Rc::clone(&total), amount)));
    for task in tasks {
        task.join().await.expect("no task is cancelled");
    }
    println!("the total is {}", total.lock().expect("no task panics"));
}

pub(crate) fn main() {
    curio::run(main_task());
}
