//! Step 4: time, real and virtual.

use build_step4::{clock, run, run_in_thread, schedule, sleep, spawn, testing};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn four_sleeps_at_once_take_as_long_as_the_longest() {
    testing::run(async {
        let start = clock();
        let naps = [1, 2, 3, 4].map(|n| spawn(sleep(n * SECOND)));
        for nap in naps {
            nap.join().await.unwrap();
        }
        assert_eq!(clock() - start, 4 * SECOND, "to the nanosecond, because the clock is virtual");
    });
}

#[test]
fn an_hour_on_a_virtual_clock_takes_no_time() {
    let real = Instant::now();
    testing::run(sleep(3600 * SECOND));
    assert!(real.elapsed() < 60 * SECOND);
}

#[test]
fn a_sleep_on_the_real_clock_is_never_too_short() {
    let start = Instant::now();
    run(sleep(Duration::from_millis(5)));
    assert!(start.elapsed() >= Duration::from_millis(5));
}

#[test]
fn timers_fire_by_deadline_and_equal_ones_in_the_order_in_which_they_were_set() {
    let order = testing::run(async {
        let order = Rc::new(RefCell::new(Vec::new()));
        let tasks = [("c", 3), ("a", 1), ("b", 2), ("a again", 1)].map(|(name, seconds)| {
            let order = Rc::clone(&order);
            spawn(async move {
                sleep(seconds * SECOND).await;
                order.borrow_mut().push(name);
            })
        });
        for task in tasks {
            task.join().await.unwrap();
        }
        order.take()
    });
    assert_eq!(order, ["a", "a again", "b", "c"]);
}

#[test]
fn a_sleeping_task_is_polled_twice_however_long_it_sleeps() {
    let polls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&polls);
    testing::run(async move {
        let mut nap = sleep(1000 * SECOND);
        let sleeper = spawn(poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            Pin::new(&mut nap).poll(cx)
        }));
        for _ in 0..100 {
            sleep(SECOND).await;
        }
        sleeper.join().await.unwrap();
    });
    assert_eq!(polls.get(), 2);
}

#[test]
fn time_stands_still_while_a_task_can_run() {
    testing::run(async {
        let start = clock();
        let sleeper = spawn(sleep(SECOND));
        for _ in 0..1000 {
            schedule().await;
        }
        assert_eq!(clock(), start);
        sleeper.join().await.unwrap();
        assert_eq!(clock(), start + SECOND);
    });
}

#[test]
fn a_sleep_of_no_time_lets_the_others_run_once() {
    testing::run(async {
        let has_run = Rc::new(Cell::new(false));
        let told = Rc::clone(&has_run);
        let other = spawn(async move { told.set(true) });
        sleep(Duration::ZERO).await;
        assert!(has_run.get());
        other.join().await.unwrap();
    });
}

#[test]
fn a_sleep_that_is_dropped_takes_its_timer_back() {
    testing::run(async {
        let start = clock();
        {
            let mut long = pin!(sleep(1000 * SECOND));
            let mut cx = Context::from_waker(Waker::noop());
            assert_eq!(long.as_mut().poll(&mut cx), Poll::Pending);
        }
        // With the timer still there the clock would jump to it while the kernel waits for the thread.
        run_in_thread(|| thread::sleep(Duration::from_millis(20))).await.unwrap();
        assert_eq!(clock(), start);
    });
}
