//! Meant to add up the numbers of a list, each parsed in a task of its own.
//!
//! `cargo run --example zoo -- panic_in_task`
async fn parse(text: &str) -> u32 {
    text.parse().expect("a number")
}

async fn main_task() {
    let tasks = ["1", "2", "three", "4"].map(|text| curio::spawn(parse(text)));
    let mut sum = 0;
    for task in tasks {
        sum += task.join().await.unwrap_or_default();
    }
    println!("the sum is {sum}");
}

pub(crate) fn main() {
    curio::run(main_task());
}
