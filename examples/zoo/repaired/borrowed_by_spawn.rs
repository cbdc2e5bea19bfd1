//! Counts the words of two texts at the same time, without copying them.
async fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

async fn main_task() {
    let texts = [String::from("to be or not to be"), String::from("that is the question")];
    curio::scope(async |scope| {
        let counts = [scope.spawn(count(&texts[0])), scope.spawn(count(&texts[1]))];
        for count in counts {
            println!("{:?}", count.join().await);
        }
    })
    .await;
}

pub(crate) fn main() {
    curio::run(main_task());
}
