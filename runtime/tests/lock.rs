//! Locks: one at a time, first come first served, handed over directly.

mod common;

use common::{Calls, Log, Random, ms, must_end, panic_of, poll_once, run_reporting, run_virtual, secs};
use curio::sync::LockAcquire;
use curio::{Kernel, Lock, LockGuard, schedule, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

#[test]
fn one_task_at_a_time_holds_it() {
    run_virtual(async {
        let (lock, inside) = (Rc::new(Lock::new(())), Rc::new(Cell::new(false)));
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let (lock, inside) = (Rc::clone(&lock), Rc::clone(&inside));
                spawn(async move {
                    let _guard = lock.acquire().await;
                    assert!(!inside.replace(true), "nobody else is inside");
                    sleep(ms(1)).await;
                    inside.set(false);
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn it_is_handed_over_in_the_order_in_which_they_came() {
    run_virtual(async {
        let (lock, log) = (Rc::new(Lock::new(())), Log::new());
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let (lock, log) = (Rc::clone(&lock), log.clone());
                spawn(async move {
                    let _guard = lock.acquire().await;
                    log.note(n);
                    sleep(ms(10)).await;
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), ["0 0", "10 1", "20 2", "30 3"]);
    });
}

#[test]
fn a_lock_that_somebody_waits_for_is_never_free_for_bystanders() {
    run_virtual(async {
        let lock = Rc::new(Lock::new(()));
        let guard = lock.acquire().await;
        let own = Rc::clone(&lock);
        let waiter = spawn(async move { own.acquire().await.clone_unit() });
        schedule().await;
        drop(guard);
        assert!(lock.locked(), "it belongs to the waiter already");
        assert!(lock.try_acquire().is_none(), "nobody barges in");
        let mut newcomer = Box::pin(lock.acquire());
        assert!(poll_once(newcomer.as_mut()).await.is_pending());
        waiter.join().await.unwrap();
        drop(newcomer.await);
        assert!(lock.try_acquire().is_some());
    });
}

/// Nothing but a use of a guard's value.
trait CloneUnit {
    fn clone_unit(&self);
}

impl CloneUnit for LockGuard<'_, ()> {
    fn clone_unit(&self) {}
}

#[test]
fn it_guards_a_value() {
    run_virtual(async {
        let lock = Lock::new(vec![1]);
        lock.acquire().await.push(2);
        lock.try_acquire().unwrap().push(3);
        assert_eq!(*lock.acquire().await, [1, 2, 3]);
        assert_eq!(lock.into_inner(), [1, 2, 3]);
        assert_eq!(Lock::<u8>::default().into_inner(), 0);
    });
}

#[test]
fn a_wait_that_is_given_up_passes_its_turn_on() {
    run_virtual(async {
        let lock = Lock::new(());
        let guard = lock.acquire().await;
        let mut impatient = Box::pin(lock.acquire());
        let mut patient = Box::pin(lock.acquire());
        assert!(poll_once(impatient.as_mut()).await.is_pending());
        assert!(poll_once(patient.as_mut()).await.is_pending());
        drop(guard);
        drop(impatient);
        assert!(poll_once(patient.as_mut()).await.is_ready());
        assert!(!lock.locked(), "the guard went with the result");
    });
}

#[test]
fn a_cancelled_holder_releases_it() {
    run_virtual(async {
        let lock = Rc::new(Lock::new(()));
        let own = Rc::clone(&lock);
        let holder = spawn(async move {
            let _guard = own.acquire().await;
            sleep(secs(60)).await;
        });
        schedule().await;
        assert!(lock.locked());
        let own = Rc::clone(&lock);
        let waiter = spawn(async move { drop(own.acquire().await) });
        schedule().await;
        holder.cancel().await;
        assert!(timeout_after(secs(1), waiter).await.is_ok());
    });
}

#[test]
fn a_panicking_holder_releases_it_and_does_not_poison_it() {
    run_reporting(async {
        let lock = Rc::new(Lock::new(1));
        let own = Rc::clone(&lock);
        let holder = spawn(async move {
            *own.acquire().await = 2;
            let _guard = own.acquire().await;
            panic!("while it is held");
        });
        let _: Result<(), _> = holder.join().await;
        assert_eq!(*lock.acquire().await, 2);
        assert_eq!(Rc::into_inner(lock).unwrap().into_inner(), 2);
    });
}

#[test]
fn it_shows_its_value_also_after_a_panic() {
    run_reporting(async {
        let lock = Rc::new(Lock::new("the value"));
        assert!(format!("{lock:?}").contains("the value"));
        let guard = lock.acquire().await;
        assert!(format!("{lock:?}").contains("locked"), "{lock:?}");
        assert!(format!("{guard:?}").contains("the value"));
        drop(guard);
        let own = Rc::clone(&lock);
        let holder = spawn(async move {
            let _guard = own.acquire().await;
            panic!("while it is held");
        });
        let _: Result<(), _> = holder.join().await;
        assert!(!lock.locked());
        assert!(format!("{lock:?}").contains("the value"), "{lock:?}");
    });
}

#[test]
fn it_may_be_static_and_shared_with_threads() {
    static COUNT: Lock<u32> = Lock::new(0);
    must_end(|| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                std::thread::spawn(move || {
                    for _ in 0..200 {
                        if n % 2 == 0 {
                            let mut guard = COUNT.acquire_blocking();
                            *guard += 1;
                        } else {
                            curio::run(async {
                                let mut guard = COUNT.acquire().await;
                                let seen = *guard;
                                schedule().await;
                                *guard = seen + 1;
                            });
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*COUNT.try_acquire().unwrap(), 800);
    });
}

#[test]
fn blocking_inside_a_kernel_is_refused() {
    run_virtual(async {
        assert!(panic_of(|| drop(Lock::new(()).acquire_blocking())).contains("run_in_thread"));
    });
}

#[test]
fn the_wait_of_a_task_names_the_holder_when_the_task_is_dropped_hard() {
    let (_, reports) = run_reporting(async {
        let lock = Rc::new(Lock::new(()));
        let own = Rc::clone(&lock);
        let holder = async move {
            let _guard = own.acquire().await;
            curio::disable_cancellation(std::future::pending::<()>()).await;
        };
        curio::spawn_named("holder", holder).detach();
        schedule().await;
        let waiter = async move { curio::disable_cancellation(lock.acquire()).await.clone_unit() };
        curio::spawn_named("waiter", waiter).detach();
        schedule().await;
    });
    assert!(reports[0].contains("`waiter`"), "{reports:#?}");
    assert!(reports[0].contains("LOCK_ACQUIRE") && reports[0].contains("held by task 2"), "{reports:#?}");
}

struct Waiter<'a> {
    future: Pin<Box<LockAcquire<'a, u32>>>,
    calls: Arc<Calls>,
    waker: Waker,
    number: u32,
}

impl<'a> Waiter<'a> {
    fn poll(&mut self) -> Poll<LockGuard<'a, u32>> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

/// Random acquiring, polling, giving up and releasing, against the plainest model.
#[test]
fn random_use_agrees_with_a_simple_model() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let lock = Lock::new(0);
        let mut guard: Option<LockGuard<'_, u32>> = None;
        let mut waiting: Vec<Waiter<'_>> = Vec::new();
        // The model: is it free, who is in line, who owns it without having looked.
        let (mut free, mut line, mut granted) = (true, VecDeque::new(), BTreeSet::new());
        let serve = |free: &mut bool, line: &mut VecDeque<u32>, granted: &mut BTreeSet<u32>| {
            if let Some(next) = line.pop_front().filter(|_| *free) {
                granted.insert(next);
                *free = false;
            }
        };
        for number in 0..500 {
            match random.below(6) {
                0 | 1 => {
                    let (calls, waker) = Calls::new();
                    let mut waiter = Waiter { future: Box::pin(lock.acquire()), calls, waker, number };
                    match waiter.poll() {
                        Poll::Ready(taken) => {
                            assert!(free && line.is_empty(), "seed {seed}");
                            free = false;
                            guard = Some(taken);
                        }
                        Poll::Pending => {
                            assert!(!free, "seed {seed}");
                            line.push_back(number);
                            waiting.push(waiter);
                        }
                    }
                }
                2 if !waiting.is_empty() => {
                    let index = random.below(waiting.len());
                    match waiting[index].poll() {
                        Poll::Ready(taken) => {
                            assert!(granted.remove(&waiting[index].number), "seed {seed}");
                            guard = Some(taken);
                            waiting.swap_remove(index);
                        }
                        Poll::Pending => assert!(!granted.contains(&waiting[index].number), "seed {seed}"),
                    }
                }
                3 if !waiting.is_empty() => {
                    let dropped = waiting.swap_remove(random.below(waiting.len())).number;
                    line.retain(|number| *number != dropped);
                    if granted.remove(&dropped) {
                        free = true;
                        serve(&mut free, &mut line, &mut granted);
                    }
                }
                4 => {
                    if let Some(mut taken) = guard.take() {
                        *taken += 1;
                        drop(taken);
                        free = true;
                        serve(&mut free, &mut line, &mut granted);
                    }
                }
                _ => {
                    let taken = lock.try_acquire();
                    assert_eq!(taken.is_some(), free, "seed {seed}");
                }
            }
            assert_eq!(lock.locked(), !free, "seed {seed}");
            for waiter in &waiting {
                let expected = usize::from(granted.contains(&waiter.number));
                assert_eq!(waiter.calls.count(), expected, "woken once if it is its turn (seed {seed})");
            }
        }
    }
}

/// A counter that is read, and written after others have run: right only if one at a time is inside.
#[test]
fn no_update_is_lost_under_any_schedule_with_random_cancellation() {
    for seed in 0..200 {
        Kernel::builder().virtual_clock(true).seed(seed).run(async move {
            let mut random = Random::new(seed);
            let (lock, done) = (Rc::new(Lock::new(0)), Rc::new(Cell::new(0)));
            let tasks: Vec<_> = (0..8)
                .map(|n| {
                    let (lock, done) = (Rc::clone(&lock), Rc::clone(&done));
                    let mut random = Random::new(seed * 100 + n);
                    spawn(async move {
                        for _ in 0..5 {
                            let patience = ms(random.below(6) as u64);
                            let update = async {
                                let mut count = lock.acquire().await;
                                let seen = *count;
                                sleep(ms(random.below(3) as u64)).await;
                                *count = seen + 1;
                                done.set(done.get() + 1);
                            };
                            let _ = timeout_after(patience, update).await;
                        }
                    })
                })
                .collect();
            for _ in 0..3 {
                sleep(ms(random.below(5) as u64)).await;
                tasks[random.below(tasks.len())].request_cancel();
            }
            for task in tasks {
                task.wait().await;
                task.detach();
            }
            assert!(!lock.locked(), "seed {seed}");
            assert_eq!(*lock.acquire().await, done.get(), "seed {seed}");
        });
    }
}
