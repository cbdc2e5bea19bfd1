//! Meant to print what a producer puts into a queue, and to end after that.
//!
//! `cargo run --example zoo -- empty_queue`
use curio::{Queue, spawn};
use std::rc::Rc;

async fn produce(queue: Rc<Queue<u32>>) {
    for n in 1..=3 {
        queue.put(n).await;
    }
}

async fn consume(queue: Rc<Queue<u32>>) {
    loop {
        println!("got {}", queue.get().await);
    }
}

async fn main_task() {
    let queue = Rc::new(Queue::new(2));
    let producer = spawn(produce(Rc::clone(&queue)));
    let consumer = spawn(consume(queue));
    producer.join().await.expect("it is not cancelled");
    consumer.join().await.expect("it is not cancelled");
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
