//! Meant to start a task before anything else.
//!
//! `cargo run --example zoo -- outside_run`
async fn greet() {
    println!("hello");
}

pub(crate) fn main() {
    let greeting = curio::spawn(greet());
    curio::run(async {
        greeting.join().await.expect("it is not cancelled");
    });
}
