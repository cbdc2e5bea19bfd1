//! After Curio's `test_sync.py`: who goes on when.

use crate::common::{Log, ms, must_end, run_virtual};
use curio::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, ResultCell, RwLock, Semaphore, scope, sleep,
    spawn, timeout_after,
};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::rc::Rc;

#[test]
fn a_task_waits_until_an_event_is_set() {
    run_virtual(async {
        let (event, log) = &(Event::new(), Log::new());
        scope(async move |s| {
            s.spawn(async move {
                log.note(format!("waits, set: {}", event.is_set()));
                event.wait().await;
                log.note(format!("goes on, set: {}", event.is_set()));
                event.clear();
                log.note(format!("cleared, set: {}", event.is_set()));
            });
            s.spawn(async move {
                log.note("sleeps");
                sleep(ms(1000)).await;
                log.note("sets");
                event.set();
            });
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 waits, set: false",
                "0 sleeps",
                "1000 sets",
                "1000 goes on, set: true",
                "1000 cleared, set: false"
            ]
        );
    });
}

#[test]
fn an_event_that_was_set_before_does_not_hold_anybody_up() {
    run_virtual(async {
        let (event, log) = &(Event::new(), Log::new());
        scope(async move |s| {
            s.spawn(async move {
                sleep(ms(1000)).await;
                log.note("waits");
                event.wait().await;
                log.note("goes on");
            });
            s.spawn(async move {
                log.note("sets");
                event.set();
            });
        })
        .await;
        assert_eq!(log.take(), ["0 sets", "1000 waits", "1000 goes on"]);
    });
}

/// What becomes of a task that is cancelled a second after it began to wait.
async fn cancelled_in_line<F: Future + 'static>(log: &Log, wait: F) {
    let own = log.clone();
    let task = spawn(async move {
        own.note("waits");
        let _gone = own.on_drop("gone");
        wait.await;
        own.note("never here");
    });
    log.note("sleeps");
    sleep(ms(1000)).await;
    log.note("cancels");
    assert!(task.cancel().await);
    log.note("done");
}

const CANCELLED: [&str; 5] = ["0 sleeps", "0 waits", "1000 cancels", "1000 gone", "1000 done"];

#[test]
fn a_wait_for_an_event_can_be_cancelled() {
    run_virtual(async {
        let (event, log) = (Rc::new(Event::new()), Log::new());
        let own = Rc::clone(&event);
        cancelled_in_line(&log, async move { own.wait().await }).await;
        assert_eq!(log.take(), CANCELLED);
    });
}

#[test]
fn a_wait_for_a_lock_can_be_cancelled() {
    run_virtual(async {
        let (lock, log) = (Rc::new(Lock::new(())), Log::new());
        let guard = lock.acquire().await;
        let own = Rc::clone(&lock);
        cancelled_in_line(&log, async move { drop(own.acquire().await) }).await;
        assert_eq!(log.take(), CANCELLED);
        drop(guard);
        assert!(!lock.locked());
    });
}

#[test]
fn a_wait_for_a_semaphore_can_be_cancelled() {
    run_virtual(async {
        let (sema, log) = (Rc::new(Semaphore::new(1)), Log::new());
        let permit = sema.acquire().await;
        let own = Rc::clone(&sema);
        cancelled_in_line(&log, async move { drop(own.acquire().await) }).await;
        assert_eq!(log.take(), CANCELLED);
        drop(permit);
        assert_eq!(sema.value(), 1);
    });
}

#[test]
fn a_wait_for_a_condition_can_be_cancelled_and_the_lock_is_free_then() {
    run_virtual(async {
        let (pair, log) = (Rc::new((Lock::new(()), Condition::new())), Log::new());
        let own = Rc::clone(&pair);
        let wait = async move {
            let guard = own.0.acquire().await;
            drop(own.1.wait(guard).await);
        };
        cancelled_in_line(&log, wait).await;
        assert_eq!(log.take(), CANCELLED);
        assert!(!pair.0.locked());
    });
}

/// What becomes of a wait that may take half a second, seen from a task that looks after a whole one.
async fn limited_in_line<F: Future + 'static>(log: &Log, wait: F) {
    let own = log.clone();
    let task = spawn(async move {
        own.note("waits");
        match timeout_after(ms(500), wait).await {
            Ok(_) => own.note("never here"),
            Err(_) => own.note("too late"),
        }
    });
    log.note("sleeps");
    sleep(ms(1000)).await;
    log.note("slept");
    task.join().await.unwrap();
}

const LIMITED: [&str; 4] = ["0 sleeps", "0 waits", "500 too late", "1000 slept"];

#[test]
fn a_wait_for_an_event_can_be_limited() {
    run_virtual(async {
        let (event, log) = (Rc::new(Event::new()), Log::new());
        let own = Rc::clone(&event);
        limited_in_line(&log, async move { own.wait().await }).await;
        assert_eq!(log.take(), LIMITED);
        assert!(!event.is_set());
    });
}

#[test]
fn a_wait_for_a_lock_can_be_limited() {
    run_virtual(async {
        let (lock, log) = (Rc::new(Lock::new(())), Log::new());
        let _guard = lock.acquire().await;
        let own = Rc::clone(&lock);
        limited_in_line(&log, async move { drop(own.acquire().await) }).await;
        assert_eq!(log.take(), LIMITED);
    });
}

#[test]
fn a_wait_for_a_semaphore_can_be_limited() {
    run_virtual(async {
        let (sema, log) = (Rc::new(Semaphore::new(1)), Log::new());
        let _permit = sema.acquire().await;
        let own = Rc::clone(&sema);
        limited_in_line(&log, async move { drop(own.acquire().await) }).await;
        assert_eq!(log.take(), LIMITED);
    });
}

#[test]
fn a_wait_for_a_condition_can_be_limited() {
    run_virtual(async {
        let (pair, log) = (Rc::new((Lock::new(()), Condition::new())), Log::new());
        let own = Rc::clone(&pair);
        let wait = async move {
            let guard = own.0.acquire().await;
            drop(own.1.wait(guard).await);
        };
        limited_in_line(&log, wait).await;
        assert_eq!(log.take(), LIMITED);
    });
}

#[test]
fn a_limit_that_was_not_needed_does_not_disturb_a_later_wait() {
    run_virtual(async {
        let (event, log) = &(Event::new(), Log::new());
        scope(async move |s| {
            s.spawn(async move {
                timeout_after(ms(1000), event.wait()).await.unwrap();
                log.note("first");
                event.clear();
                event.wait().await;
                log.note("second");
            });
            sleep(ms(250)).await;
            event.set();
            sleep(ms(1000)).await;
            event.set();
        })
        .await;
        assert_eq!(log.take(), ["250 first", "1250 second"]);
    });
}

/// Three workers that hold something for a while each: how they come, get in and leave.
#[test]
fn a_lock_lets_three_workers_in_one_after_another() {
    run_virtual(async {
        let (lock, log) = &(Lock::new(()), Log::new());
        scope(async move |s| {
            for name in ["a", "b", "c"] {
                s.spawn(async move {
                    log.note(format!("{name} waits, locked: {}", lock.locked()));
                    let guard = lock.acquire().await;
                    log.note(format!("{name} in"));
                    sleep(ms(250)).await;
                    drop(guard);
                    log.note(format!("{name} out"));
                });
            }
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 a waits, locked: false",
                "0 a in",
                "0 b waits, locked: true",
                "0 c waits, locked: true",
                "250 a out",
                "250 b in",
                "500 b out",
                "500 c in",
                "750 c out"
            ]
        );
    });
}

#[test]
fn a_reentrant_lock_lets_its_task_in_again_and_nobody_else() {
    run_virtual(async {
        let (lock, log) = &(RLock::new(), Log::new());
        scope(async move |s| {
            for name in ["a", "b"] {
                s.spawn(async move {
                    log.note(format!("{name} waits, locked: {}", lock.locked()));
                    let _outer = lock.acquire().await;
                    log.note(format!("{name} in"));
                    sleep(ms(250)).await;
                    let inner = lock.acquire().await;
                    log.note(format!("{name} in twice"));
                    drop(inner);
                    log.note(format!("{name} leaves, locked: {}", lock.locked()));
                });
            }
            s.spawn(async move {
                let _guard = lock.acquire().await;
                log.note("c in");
            });
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 a waits, locked: false",
                "0 a in",
                "0 b waits, locked: true",
                "250 a in twice",
                "250 a leaves, locked: true",
                "250 b in",
                "500 b in twice",
                "500 b leaves, locked: true",
                "500 c in"
            ]
        );
    });
}

#[test]
fn a_semaphore_of_one_is_a_lock() {
    run_virtual(async {
        let (sema, log) = &(Semaphore::new(1), Log::new());
        scope(async move |s| {
            for name in ["a", "b", "c"] {
                s.spawn(async move {
                    log.note(format!("{name} waits, locked: {}", sema.locked()));
                    let permit = sema.acquire().await;
                    assert_eq!(sema.value(), 0);
                    log.note(format!("{name} in"));
                    sleep(ms(250)).await;
                    drop(permit);
                    log.note(format!("{name} out"));
                });
            }
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 a waits, locked: false",
                "0 a in",
                "0 b waits, locked: true",
                "0 c waits, locked: true",
                "250 a out",
                "250 b in",
                "500 b out",
                "500 c in",
                "750 c out"
            ]
        );
    });
}

#[test]
fn a_semaphore_of_two_lets_the_third_in_when_the_first_leaves() {
    run_virtual(async {
        let (sema, log) = &(Semaphore::new(2), Log::new());
        scope(async move |s| {
            for (name, time) in [("a", 250), ("b", 300), ("c", 350)] {
                s.spawn(async move {
                    log.note(format!("{name} waits, locked: {}", sema.locked()));
                    let permit = sema.acquire().await;
                    log.note(format!("{name} in"));
                    sleep(ms(time)).await;
                    drop(permit);
                    log.note(format!("{name} out"));
                });
            }
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 a waits, locked: false",
                "0 a in",
                "0 b waits, locked: false",
                "0 b in",
                "0 c waits, locked: true",
                "250 a out",
                "250 c in",
                "300 b out",
                "600 c out"
            ]
        );
    });
}

#[test]
fn consumers_that_wait_for_a_condition_take_turns() {
    run_virtual(async {
        let queue = Lock::new(VecDeque::<Option<u32>>::new());
        let (queue, changed, log) = &(queue, Condition::new(), Log::new());
        scope(async move |s| {
            for name in ["a", "b"] {
                s.spawn(async move {
                    loop {
                        let mut queue = queue.acquire().await;
                        if queue.is_empty() {
                            log.note(format!("{name} waits"));
                            queue = changed.wait(queue).await;
                        }
                        let Some(item) = queue.pop_front().expect("whoever is notified finds an item") else {
                            break;
                        };
                        log.note(format!("{name} takes {item}"));
                    }
                    log.note(format!("{name} ends"));
                });
            }
            s.spawn(async move {
                for item in [Some(0), Some(1), Some(2), Some(3), None, None] {
                    let mut queue = queue.acquire().await;
                    queue.push_back(item);
                    log.note("puts");
                    changed.notify(1);
                    drop(queue);
                    sleep(ms(100)).await;
                }
            });
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 a waits",
                "0 b waits",
                "0 puts",
                "0 a takes 0",
                "0 a waits",
                "100 puts",
                "100 b takes 1",
                "100 b waits",
                "200 puts",
                "200 a takes 2",
                "200 a waits",
                "300 puts",
                "300 b takes 3",
                "300 b waits",
                "400 puts",
                "400 a ends",
                "500 puts",
                "500 b ends"
            ]
        );
    });
}

#[test]
fn all_who_wait_for_a_condition_can_be_notified_at_once() {
    run_virtual(async {
        let (lock, condition, log) = &(Lock::new(()), Condition::new(), Log::new());
        scope(async move |s| {
            for name in ["a", "b", "c"] {
                s.spawn(async move {
                    let guard = lock.acquire().await;
                    log.note(format!("{name} waits"));
                    let _guard = condition.wait(guard).await;
                    log.note(format!("{name} goes on"));
                });
            }
            sleep(ms(1000)).await;
            let guard = lock.acquire().await;
            log.note("notifies");
            condition.notify_all();
            drop(guard);
            log.note("done");
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "0 a waits",
                "0 b waits",
                "0 c waits",
                "1000 notifies",
                "1000 done",
                "1000 a goes on",
                "1000 b goes on",
                "1000 c goes on"
            ]
        );
    });
}

#[test]
fn a_condition_with_a_predicate_goes_on_when_that_holds() {
    run_virtual(async {
        let (count, changed, log) = &(Lock::new(0), Condition::new(), Log::new());
        scope(async move |s| {
            for name in ["a", "b"] {
                s.spawn(async move {
                    let count = count.acquire().await;
                    let count = changed.wait_for(count, |count| *count > 2).await;
                    log.note(format!("{name} sees {}", *count));
                });
            }
            s.spawn(async move {
                for _ in 0..4 {
                    *count.acquire().await += 1;
                    changed.notify(1);
                    sleep(ms(100)).await;
                }
            });
        })
        .await;
        assert_eq!(log.take(), ["200 a sees 3", "300 b sees 4"]);
    });
}

/// Curio's `Universal…` classes join Curio to asyncio; here the other loop is another kernel.
#[test]
fn kernels_of_two_threads_share_events_in_both_directions() {
    must_end(|| {
        static THERE: Event = Event::new();
        static BACK: Event = Event::new();
        let other = std::thread::spawn(|| {
            curio::run(async {
                THERE.wait().await;
                BACK.set();
            });
        });
        curio::run(async {
            assert!(!BACK.is_set());
            THERE.set();
            timeout_after(ms(4000), BACK.wait()).await.expect("the other kernel answers");
        });
        other.join().unwrap();
    });
}

#[test]
fn results_and_errors_go_from_a_thread_through_one_kernel_to_another() {
    must_end(|| {
        for sent in [Ok(5), Err("boom".to_string())] {
            let cells: [_; 3] =
                std::array::from_fn(|_| std::sync::Arc::new(ResultCell::<u32, String>::new()));
            let [first, second, third] = cells;
            let pass = |from: &std::sync::Arc<ResultCell<_, _>>, to: &std::sync::Arc<ResultCell<_, _>>| {
                let (from, to) = (std::sync::Arc::clone(from), std::sync::Arc::clone(to));
                move || {
                    curio::run(async {
                        match from.unwrap().await {
                            Ok(value) => to.set_value(value),
                            Err(error) => to.set_exception(error),
                        }
                    })
                }
            };
            let kernel = std::thread::spawn(pass(&first, &second));
            let (own, value) = (std::sync::Arc::clone(&first), sent.clone());
            let thread = std::thread::spawn(move || match value {
                Ok(value) => own.set_value(value),
                Err(error) => own.set_exception(error),
            });
            pass(&second, &third)();
            assert_eq!(third.unwrap_blocking(), sent);
            kernel.join().unwrap();
            thread.join().unwrap();
        }
    });
}

#[test]
fn everything_to_synchronise_with_shows_its_name() {
    fn named(name: &str, thing: &dyn Debug) {
        let shown = format!("{thing:?}");
        assert!(shown.starts_with(name), "{name} shows as {shown}");
    }
    named("Lock", &Lock::new(()));
    named("RLock", &RLock::new());
    named("Event", &Event::new());
    named("Semaphore", &Semaphore::new(1));
    named("BoundedSemaphore", &BoundedSemaphore::new(1));
    named("Condition", &Condition::new());
    named("ResultCell", &ResultCell::<u32, u32>::new());
    named("Barrier", &Barrier::new(1));
    named("RwLock", &RwLock::new(()));
    named("Queue", &curio::Queue::<u32>::new(1));
}
