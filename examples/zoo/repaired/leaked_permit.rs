//! Runs three jobs, at most two at a time.
use curio::{Semaphore, spawn_named};
use std::cell::RefCell;
use std::rc::Rc;

static TWO_AT_A_TIME: Semaphore = Semaphore::new(2);

type Results = Rc<RefCell<Vec<u32>>>;

async fn square(n: u32, results: Results) {
    let _permit = TWO_AT_A_TIME.acquire().await;
    results.borrow_mut().push(n * n);
}

async fn main_task() {
    let results = Results::default();
    let tasks = [1, 2, 3].map(|n| spawn_named(format!("square {n}"), square(n, results.clone())));
    for task in tasks {
        task.join().await.expect("it is not cancelled");
    }
    println!("{} squares", results.borrow().len());
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
