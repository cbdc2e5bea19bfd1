//! Programs that run on the runtime of step 8 and on the real one. Each says what it has seen.

use super::runtime::{
    Event, Semaphore, Task, clock, oneshot, run_in_thread, schedule, sleep, spawn, testing, timeout_after,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Step 2: tasks take turns.
pub fn turns() -> Vec<String> {
    testing::run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let tasks = ["a", "b"].map(|name| {
            let log = Rc::clone(&log);
            spawn(async move {
                for turn in 1..=3 {
                    log.borrow_mut().push(format!("{name}{turn}"));
                    schedule().await;
                }
            })
        });
        for task in tasks {
            task.join().await.unwrap();
        }
        log.take()
    })
}

/// Step 3: tasks spawn tasks and join them.
pub fn fibonacci(n: u32) -> u64 {
    fn task(n: u32) -> Task<u64> {
        spawn(async move {
            if n < 2 {
                return u64::from(n);
            }
            let (first, second) = (task(n - 1), task(n - 2));
            first.join().await.unwrap() + second.join().await.unwrap()
        })
    }
    testing::run(async move { task(n).join().await.unwrap() })
}

/// Step 4: four sleeps at once. How long they take.
pub fn naps() -> Duration {
    testing::run(async {
        let start = clock();
        let naps = [1, 2, 3, 4].map(|n| spawn(sleep(n * SECOND)));
        for nap in naps {
            nap.join().await.unwrap();
        }
        clock() - start
    })
}

/// Step 3 again: a task that waits for a thread, and one that waits for that task.
pub fn from_a_thread() -> u64 {
    testing::run(async {
        let (sender, receiver) = oneshot();
        let task = spawn(async move { sender.send(run_in_thread(|| 42).await.unwrap()).unwrap() });
        let value = receiver.await.unwrap();
        task.join().await.unwrap();
        value
    })
}

/// Step 6: six tasks, two at a time, a second each. How long they take, and in which order they end.
pub fn two_at_a_time() -> (Duration, Vec<u32>) {
    testing::run(async {
        let (start, order) = (clock(), Rc::new(RefCell::new(Vec::new())));
        let (semaphore, begin) = (Rc::new(Semaphore::new(2)), Rc::new(Event::new()));
        let tasks = [1, 2, 3, 4, 5, 6].map(|number| {
            let (semaphore, begin, order) = (Rc::clone(&semaphore), Rc::clone(&begin), Rc::clone(&order));
            spawn(async move {
                begin.wait().await;
                let _permit = semaphore.acquire().await;
                sleep(SECOND).await;
                order.borrow_mut().push(number);
            })
        });
        begin.set();
        for task in tasks {
            task.join().await.unwrap();
        }
        (clock() - start, order.take())
    })
}

/// Step 7: a permit that was granted to a task that is cancelled. Whether the next task gets it.
pub fn passed_on() -> bool {
    testing::run(async {
        let semaphore = Rc::new(Semaphore::new(0));
        let acquire = || {
            let semaphore = Rc::clone(&semaphore);
            spawn(async move {
                let _permit = semaphore.acquire().await;
                schedule().await;
            })
        };
        let (first, second) = (acquire(), acquire());
        schedule().await;
        semaphore.release();
        let cancelled = first.cancel().await;
        let passed_on = timeout_after(SECOND, second.join()).await.is_ok();
        cancelled && passed_on
    })
}

/// Step 7: limits in limits. Which one passed, and how long both took.
pub fn limits() -> (bool, bool, Duration) {
    testing::run(async {
        let start = clock();
        let inner = timeout_after(5 * SECOND, sleep(60 * SECOND));
        let outer_passed = timeout_after(SECOND, inner).await.is_err();
        let inner = timeout_after(SECOND, sleep(60 * SECOND));
        let inner_passed = matches!(timeout_after(5 * SECOND, inner).await, Ok(Err(_)));
        (outer_passed, inner_passed, clock() - start)
    })
}
