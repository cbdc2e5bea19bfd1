//! `RLock`: one task at a time, and that one as often as it likes.

mod common;

use common::{Log, Random, ms, must_end, panic_of, poll_once, run_real, run_virtual};
use curio::{RLock, TaskId, TaskState, current_task, join, schedule, sleep, spawn, timeout_after};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

static GLOBAL: RLock = RLock::new();

#[test]
fn it_may_stand_in_a_static_and_be_acquired_again() {
    async fn nested(depth: u32) -> u32 {
        let _guard = GLOBAL.acquire().await;
        if depth == 0 { 0 } else { 1 + Box::pin(nested(depth - 1)).await }
    }
    assert_eq!(run_virtual(nested(10)), 10);
    assert!(!GLOBAL.locked());
}

#[test]
fn others_wait_until_the_last_guard_is_dropped() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let log = Log::new();
        let outer = lock.acquire().await;
        let inner = lock.acquire().await;
        let (theirs, there) = (Rc::clone(&lock), log.clone());
        let other = spawn(async move {
            let _guard = theirs.acquire().await;
            there.note("other");
        });
        sleep(ms(10)).await;
        drop(outer);
        sleep(ms(10)).await;
        assert!(lock.locked());
        drop(inner);
        other.join().await.unwrap();
        assert_eq!(log.take(), ["20 other"]);
        assert!(!lock.locked());
    });
}

#[test]
fn waiters_are_served_in_the_order_in_which_they_came() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let log = Log::new();
        let held = lock.acquire().await;
        let tasks = ["a", "b", "c"].map(|name| {
            let (lock, log) = (Rc::clone(&lock), log.clone());
            spawn(async move {
                let _guard = lock.acquire().await;
                log.note(name);
                sleep(ms(1)).await;
            })
        });
        schedule().await;
        drop(held);
        assert!(lock.try_acquire().is_none(), "it belongs to the first in line");
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), ["0 a", "1 b", "2 c"]);
    });
}

#[test]
fn branches_of_one_task_share_it() {
    run_virtual(async {
        let lock = RLock::new();
        let inside = Cell::new(0);
        let branch = || async {
            let _guard = lock.acquire().await;
            inside.set(inside.get() + 1);
            sleep(ms(10)).await;
            inside.replace(0)
        };
        assert_eq!(join!(branch(), branch()), (2, 0));
    });
}

#[test]
fn a_branch_in_line_goes_in_with_the_branch_before_it() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let theirs = Rc::clone(&lock);
        let holder = spawn(async move {
            let _guard = theirs.acquire().await;
            sleep(ms(10)).await;
        });
        schedule().await;
        let log = Log::new();
        let branch = |name: &'static str| {
            let (lock, log) = (&lock, log.clone());
            async move {
                let _guard = lock.acquire().await;
                log.note(name);
                sleep(ms(5)).await;
            }
        };
        join!(branch("one"), branch("two"));
        assert_eq!(log.take(), ["10 one", "10 two"]);
        assert!(!lock.locked());
        holder.join().await.unwrap();
    });
}

#[test]
fn a_wait_that_went_in_with_its_task_is_not_in_line_any_more() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let theirs = Rc::clone(&lock);
        let holder = spawn(async move {
            let _guard = theirs.acquire().await;
            sleep(ms(10)).await;
        });
        schedule().await;
        let mut one = pin!(lock.acquire());
        let mut two = pin!(lock.acquire());
        assert!(poll_once(one.as_mut()).await.is_pending());
        assert!(poll_once(two.as_mut()).await.is_pending());
        let outer = one.await;
        let Poll::Ready(inner) = poll_once(two.as_mut()).await else { panic!("it is this task's lock") };
        drop((outer, inner));
        // `two` is still there: it must not be served a second time.
        assert!(!lock.locked());
        holder.join().await.unwrap();
    });
}

#[test]
fn trying_never_waits() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let outer = lock.try_acquire();
        assert!(outer.is_some() && lock.try_acquire().is_some());
        let theirs = Rc::clone(&lock);
        assert!(spawn(async move { theirs.try_acquire().is_none() }).join().await.unwrap());
        drop(outer);
        let theirs = Rc::clone(&lock);
        assert!(spawn(async move { theirs.try_acquire().is_some() }).join().await.unwrap());
    });
}

#[test]
fn a_guard_may_be_dropped_by_another_task() {
    run_virtual(async {
        let lock: &'static RLock = Box::leak(Box::new(RLock::new()));
        let (one, two) = (lock.acquire().await, lock.acquire().await);
        drop(two);
        spawn(async move { drop(one) }).join().await.unwrap();
        assert!(!lock.locked());
    });
}

#[test]
fn a_dropped_wait_passes_its_turn_on() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let held = lock.acquire().await;
        let theirs = Rc::clone(&lock);
        let gives_up = spawn(async move { timeout_after(ms(1), theirs.acquire()).await.is_err() });
        let theirs = Rc::clone(&lock);
        let dropped = spawn(async move {
            let mut wait = pin!(theirs.acquire());
            assert!(poll_once(wait.as_mut()).await.is_pending());
            sleep(ms(10)).await;
        });
        let theirs = Rc::clone(&lock);
        let last = spawn(async move { drop(theirs.acquire().await) });
        assert!(gives_up.join().await.unwrap());
        drop(held);
        last.join().await.unwrap();
        assert!(!lock.locked());
        dropped.join().await.unwrap();
    });
}

#[test]
fn a_wait_that_nobody_polls_does_not_hold_up_the_others() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let theirs = Rc::clone(&lock);
        let holder = spawn(async move {
            let _guard = theirs.acquire().await;
            sleep(ms(10)).await;
        });
        schedule().await;
        let mut asleep = pin!(lock.acquire());
        assert!(poll_once(asleep.as_mut()).await.is_pending());
        let theirs = Rc::clone(&lock);
        let other = spawn(async move { drop(theirs.acquire().await) });
        drop(lock.acquire().await);
        drop(asleep.await);
        other.join().await.unwrap();
        holder.join().await.unwrap();
        assert!(!lock.locked());
    });
}

#[test]
fn a_wait_says_where_it_is() {
    run_virtual(async {
        let lock = Rc::new(RLock::new());
        let held = lock.acquire().await;
        let theirs = Rc::clone(&lock);
        let (line, waiting) = (line!(), spawn(async move { drop(theirs.acquire().await) }));
        schedule().await;
        let info = waiting.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::RlockAcquire, line));
        drop(held);
        waiting.join().await.unwrap();
    });
}

#[test]
fn a_task_that_panics_releases_it() {
    let lock: &'static RLock = Box::leak(Box::new(RLock::new()));
    panic_of(|| {
        run_virtual(async {
            let _one = lock.acquire().await;
            let _two = lock.acquire().await;
            panic!("inside");
        })
    });
    assert!(!lock.locked());
}

#[test]
fn threads_exclude_each_other_and_not_themselves() {
    must_end(|| {
        let shared = Arc::new((RLock::new(), AtomicUsize::new(0)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    for _ in 0..200 {
                        let _outer = shared.0.acquire_blocking();
                        let _inner = shared.0.acquire_blocking();
                        assert_eq!(shared.1.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        shared.1.fetch_sub(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        run_real(async {
            for _ in 0..200 {
                let _guard = shared.0.acquire().await;
                assert_eq!(shared.1.fetch_add(1, Ordering::SeqCst), 0);
                schedule().await;
                shared.1.fetch_sub(1, Ordering::SeqCst);
            }
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(!shared.0.locked());
    });
}

#[test]
fn random_cancellation_never_lets_two_tasks_in() {
    for seed in 1..60 {
        run_virtual(async move {
            let lock = Rc::new(RLock::new());
            let holder: Rc<RefCell<Option<(TaskId, usize)>>> = Rc::default();
            let served = Rc::new(Cell::new(0));
            let mut tasks = Vec::new();
            for n in 0..6 {
                let (lock, holder, served) = (Rc::clone(&lock), Rc::clone(&holder), Rc::clone(&served));
                tasks.push(spawn(async move {
                    let mut random = Random::new(seed * 100 + n);
                    for _ in 0..20 {
                        let limit = ms(random.below(8) as u64);
                        let (depth, stay) = (1 + random.below(3), random.below(4) as u64);
                        let visit = async {
                            let mut guards = Vec::new();
                            for _ in 0..depth {
                                let guard = lock.acquire().await;
                                enter(&holder);
                                guards.push(Leave(holder.clone(), guard));
                                sleep(ms(stay)).await;
                            }
                            served.set(served.get() + 1);
                        };
                        let _ = timeout_after(limit, visit).await;
                        sleep(ms(random.below(3) as u64)).await;
                    }
                }));
            }
            for task in tasks {
                task.join().await.unwrap();
            }
            assert!(served.get() > 0 && holder.borrow().is_none() && !lock.locked(), "seed {seed}");
        });
    }
}

fn enter(holder: &RefCell<Option<(TaskId, usize)>>) {
    let me = current_task().id();
    let mut holder = holder.borrow_mut();
    let (owner, depth) = holder.get_or_insert((me, 0));
    assert_eq!(*owner, me, "two tasks are in");
    *depth += 1;
}

/// Notes that one guard goes, just before it does.
struct Leave<G>(Rc<RefCell<Option<(TaskId, usize)>>>, #[allow(dead_code, reason = "kept to be dropped")] G);

impl<G> Drop for Leave<G> {
    fn drop(&mut self) {
        let mut holder = self.0.borrow_mut();
        if let Some((_, depth)) = holder.as_mut() {
            *depth -= 1;
        }
        holder.take_if(|(_, depth)| *depth == 0);
    }
}
