//! Meant to let a lamp blink every 100 ms while a report is made.
//!
//! `CURIO_DEBUG=longblock cargo run --example zoo -- blocking_sleep`
use curio::{join, sleep, spawn};
use std::time::Duration;

async fn lamp() {
    for n in 1..=3 {
        println!("blink {n}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn report() {
    sleep(Duration::from_millis(10)).await;
    std::thread::sleep(Duration::from_millis(500));
    println!("the report is done");
}

async fn main_task() {
    let (lamp, report) = (spawn(lamp()), spawn(report()));
    let (lamp, report) = join!(lamp, report);
    lamp.and(report).expect("none of them is cancelled");
}

pub(crate) fn main() {
    curio::run(main_task());
}
