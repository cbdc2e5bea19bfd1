//! A lock that its task wants twice. Nothing else can happen, so the kernel finds the deadlock itself.
use curio::Lock;

async fn main_task() {
    let log = Lock::new(Vec::new());
    let mut entries = log.acquire().await;
    entries.push("begins");
    log.acquire().await.push("ends");
}

fn main() {
    std::panic::set_hook(Box::new(|_| {})); // It would print the report, too.
    let run = || curio::Kernel::builder().virtual_clock(true).run(main_task());
    let panic = std::panic::catch_unwind(run).expect_err("it cannot end");
    let report = panic.downcast::<String>().expect("a report is text");
    // With debug information, the functions on the way to the wait follow.
    report.lines().take(2).for_each(|line| println!("{line}"));
}
