//! Starts a task before anything else.
async fn greet() {
    println!("hello");
}

pub(crate) fn main() {
    curio::run(async {
        let greeting = curio::spawn(greet());
        greeting.join().await.expect("it is not cancelled");
    });
}
