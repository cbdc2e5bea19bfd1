//! Meant to wait, with a future written by hand, until another task opens a door.
//!
//! `cargo run --example zoo -- lost_wakeup`
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

struct Opened(Rc<Cell<bool>>);

impl Future for Opened {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn main_task() {
    let door = Rc::new(Cell::new(false));
    let guest = curio::spawn_named("guest", Opened(Rc::clone(&door)));
    curio::schedule().await;
    door.set(true);
    guest.join().await.expect("it is not cancelled");
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
