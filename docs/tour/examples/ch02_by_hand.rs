//! A future that keeps its waker, polled by hand with a waker that prints.
use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A value that comes later, and the waker of the task that waits for it.
type Slot = RefCell<(Option<u32>, Option<Waker>)>;

fn value(slot: &Slot) -> impl Future<Output = u32> {
    poll_fn(|cx| {
        slot.borrow_mut().1 = Some(cx.waker().clone());
        slot.borrow().0.map_or(Poll::Pending, Poll::Ready)
    })
}

struct Prints;
impl Wake for Prints {
    fn wake(self: Arc<Self>) {
        println!("  the waker is called");
    }
}

fn main() {
    let (slot, waker) = (Slot::default(), Waker::from(Arc::new(Prints)));
    let mut future = Box::pin(value(&slot));
    println!("poll 1 returned {:?}", future.as_mut().poll(&mut Context::from_waker(&waker)));
    slot.replace((Some(5), None)).1.expect("poll 1 has left it").wake();
    println!("poll 2 returned {:?}", future.as_mut().poll(&mut Context::from_waker(&waker)));
}
