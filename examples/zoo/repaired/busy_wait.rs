//! Waits until another task is ready.
use curio::Event;
use std::rc::Rc;
use std::time::Duration;

async fn prepare(ready: Rc<Event>) {
    curio::sleep(Duration::from_millis(300)).await;
    ready.set();
}

async fn main_task() {
    let ready = Rc::new(Event::new());
    let preparing = curio::spawn(prepare(Rc::clone(&ready)));
    ready.wait().await;
    println!("ready");
    preparing.join().await.expect("it is not cancelled");
}

pub(crate) fn main() {
    curio::run(main_task());
}
