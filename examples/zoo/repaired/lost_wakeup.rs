//! Waits, with a future written by hand, until another task opens a door.
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

#[derive(Default)]
struct Door {
    is_open: Cell<bool>,
    guest: RefCell<Option<Waker>>,
}

impl Door {
    fn open(&self) {
        self.is_open.set(true);
        if let Some(guest) = self.guest.take() {
            guest.wake();
        }
    }
}

struct Opened(Rc<Door>);

impl Future for Opened {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_open.get() {
            return Poll::Ready(());
        }
        *self.0.guest.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

async fn main_task() {
    let door = Rc::new(Door::default());
    let guest = curio::spawn_named("guest", Opened(Rc::clone(&door)));
    curio::schedule().await;
    door.open();
    guest.join().await.expect("it is not cancelled");
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}
