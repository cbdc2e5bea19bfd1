//! A task is cancelled inside a transaction inside a transaction: both are rolled back, the inner one first.
use curio::{finally, sleep, spawn_named};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn transaction(name: &str, body: impl Future<Output = ()>) {
    let roll_back = async |outcome| {
        println!("{name}: {outcome:?}");
        sleep(SECOND).await;
        println!("{name}: rolled back");
    };
    finally(body, roll_back).await;
    println!("{name}: never printed");
}

async fn worker() {
    let work = async { sleep(60 * SECOND).await };
    transaction("outer", transaction("inner", work)).await;
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(async {
        let worker = spawn_named("worker", worker());
        sleep(SECOND).await;
        let start = curio::clock();
        println!("cancelled: {} after {:?}", worker.cancel().await, curio::clock() - start);
        println!("its result is {:?}", worker.join().await);
    });
}
