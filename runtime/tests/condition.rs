//! `Condition`: waiting without the lock until what it guards has changed.

mod common;

use common::{Log, Random, ms, must_end, poll_once, run_real, run_virtual};
use curio::{Condition, Lock, TaskState, schedule, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

static NUMBER: Lock<u32> = Lock::new(0);
static CHANGED: Condition = Condition::new();

#[test]
fn it_may_stand_in_a_static() {
    run_virtual(async {
        let waiter = spawn(async {
            let guard = NUMBER.acquire().await;
            *CHANGED.wait_for(guard, |number| *number == 2).await
        });
        for _ in 0..2 {
            sleep(ms(1)).await;
            *NUMBER.acquire().await += 1;
            CHANGED.notify_all();
        }
        assert_eq!(waiter.join().await.unwrap(), 2);
    });
}

/// A lock, a condition and a log, shared by the tasks of a test.
struct Scene {
    lock: Lock<u32>,
    condition: Condition,
}

impl Scene {
    fn new() -> Rc<Scene> {
        Rc::new(Scene { lock: Lock::new(0), condition: Condition::new() })
    }
}

#[test]
fn waiting_gives_the_lock_back_and_has_it_again_afterwards() {
    run_virtual(async {
        let scene = Scene::new();
        let theirs = Rc::clone(&scene);
        let waiter = spawn(async move {
            let guard = theirs.lock.acquire().await;
            let guard = theirs.condition.wait(guard).await;
            sleep(ms(10)).await;
            *guard
        });
        schedule().await;
        let mut guard = scene.lock.acquire().await;
        *guard = 5;
        scene.condition.notify(1);
        sleep(ms(10)).await;
        drop(guard);
        schedule().await;
        assert!(scene.lock.locked());
        assert_eq!(waiter.join().await.unwrap(), 5);
        assert!(!scene.lock.locked());
    });
}

#[test]
fn the_lock_is_held_until_the_wait_is_first_polled() {
    run_virtual(async {
        let scene = Scene::new();
        let guard = scene.lock.acquire().await;
        let mut wait = pin!(scene.condition.wait(guard));
        scene.condition.notify(1);
        assert!(scene.lock.locked());
        assert!(poll_once(wait.as_mut()).await.is_pending());
        assert!(!scene.lock.locked());
        scene.condition.notify(1);
        assert!(poll_once(wait).await.is_ready());
    });
}

#[test]
fn notify_wakes_so_many_and_those_who_came_first() {
    run_virtual(async {
        let scene = Scene::new();
        let log = Log::new();
        let waiters = ["a", "b", "c", "d"].map(|name| {
            let (scene, log) = (Rc::clone(&scene), log.clone());
            spawn(async move {
                let guard = scene.lock.acquire().await;
                let _guard = scene.condition.wait(guard).await;
                log.note(name);
            })
        });
        sleep(ms(10)).await;
        scene.condition.notify(0);
        scene.condition.notify(2);
        sleep(ms(10)).await;
        scene.condition.notify_all();
        sleep(ms(10)).await;
        scene.condition.notify_all();
        for waiter in waiters {
            waiter.join().await.unwrap();
        }
        assert_eq!(log.take(), ["10 a", "10 b", "20 c", "20 d"]);
    });
}

#[test]
fn a_notification_that_nobody_waits_for_is_not_kept() {
    run_virtual(async {
        let scene = Scene::new();
        scene.condition.notify(3);
        let guard = scene.lock.acquire().await;
        assert!(timeout_after(ms(1), scene.condition.wait(guard)).await.is_err());
        assert!(!scene.lock.locked(), "whoever gives up does not have the lock");
    });
}

#[test]
fn wait_for_looks_first_and_after_every_notification() {
    run_virtual(async {
        let scene = Scene::new();
        let looked = Cell::new(0);
        let guard = scene.lock.acquire().await;
        let guard = scene.condition.wait_for(guard, |_| true).await;
        let theirs = Rc::clone(&scene);
        let changer = spawn(async move {
            for _ in 0..3 {
                sleep(ms(1)).await;
                *theirs.lock.acquire().await += 1;
                theirs.condition.notify(1);
            }
        });
        let guard = scene
            .condition
            .wait_for(guard, |number| {
                looked.set(looked.get() + 1);
                *number == 3
            })
            .await;
        assert_eq!((*guard, looked.get()), (3, 4));
        changer.join().await.unwrap();
    });
}

#[test]
fn the_predicate_may_take_what_it_found() {
    run_virtual(async {
        let (lock, condition) = (Lock::new(vec![1]), Condition::new());
        let mut taken = None;
        let guard = condition
            .wait_for(lock.acquire().await, |items| {
                taken = items.pop();
                taken.is_some()
            })
            .await;
        assert!(guard.is_empty());
        assert_eq!(taken, Some(1));
    });
}

#[test]
fn a_notified_wait_that_is_dropped_passes_the_notification_on() {
    run_virtual(async {
        let scene = Scene::new();
        let mut second = {
            let guard = scene.lock.acquire().await;
            let mut first = Box::pin(scene.condition.wait(guard));
            assert!(poll_once(first.as_mut()).await.is_pending());
            let guard = scene.lock.acquire().await;
            let mut second = Box::pin(scene.condition.wait(guard));
            assert!(poll_once(second.as_mut()).await.is_pending());
            scene.condition.notify(1);
            second
        };
        assert!(poll_once(second.as_mut()).await.is_ready());
    });
}

#[test]
fn a_notified_wait_that_is_dropped_while_it_queues_for_the_lock_passes_it_on_too() {
    run_virtual(async {
        let scene = Scene::new();
        let waiters = [0, 1].map(|n| {
            let scene = Rc::clone(&scene);
            spawn(async move {
                let guard = scene.lock.acquire().await;
                let _guard = scene.condition.wait(guard).await;
                n
            })
        });
        schedule().await;
        schedule().await;
        let [first, second] = waiters;
        let held = scene.lock.acquire().await;
        scene.condition.notify(1);
        schedule().await;
        assert_eq!(first.info().state(), TaskState::LockAcquire);
        assert!(first.cancel().await);
        drop(held);
        assert_eq!(second.join().await.unwrap(), 1);
    });
}

#[test]
fn a_wait_that_nobody_polls_does_not_keep_the_notification() {
    run_virtual(async {
        let scene = Scene::new();
        let guard = scene.lock.acquire().await;
        let mut asleep = pin!(scene.condition.wait(guard));
        assert!(poll_once(asleep.as_mut()).await.is_pending());
        let theirs = Rc::clone(&scene);
        let notifier = spawn(async move {
            sleep(ms(10)).await;
            theirs.condition.notify(1);
            sleep(ms(10)).await;
            theirs.condition.notify(1);
        });
        let log = Log::new();
        let guard = scene.lock.acquire().await;
        drop(scene.condition.wait(guard).await);
        log.note("awake");
        drop(asleep.await);
        log.note("asleep");
        assert_eq!(log.take(), ["10 awake", "20 asleep"]);
        notifier.join().await.unwrap();
    });
}

#[test]
fn a_notification_that_nobody_else_waits_for_stays_with_a_late_sleeper() {
    run_virtual(async {
        let scene = Scene::new();
        let guard = scene.lock.acquire().await;
        let mut asleep = pin!(scene.condition.wait(guard));
        assert!(poll_once(asleep.as_mut()).await.is_pending());
        scene.condition.notify(1);
        for _ in 0..3 {
            sleep(ms(1)).await;
        }
        assert_eq!(*asleep.await, 0);
    });
}

#[test]
fn waits_say_where_they_are() {
    run_virtual(async {
        let scene = Scene::new();
        let theirs = Rc::clone(&scene);
        let waiter = spawn(async move {
            let guard = theirs.lock.acquire().await;
            let guard = theirs.condition.wait(guard).await;
            drop(theirs.condition.wait_for(guard, |number| *number > 0).await);
        });
        let line = line!() - 3;
        for line in [line, line + 1] {
            schedule().await;
            let info = waiter.info();
            assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::CondWait, line));
            scene.condition.notify(1);
            schedule().await;
        }
        *scene.lock.acquire().await = 1;
        scene.condition.notify(1);
        waiter.join().await.unwrap();
    });
}

#[test]
fn threads_use_the_blocking_twins() {
    must_end(|| {
        let shared = Arc::new((Lock::new(Vec::new()), Condition::new()));
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let guard = shared.0.acquire_blocking();
                    let mut guard =
                        shared.1.wait_for_blocking(guard, |items: &mut Vec<u32>| !items.is_empty());
                    guard.pop().unwrap()
                })
            })
            .collect();
        run_real(async {
            for n in 0..3 {
                shared.0.acquire().await.push(n);
                shared.1.notify(1);
                schedule().await;
            }
        });
        let mut got: Vec<_> = consumers.into_iter().map(|thread| thread.join().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2]);
    });
}

#[test]
fn a_blocked_thread_is_notified() {
    must_end(|| {
        let shared = Arc::new((Lock::new(false), Condition::new()));
        let theirs = Arc::clone(&shared);
        let guard = shared.0.acquire_blocking();
        let thread = std::thread::spawn(move || {
            *theirs.0.acquire_blocking() = true;
            theirs.1.notify(1);
        });
        // The thread cannot have the lock before the wait has given it back.
        let guard = shared.1.wait_blocking(guard);
        assert!(*guard);
        drop(guard);
        thread.join().unwrap();
    });
}

#[test]
fn random_cancellation_loses_no_notification() {
    for seed in 1..80 {
        run_virtual(async move {
            // One notification for each item, as careful programs do it. If one got lost, an item would be left.
            let scene = Scene::new();
            let taken = Rc::new(Cell::new(0));
            let mut consumers = Vec::new();
            for n in 0..5 {
                let (scene, taken) = (Rc::clone(&scene), Rc::clone(&taken));
                consumers.push(spawn(async move {
                    let mut random = Random::new(seed * 100 + n);
                    while taken.get() < 40 {
                        let limit = ms(1 + random.below(6) as u64);
                        let _ = timeout_after(limit, async {
                            let guard = scene.lock.acquire().await;
                            let mut guard = scene.condition.wait_for(guard, |items| *items > 0).await;
                            *guard -= 1;
                            taken.set(taken.get() + 1);
                        })
                        .await;
                    }
                }));
            }
            // One that never gives up, and so must have been told of whatever the others left.
            let (theirs, count) = (Rc::clone(&scene), Rc::clone(&taken));
            let patient = spawn(async move {
                loop {
                    let guard = theirs.lock.acquire().await;
                    let mut guard = theirs.condition.wait_for(guard, |items| *items > 0).await;
                    *guard -= 1;
                    count.set(count.get() + 1);
                }
            });
            let mut random = Random::new(seed);
            for _ in 0..40 {
                let mut guard = scene.lock.acquire().await;
                *guard += 1;
                scene.condition.notify(1);
                // Sometimes those who are notified have to queue for the lock.
                sleep(ms(random.below(3) as u64)).await;
                drop(guard);
                sleep(ms(random.below(3) as u64)).await;
            }
            sleep(ms(50)).await;
            assert_eq!((taken.get(), *scene.lock.acquire().await), (40, 0), "seed {seed}");
            for consumer in consumers {
                consumer.join().await.unwrap();
            }
            patient.cancel().await;
        });
    }
}
