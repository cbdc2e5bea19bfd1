//! Writes two lines into a log that two tasks share.
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

type Log = Rc<RefCell<Vec<&'static str>>>;

async fn write(log: Log, line: &'static str) {
    curio::sleep(Duration::from_millis(10)).await;
    log.borrow_mut().push(line);
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
