//! Meant to do every job of a queue, the fast ones at once and the slow ones later.
//!
//! `cargo run --example zoo -- lost_job`
use curio::{Queue, ignore_after, sleep, spawn_named};
use std::rc::Rc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn work(queue: Rc<Queue<u32>>) {
    loop {
        let one_job = async {
            let job = queue.get().await;
            sleep(job * SECOND).await;
            queue.task_done();
            println!("job {job} is done");
        };
        if ignore_after(2 * SECOND, one_job).await.is_none() {
            println!("that takes too long; the next one");
        }
        if queue.is_empty() {
            return;
        }
    }
}

async fn main_task() {
    let queue = Rc::new(Queue::unbounded());
    for job in [1, 5] {
        queue.put(job).await;
    }
    spawn_named("worker", work(Rc::clone(&queue))).detach();
    queue.join().await;
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
