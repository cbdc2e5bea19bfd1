//! Meant to write two lines into a log that two tasks share.
//!
//! `cargo run --example zoo -- refcell_across_await`
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

type Log = Rc<RefCell<Vec<&'static str>>>;

async fn write(log: Log, line: &'static str) {
    let mut lines = log.borrow_mut();
    curio::sleep(Duration::from_millis(10)).await;
    lines.push(line);
}

async fn main_task() {
    let log = Log::default();
    let tasks = ["first", "second"].map(|line| curio::spawn(write(log.clone(), line)));
    for task in tasks {
        if let Err(error) = task.join().await {
            println!("{error}");
        }
    }
    println!("{:?}", log.borrow());
}

pub(crate) fn main() {
    curio::run(main_task());
}
