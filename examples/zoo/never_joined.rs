//! Meant to send three letters.
//!
//! `cargo run --example zoo -- never_joined`
use std::time::Duration;

async fn send(letter: u32) {
    curio::sleep(Duration::from_millis(10)).await;
    println!("letter {letter} is sent");
}

async fn main_task() {
    for letter in 1..=3 {
        let _sending = curio::spawn(send(letter));
    }
    println!("all letters are on their way");
}

pub(crate) fn main() {
    curio::run(main_task());
}
