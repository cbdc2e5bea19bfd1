//! Step 1: a future is run, and its thread sleeps while there is nothing to do.

use build_step1::{Closed, block_on, oneshot, run_in_thread, schedule};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

#[test]
fn block_on_returns_what_the_future_returns() {
    assert_eq!(block_on(async { 6 * 7 }), 42);
    block_on(schedule());
}

#[test]
fn a_future_that_waits_for_a_thread_is_polled_twice() {
    let (sender, receiver) = oneshot();
    let (polled, is_polled) = mpsc::channel();
    // It sends only when the receiver has been polled, so there is something to wait for.
    let thread = thread::spawn(move || {
        is_polled.recv().unwrap();
        sender.send("hello").unwrap();
    });
    let polls = Cell::new(0);
    let value = block_on(async {
        let mut receiver = pin!(receiver);
        poll_fn(|cx| {
            polls.set(polls.get() + 1);
            let answer = receiver.as_mut().poll(cx);
            let _ = polled.send(());
            answer
        })
        .await
    });
    thread.join().unwrap();
    assert_eq!((value, polls.get()), (Ok("hello"), 2));
}

#[test]
fn a_thread_that_is_unparked_for_another_reason_does_not_poll() {
    let polls = Cell::new(0);
    let woken = Arc::new(AtomicBool::new(false));
    block_on(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        if woken.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if polls.get() == 1 {
            let (waker, woken) = (cx.waker().clone(), Arc::clone(&woken));
            thread::spawn(move || {
                // Time for a `block_on` that polls too early to do so.
                thread::sleep(Duration::from_millis(20));
                woken.store(true, Ordering::Release);
                waker.wake();
            });
            // `park` will return at once, and there is no reason to poll.
            thread::current().unpark();
        }
        Poll::Pending
    }));
    assert_eq!(polls.get(), 2);
}

#[test]
fn blocking_work_is_awaited() {
    let name = block_on(run_in_thread(|| format!("{:?}", thread::current().id())));
    assert_ne!(name, Ok(format!("{:?}", thread::current().id())));
}

#[test]
fn work_that_panics_leaves_its_caller_an_error() {
    let result: Result<i32, _> = block_on(run_in_thread(|| panic!("this panic is part of the test")));
    assert_eq!(result, Err(Closed));
}
