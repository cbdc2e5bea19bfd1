//! `RwLock`: many readers or one writer, first come, first served.

mod common;

use common::{Log, Random, ms, must_end, panic_of, poll_once, run_real, run_virtual};
use curio::{RwLock, TaskState, join, schedule, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

static GLOBAL: RwLock<Vec<u32>> = RwLock::new(Vec::new());

#[test]
fn it_may_stand_in_a_static() {
    run_virtual(async {
        GLOBAL.write().await.push(1);
        assert_eq!(*GLOBAL.read().await, [1]);
    });
}

#[test]
fn readers_are_in_together_and_a_writer_is_alone() {
    run_virtual(async {
        let lock = Rc::new(RwLock::new(0));
        let log = Log::new();
        let mut tasks = Vec::new();
        for name in ["r1", "r2", "w", "r3", "r4"] {
            let (lock, log) = (Rc::clone(&lock), log.clone());
            tasks.push(spawn(async move {
                if name == "w" {
                    let mut guard = lock.write().await;
                    *guard += 1;
                    log.note(name);
                    sleep(ms(10)).await;
                } else {
                    let guard = lock.read().await;
                    log.note(format!("{name} sees {}", *guard));
                    sleep(ms(10)).await;
                }
            }));
        }
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), ["0 r1 sees 0", "0 r2 sees 0", "10 w", "20 r3 sees 1", "20 r4 sees 1"]);
    });
}

#[test]
fn a_waiting_writer_is_not_overtaken() {
    run_virtual(async {
        let lock = RwLock::new(0);
        let reading = lock.read().await;
        let mut writing = pin!(lock.write());
        assert!(poll_once(writing.as_mut()).await.is_pending());
        assert!(lock.try_read().is_none());
        let mut late = pin!(lock.read());
        assert!(poll_once(late.as_mut()).await.is_pending());
        drop(reading);
        *writing.await += 1;
        assert_eq!(*late.await, 1);
    });
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_behind_it_in() {
    run_virtual(async {
        let lock = Rc::new(RwLock::new(0));
        let log = Log::new();
        let _reading = lock.read().await;
        let theirs = Rc::clone(&lock);
        let writer = spawn(async move { timeout_after(ms(10), theirs.write()).await.is_err() });
        schedule().await;
        let _late = lock.read().await;
        log.note("in");
        assert!(writer.join().await.unwrap());
        assert_eq!(log.take(), ["10 in"]);
    });
}

#[test]
fn a_turn_that_was_given_and_dropped_goes_to_the_next() {
    run_virtual(async {
        let lock = RwLock::new(0);
        let writing = lock.write().await;
        let mut second = pin!(lock.read());
        {
            let mut first = pin!(lock.write());
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert!(poll_once(second.as_mut()).await.is_pending());
            drop(writing);
            assert!(poll_once(second.as_mut()).await.is_pending(), "it is the first one's turn");
        }
        assert_eq!(*second.await, 0);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn a_wait_that_nobody_polls_does_not_hold_up_the_others() {
    run_virtual(async {
        let lock = Rc::new(RwLock::new(0));
        let theirs = Rc::clone(&lock);
        let reader = spawn(async move {
            let _guard = theirs.read().await;
            sleep(ms(10)).await;
        });
        schedule().await;
        let mut asleep = pin!(lock.write());
        assert!(poll_once(asleep.as_mut()).await.is_pending());
        assert_eq!(*lock.read().await, 0);
        *asleep.await += 1;
        assert_eq!(*lock.read().await, 1);
        reader.join().await.unwrap();
    });
}

#[test]
fn trying_never_waits() {
    let lock = RwLock::new(1);
    let one = lock.try_read().unwrap();
    let two = lock.try_read().unwrap();
    assert_eq!((*one, *two), (1, 1));
    assert!(lock.try_write().is_none());
    drop((one, two));
    *lock.try_write().unwrap() += 1;
    let writing = lock.try_write().unwrap();
    assert!(lock.try_read().is_none() && lock.try_write().is_none());
    assert_eq!(format!("{lock:?}"), "RwLock(<locked>)");
    drop(writing);
    assert_eq!(format!("{lock:?} {:?}", lock.try_read().unwrap()), "RwLock(2) 2");
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn a_panicking_writer_releases_it() {
    let lock: &'static RwLock<u32> = Box::leak(Box::new(RwLock::new(0)));
    panic_of(|| {
        run_virtual(async {
            *lock.write().await = 7;
            let _guard = lock.write().await;
            panic!("inside");
        })
    });
    assert_eq!(*lock.try_read().unwrap(), 7);
}

#[test]
fn waits_say_where_they_are() {
    run_virtual(async {
        let lock = Rc::new(RwLock::new(()));
        let held = lock.write().await;
        let (r, w) = (Rc::clone(&lock), Rc::clone(&lock));
        let (line, reading) = (line!(), spawn(async move { drop(r.read().await) }));
        let writing = spawn(async move { drop(w.write().await) });
        schedule().await;
        for (task, line) in [(&reading, line), (&writing, line + 1)] {
            let info = task.info();
            assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::LockAcquire, line));
        }
        drop(held);
        let (reading, writing) = join!(reading, writing);
        assert!(reading.is_ok() && writing.is_ok());
    });
}

#[test]
fn threads_use_the_blocking_twins() {
    let total = must_end(|| {
        let lock = Arc::new(RwLock::new((0u32, 0u32)));
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let lock = Arc::clone(&lock);
                std::thread::spawn(move || {
                    for _ in 0..200 {
                        if n % 2 == 0 {
                            let mut pair = lock.write_blocking();
                            pair.0 += 1;
                            std::thread::yield_now();
                            pair.1 += 1;
                        } else {
                            let pair = lock.read_blocking();
                            assert_eq!(pair.0, pair.1, "a reader saw a half-made change");
                        }
                    }
                })
            })
            .collect();
        run_real(async {
            for _ in 0..200 {
                let pair = *lock.read().await;
                assert_eq!(pair.0, pair.1);
                schedule().await;
            }
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        Arc::into_inner(lock).expect("all threads have ended").into_inner().0
    });
    assert_eq!(total, 400);
}

#[test]
fn random_cancellation_never_mixes_readers_and_writers() {
    for seed in 1..60 {
        run_virtual(async move {
            let lock = Rc::new(RwLock::new(()));
            // Readers that are in; -1 for a writer.
            let inside = Rc::new(Cell::new(0i32));
            let served = Rc::new(Cell::new(0));
            let mut tasks = Vec::new();
            for n in 0..8 {
                let (lock, inside, served) = (Rc::clone(&lock), Rc::clone(&inside), Rc::clone(&served));
                tasks.push(spawn(async move {
                    let mut random = Random::new(seed * 100 + n);
                    for _ in 0..20 {
                        let stay = ms(random.below(4) as u64);
                        let limit = ms(random.below(12) as u64);
                        if random.chance(3) {
                            let _ = timeout_after(limit, async {
                                let guard = lock.write().await;
                                assert_eq!(inside.replace(-1), 0, "a writer is not alone");
                                let _leave = (Leave(&inside, 1), guard);
                                sleep(stay).await;
                            })
                            .await;
                        } else {
                            let _ = timeout_after(limit, async {
                                let guard = lock.read().await;
                                assert!(inside.get() >= 0, "a reader met a writer");
                                inside.set(inside.get() + 1);
                                let _leave = (Leave(&inside, -1), guard);
                                sleep(stay).await;
                            })
                            .await;
                        }
                        served.set(served.get() + 1);
                    }
                }));
            }
            for task in tasks {
                task.join().await.unwrap();
            }
            assert_eq!((inside.get(), served.get()), (0, 160), "seed {seed}");
            assert!(lock.try_write().is_some(), "seed {seed}: a turn was lost");
        });
    }
}

struct Leave<'a>(&'a Cell<i32>, i32);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + self.1);
    }
}
