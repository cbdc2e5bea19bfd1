//! Step 6: waiting in line.

use build_step6::{Event, Semaphore, SemaphoreAcquire, clock, schedule, sleep, spawn, testing};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn setting_an_event_releases_all_that_wait_in_the_order_in_which_they_came() {
    let order = testing::run(async {
        let (event, order) = (Rc::new(Event::new()), Rc::new(RefCell::new(Vec::new())));
        let tasks = [1, 2, 3].map(|number| {
            let (event, order) = (Rc::clone(&event), Rc::clone(&order));
            spawn(async move {
                event.wait().await;
                order.borrow_mut().push(number);
            })
        });
        schedule().await;
        assert!(order.borrow().is_empty());
        event.set();
        for task in tasks {
            task.join().await.unwrap();
        }
        order.take()
    });
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn an_event_that_is_set_already_is_not_waited_for() {
    let event = Event::new();
    event.set();
    assert_eq!(pin!(event.wait()).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    event.clear();
    assert_eq!(pin!(event.wait()).poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
}

#[test]
fn a_waiter_that_was_released_goes_on_even_if_the_event_is_cleared_before_it_runs() {
    testing::run(async {
        let event = Rc::new(Event::new());
        let waits = Rc::clone(&event);
        let task = spawn(async move { waits.wait().await });
        schedule().await;
        event.set();
        event.clear();
        task.join().await.unwrap();
    });
}

#[test]
fn at_most_so_many_tasks_hold_a_permit() {
    testing::run(async {
        let start = clock();
        let semaphore = Rc::new(Semaphore::new(2));
        let tasks = [(); 6].map(|()| {
            let semaphore = Rc::clone(&semaphore);
            spawn(async move {
                let _permit = semaphore.acquire().await;
                sleep(SECOND).await;
            })
        });
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(clock() - start, 3 * SECOND, "six tasks, two at a time, a second each");
        assert_eq!(semaphore.value(), 2);
    });
}

#[test]
fn a_task_that_releases_and_acquires_in_a_loop_does_not_overtake_the_one_that_waits() {
    let order = testing::run(async {
        let (semaphore, order) = (Rc::new(Semaphore::new(1)), Rc::new(RefCell::new(Vec::new())));
        let tasks = ["a", "b"].map(|name| {
            let (semaphore, order) = (Rc::clone(&semaphore), Rc::clone(&order));
            spawn(async move {
                for _ in 0..3 {
                    let _permit = semaphore.acquire().await;
                    order.borrow_mut().push(name);
                    schedule().await;
                }
            })
        });
        for task in tasks {
            task.join().await.unwrap();
        }
        order.take()
    });
    assert_eq!(order, ["a", "b", "a", "b", "a", "b"]);
}

/// Polls a future once, with a waker that does nothing.
fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[test]
fn a_newcomer_takes_nothing_from_a_waiter_that_was_granted_a_permit_and_not_polled_yet() {
    let semaphore = Semaphore::new(1);
    let held = poll(pin!(semaphore.acquire()));
    let mut waits = pin!(semaphore.acquire());
    assert!(held.is_some() && poll(waits.as_mut()).is_none());
    drop(held);
    assert_eq!(semaphore.value(), 0, "it belongs to the waiter");
    assert!(poll(pin!(semaphore.acquire())).is_none());
    assert!(poll(waits.as_mut()).is_some());
}

#[test]
fn a_wait_that_is_dropped_from_the_line_leaves_the_others_in_order() {
    let semaphore = Semaphore::new(1);
    let held = poll(pin!(semaphore.acquire()));
    let mut waits: Vec<Pin<Box<SemaphoreAcquire<'_>>>> =
        (0..3).map(|_| Box::pin(semaphore.acquire())).collect();
    assert!(waits.iter_mut().all(|wait| poll(wait.as_mut()).is_none()));
    drop(waits.remove(1));
    drop(held);
    let first = poll(waits[0].as_mut());
    assert!(first.is_some() && poll(waits[1].as_mut()).is_none());
    drop(first);
    assert!(poll(waits[1].as_mut()).is_some());
}

#[test]
fn a_permit_that_was_granted_to_a_wait_that_is_dropped_goes_on_to_the_next() {
    let semaphore = Semaphore::new(1);
    let held = poll(pin!(semaphore.acquire()));
    let (mut first, mut second) = (Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire()));
    assert!(poll(first.as_mut()).is_none() && poll(second.as_mut()).is_none());
    drop(held);
    drop(first);
    assert!(poll(second.as_mut()).is_some());
    drop(second);
    assert_eq!(semaphore.value(), 1);
}

#[test]
fn one_permit_wakes_one_waiter() {
    testing::run(async {
        let semaphore = Rc::new(Semaphore::new(0));
        let polls = Rc::new(Cell::new(0));
        for _ in 0..10 {
            let (semaphore, polls) = (Rc::clone(&semaphore), Rc::clone(&polls));
            spawn(async move {
                let mut acquire = pin!(semaphore.acquire());
                let permit = poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    acquire.as_mut().poll(cx)
                });
                // It is kept, so that no other task gets it.
                std::mem::forget(permit.await);
            });
        }
        schedule().await;
        assert_eq!(polls.get(), 10, "each has looked once");
        semaphore.release();
        for _ in 0..10 {
            schedule().await;
        }
        assert_eq!(polls.get(), 11);
    });
}
