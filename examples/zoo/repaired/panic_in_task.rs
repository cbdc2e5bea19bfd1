//! Adds up the numbers of a list, each parsed in a task of its own.
async fn parse(text: &str) -> Result<u32, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

async fn main_task() {
    let tasks = ["1", "2", "three", "4"].map(|text| curio::spawn(parse(text)));
    let mut sum = 0;
    for task in tasks {
        match task.join().await.expect("no task panics") {
            Ok(number) => sum += number,
            Err(error) => println!("left out: {error}"),
        }
    }
    println!("the sum is {sum}");
}

pub(crate) fn main() {
    curio::run(main_task());
}
