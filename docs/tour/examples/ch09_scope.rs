//! Children of a scope change what their parent owns; the parent goes on when the last of them has ended.
use std::time::Duration;

async fn child(number: &mut u64) {
    curio::sleep(Duration::from_secs(*number)).await;
    *number *= 10;
}

async fn main_task() {
    let start = curio::clock();
    let mut numbers = [2, 1];
    curio::scope(async |scope| {
        for number in &mut numbers {
            scope.spawn(child(number));
        }
    })
    .await;
    println!("{numbers:?} after {:?}", curio::clock() - start);
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
