//! What a thousand operations cost in polls and timers. One of the polls is the first of `main`.
use curio::debug::{Activation, Event, EventKind};
use curio::{Kernel, schedule, spawn, timeout_after};
use std::time::Duration;

struct Tally(&'static str, u64);

impl Activation for Tally {
    fn event(&mut self, event: &Event) {
        self.1 += u64::from(matches!(event.kind, EventKind::Running));
        if let EventKind::ShutDown { counts, .. } = event.kind {
            println!("{:20} {:4} polls, {:4} timers", self.0, self.1, counts.timers_set);
        }
    }
}
fn count(what: &'static str, operation: impl AsyncFn()) {
    Kernel::builder().virtual_clock(true).activation(Tally(what, 0)).run(async {
        for _ in 0..1000 {
            operation().await;
        }
    });
}
fn main() {
    let limit = Duration::from_secs(1);
    count("spawn and join", async || assert!(spawn(async {}).join().await.is_ok()));
    count("schedule", async || schedule().await);
    count("limit, ready at once", async || assert!(timeout_after(limit, async {}).await.is_ok()));
    count("limit, has to wait", async || assert!(timeout_after(limit, schedule()).await.is_ok()));
}
