//! Sends three letters, and ends when they are sent.
use std::time::Duration;

async fn send(letter: u32) {
    curio::sleep(Duration::from_millis(10)).await;
    println!("letter {letter} is sent");
}

async fn main_task() {
    let sending = [1, 2, 3].map(|letter| curio::spawn(send(letter)));
    println!("all letters are on their way");
    for letter in sending {
        letter.join().await.expect("it is not cancelled");
    }
}

pub(crate) fn main() {
    curio::run(main_task());
}
