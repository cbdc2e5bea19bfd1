//! Saves two files, one after the other, and then says so.
use std::time::Duration;

async fn save(name: &str) {
    curio::sleep(Duration::from_millis(10)).await;
    println!("{name} is saved");
}

async fn main_task() {
    save("one.txt").await;
    save("two.txt").await;
    println!("everything is saved");
}

pub(crate) fn main() {
    curio::run(main_task());
}
