//! Meant to wait until another task is ready. It does, and keeps the processor busy all the while.
//!
//! `CURIO_STATS=1 cargo run --example zoo -- busy_wait`
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

async fn prepare(ready: Rc<Cell<bool>>) {
    curio::sleep(Duration::from_millis(300)).await;
    ready.set(true);
}

async fn main_task() {
    let ready = Rc::new(Cell::new(false));
    let preparing = curio::spawn(prepare(Rc::clone(&ready)));
    while !ready.get() {
        curio::schedule().await;
    }
    println!("ready");
    preparing.join().await.expect("it is not cancelled");
}

pub(crate) fn main() {
    curio::run(main_task());
}
