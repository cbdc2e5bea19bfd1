//! Step 2: many futures on one thread, and only those that were woken are polled.

use build_step2::{Kernel, oneshot, run_in_thread, schedule};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

#[test]
fn tasks_take_turns() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut kernel = Kernel::new();
    for name in ["a", "b"] {
        let log = Rc::clone(&log);
        kernel.spawn(async move {
            for turn in 1..=3 {
                log.borrow_mut().push(format!("{name}{turn}"));
                schedule().await;
            }
        });
    }
    kernel.run();
    assert_eq!(*log.borrow(), ["a1", "b1", "a2", "b2", "a3", "b3"]);
}

#[test]
fn a_task_that_was_not_woken_is_not_polled() {
    let (sender, mut receiver) = oneshot();
    let polls = Rc::new(Cell::new(0));
    let mut kernel = Kernel::new();
    let counted = Rc::clone(&polls);
    kernel.spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        Pin::new(&mut receiver).poll(cx).map(|value| assert_eq!(value, Ok("hello")))
    }));
    kernel.spawn(async {
        for _ in 0..100 {
            schedule().await;
        }
        sender.send("hello").unwrap();
    });
    kernel.run();
    assert_eq!(polls.get(), 2, "once to begin, and once when the value is there");
}

#[test]
fn a_task_that_is_woken_ten_times_is_polled_once() {
    let polls = Rc::new(Cell::new(0));
    let mut kernel = Kernel::new();
    let counted = Rc::clone(&polls);
    kernel.spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        (0..10).for_each(|_| cx.waker().wake_by_ref());
        if counted.get() == 3 { Poll::Ready(()) } else { Poll::Pending }
    }));
    kernel.run();
    assert_eq!(polls.get(), 3);
}

#[test]
fn a_wake_from_another_thread_ends_the_wait_of_the_kernel() {
    let result = Rc::new(Cell::new(0));
    let mut kernel = Kernel::new();
    let kept = Rc::clone(&result);
    kernel.spawn(async move { kept.set(run_in_thread(|| 6 * 7).await.unwrap()) });
    kernel.run();
    assert_eq!(result.get(), 42);
}

#[test]
fn a_waker_that_outlives_its_task_does_no_harm() {
    let kept = Rc::new(RefCell::new(None));
    let mut kernel = Kernel::new();
    let keep = Rc::clone(&kept);
    kernel.spawn(poll_fn(move |cx| {
        *keep.borrow_mut() = Some(cx.waker().clone());
        Poll::Ready(())
    }));
    kernel.run();
    kept.take().expect("it was kept").wake();
    kernel.spawn(schedule());
    kernel.run();
}
