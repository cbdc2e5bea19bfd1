//! Four ways in which a task may end: it returns, it panics, it is cancelled, it is never joined.
use std::time::Duration;

async fn work(seconds: u64, fails: bool) -> u64 {
    curio::sleep(Duration::from_secs(seconds)).await;
    assert!(!fails, "on purpose");
    seconds
}

async fn main_task() {
    let returns = curio::spawn_named("returns", work(1, false));
    let panics = curio::spawn_named("panics", work(2, true));
    let cancelled = curio::spawn_named("cancelled", work(60, false));
    drop(curio::spawn_named("forgotten", work(3, false)));
    println!("panics: {:?}", panics.join().await);
    println!("returns: {:?}", returns.join().await);
    curio::sleep(Duration::from_secs(2)).await;
    println!("cancel returned {}", cancelled.cancel().await);
    println!("cancelled: {:?}", cancelled.join().await);
}

fn main() {
    // The kernel reports the panic of a task. The standard library would write of it, too.
    std::panic::set_hook(Box::new(|_| ()));
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
