//! Prints what a producer puts into a queue, up to the `None` that ends it.
use curio::{Queue, spawn};
use std::rc::Rc;

async fn produce(queue: Rc<Queue<Option<u32>>>) {
    for n in 1..=3 {
        queue.put(Some(n)).await;
    }
    queue.put(None).await;
}

async fn consume(queue: Rc<Queue<Option<u32>>>) {
    while let Some(n) = queue.get().await {
        println!("got {n}");
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
