//! Does the jobs of a queue, and gives those up that take too long.
use curio::{Queue, ignore_after, sleep, spawn_named};
use std::rc::Rc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn work(queue: Rc<Queue<u32>>) {
    loop {
        let job = queue.get().await;
        match ignore_after(2 * SECOND, sleep(job * SECOND)).await {
            Some(()) => println!("job {job} is done"),
            None => println!("job {job} takes too long; the next one"),
        }
        queue.task_done();
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
