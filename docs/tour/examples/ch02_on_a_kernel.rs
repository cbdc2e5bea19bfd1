//! Two such futures on a kernel. Their tasks are polled when their wakers are called, and not otherwise.
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

type Slot = RefCell<(Option<u32>, Option<Waker>)>;

fn value(slot: Rc<Slot>) -> impl Future<Output = u32> {
    poll_fn(move |cx| {
        slot.borrow_mut().1 = Some(cx.waker().clone());
        slot.borrow().0.map_or(Poll::Pending, Poll::Ready)
    })
}

async fn main_task() {
    let slots: [Rc<Slot>; 2] = Default::default();
    let one = curio::spawn_named("one", value(slots[0].clone()));
    let two = curio::spawn_named("two", value(slots[1].clone()));
    for slot in slots {
        curio::sleep(std::time::Duration::from_secs(1)).await;
        slot.replace((Some(5), None)).1.expect("its task waits").wake();
    }
    println!("{} and {}", one.join().await.unwrap(), two.join().await.unwrap());
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}
