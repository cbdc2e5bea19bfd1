//! Meant to let a lamp blink every 100 ms while a checksum is computed.
//!
//! `CURIO_DEBUG=longblock cargo run --example zoo -- starvation`
use curio::{join, sleep};
use std::time::Duration;

async fn lamp() {
    for n in 1..=3 {
        println!("blink {n}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn checksum(length: u32) -> u32 {
    let mut sum = 0_u32;
    for n in 0..length {
        sum = sum.wrapping_mul(31).wrapping_add(n);
    }
    sum
}

async fn main_task() {
    let ((), sum) = join!(lamp(), checksum(100_000_000));
    println!("the checksum is {sum:08x}");
}

pub(crate) fn main() {
    curio::run(main_task());
}
