//! A wait that is granted its turn and then not polled does not hold up the others: the kernel takes it back.
//!
//! The first test is the program of Oxide's RFD 609, which stops for ever on other runtimes.

mod common;

use common::{Log, Random, ms, must_end, poll_once, run_virtual, secs};
use curio::{
    BoundedSemaphore, Kernel, Lock, Queue, Semaphore, clock, join, race, schedule, sleep, spawn,
    timeout_after,
};
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;

/// Runs on a virtual clock, and fails if it hangs.
fn ends(program: impl AsyncFnOnce() + Send + 'static) {
    must_end(move || run_virtual(async move { program().await }));
}

#[test]
fn the_program_of_rfd_609_completes() {
    ends(async || {
        let (lock, log) = (Rc::new(Lock::new(())), Log::new());
        let own = Rc::clone(&lock);
        let background = spawn(async move {
            let _guard = own.acquire().await;
            sleep(secs(5)).await;
        });
        schedule().await;
        let do_thing = async |name| {
            let _guard = lock.acquire().await;
            log.note(name);
        };
        let mut first = pin!(do_thing("first"));
        // The second branch wins and asks for the lock while the first, pinned outside, stays in line unpolled.
        let slow = async { sleep(ms(500)).await };
        race((first.as_mut(), slow)).await;
        do_thing("second").await;
        assert_eq!(log.take(), ["5000 second"], "at the instant at which it was released");
        first.await;
        assert_eq!(log.take(), ["5000 first"], "whoever was passed over is served when it asks again");
        background.join().await.unwrap();
    });
}

#[test]
fn a_sleeping_wait_of_another_task_does_not_hold_up_a_lock() {
    ends(async || {
        let lock = Rc::new(Lock::new(()));
        let guard = lock.acquire().await;
        let own = Rc::clone(&lock);
        let sleeper = spawn(async move {
            let mut dormant = Box::pin(own.acquire());
            assert!(poll_once(dormant.as_mut()).await.is_pending());
            sleep(secs(3600)).await;
            drop(dormant.await);
        });
        schedule().await;
        let start = clock();
        drop(guard);
        drop(lock.acquire().await);
        assert_eq!(clock(), start, "nobody had to wait for the sleeper");
        sleeper.join().await.unwrap();
        assert_eq!(clock() - start, secs(3600));
    });
}

#[test]
fn a_sleeping_wait_does_not_hold_up_a_semaphore() {
    ends(async || {
        let sema = Semaphore::new(2);
        let permits = sema.acquire_many(2).await;
        let mut dormant = Box::pin(sema.acquire_many(2));
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        drop(permits);
        let permit = timeout_after(secs(1), sema.acquire()).await.expect("the sleeping wait is passed over");
        assert!(poll_once(dormant.as_mut()).await.is_pending(), "it queues again: one permit is out");
        drop(permit);
        drop(timeout_after(secs(1), dormant).await.expect("and it is served when it looks"));
        assert_eq!(sema.value(), 2);
    });
}

#[test]
fn a_sleeping_wait_does_not_hold_up_a_bounded_semaphore() {
    ends(async || {
        let sema = BoundedSemaphore::new(1);
        let permit = sema.acquire().await;
        let mut dormant = Box::pin(sema.acquire());
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        drop(permit);
        assert!(timeout_after(secs(1), sema.acquire()).await.is_ok());
        drop(dormant);
        assert_eq!((sema.value(), sema.release().is_err()), (1, true));
    });
}

#[test]
fn a_sleeping_get_does_not_hold_up_a_queue() {
    ends(async || {
        let queue = Queue::unbounded();
        let mut dormant = Box::pin(queue.get());
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        queue.put(1).await;
        assert_eq!(timeout_after(secs(1), queue.get()).await, Ok(1));
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        queue.put(2).await;
        assert_eq!(timeout_after(secs(1), dormant).await, Ok(2));
    });
}

#[test]
fn a_sleeping_put_does_not_hold_up_a_queue() {
    ends(async || {
        let queue = Queue::new(1);
        queue.put(1).await;
        let mut dormant = Box::pin(queue.put(2));
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        assert_eq!(queue.get().await, 1);
        assert!(timeout_after(secs(1), queue.put(3)).await.is_ok());
        assert_eq!(queue.get().await, 3);
        dormant.await;
        assert_eq!(queue.get().await, 2, "what was passed over is put after all");
    });
}

#[test]
fn many_sleeping_waits_in_a_row_are_passed_over() {
    ends(async || {
        let lock = Lock::new(());
        let guard = lock.acquire().await;
        let mut dormant: Vec<_> = (0..50).map(|_| Box::pin(lock.acquire())).collect();
        for wait in &mut dormant {
            assert!(poll_once(wait.as_mut()).await.is_pending());
        }
        drop(guard);
        assert!(timeout_after(secs(1), lock.acquire()).await.is_ok());
        for wait in dormant {
            drop(timeout_after(secs(1), wait).await.expect("each is served when it looks"));
        }
        assert!(!lock.locked());
    });
}

#[test]
fn a_wait_that_is_polled_in_time_keeps_its_turn() {
    ends(async || {
        let (lock, log) = (Rc::new(Lock::new(())), Log::new());
        let guard = lock.acquire().await;
        let tasks: Vec<_> = (0..10)
            .map(|n| {
                let (lock, log) = (Rc::clone(&lock), log.clone());
                spawn(async move {
                    let _guard = lock.acquire().await;
                    log.note(n);
                })
            })
            .collect();
        schedule().await;
        drop(guard);
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), (0..10).map(|n| format!("0 {n}")).collect::<Vec<_>>());
    });
}

#[test]
fn a_revoked_wait_that_is_dropped_takes_nothing_with_it() {
    ends(async || {
        let sema = Semaphore::new(1);
        let permit = sema.acquire().await;
        let mut dormant = Box::pin(sema.acquire());
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        drop(permit);
        drop(sema.acquire().await);
        drop(dormant);
        assert_eq!(sema.value(), 1);
    });
}

#[test]
fn a_granted_wait_whose_task_has_ended_passes_its_turn_on() {
    ends(async || {
        let lock = Rc::new(Lock::new(()));
        let guard = lock.acquire().await;
        type Wait = Pin<Box<dyn Future<Output = ()>>>;
        let place = Rc::<Cell<Option<Wait>>>::default();
        let (own, keep) = (Rc::clone(&lock), Rc::clone(&place));
        // The task leaves its wait behind, alive and in line, and ends.
        let task = spawn(async move {
            let mut wait: Wait = Box::pin(async move { drop(own.acquire().await) });
            assert!(poll_once(wait.as_mut()).await.is_pending());
            keep.set(Some(wait));
        });
        task.join().await.unwrap();
        drop(guard);
        assert!(timeout_after(secs(1), lock.acquire()).await.is_ok());
        timeout_after(secs(1), place.take().unwrap()).await.expect("it may still be finished elsewhere");
    });
}

#[test]
fn a_wait_that_moved_to_another_task_is_watched_there() {
    ends(async || {
        static LOCK: Lock = Lock::new(());
        let guard = LOCK.acquire().await;
        let mut wait = Box::pin(LOCK.acquire());
        assert!(poll_once(wait.as_mut()).await.is_pending());
        let task = spawn(async move {
            drop(wait.await);
            "served"
        });
        schedule().await;
        drop(guard);
        for _ in 0..3 {
            schedule().await;
        }
        assert!(task.is_terminated(), "it was served at once, not passed over");
        assert_eq!(task.join().await.unwrap(), "served");
    });
}

#[test]
fn a_sleeping_wait_beside_a_polled_one_in_the_same_task_is_passed_over() {
    ends(async || {
        let lock = Lock::new(());
        let guard = lock.acquire().await;
        let mut dormant = Box::pin(lock.acquire());
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        let release = async {
            sleep(secs(1)).await;
            drop(guard);
        };
        let work = async {
            let _guard = lock.acquire().await;
            clock()
        };
        let start = clock();
        let (done, ()) = join!(work, release);
        assert_eq!(done - start, secs(1));
        drop(dormant);
    });
}

#[test]
fn grants_in_one_kernel_are_not_revoked_by_another() {
    static LOCK: Lock<u32> = Lock::new(0);
    must_end(|| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    curio::run(async {
                        for _ in 0..100 {
                            let mut guard = LOCK.acquire().await;
                            let seen = *guard;
                            schedule().await;
                            *guard = seen + 1;
                        }
                    });
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(*LOCK.try_acquire().unwrap(), 400);
}

/// Tasks that take the lock, and in between begin waits that they let lie for a while, or drop, or finish.
#[test]
fn one_at_a_time_and_everybody_gets_on_over_two_thousand_seeds() {
    must_end(|| {
        for seed in 0..2000 {
            Kernel::builder().virtual_clock(true).seed(seed).run(async move {
                let (lock, inside) = (Rc::new(Lock::new(())), Rc::new(Cell::new(false)));
                let tasks: Vec<_> = (0..4)
                    .map(|n| {
                        let (lock, inside) = (Rc::clone(&lock), Rc::clone(&inside));
                        let mut random = Random::new(seed * 10 + n);
                        spawn(async move {
                            for _ in 0..3 {
                                let mut dormant = Box::pin(lock.acquire());
                                let begun = random.chance(2).then_some(poll_once(dormant.as_mut()).await);
                                if let Some(std::task::Poll::Ready(guard)) = begun {
                                    drop(guard);
                                    continue;
                                }
                                let guard = lock.acquire().await;
                                assert!(!inside.replace(true), "two at once (seed {seed})");
                                schedule().await;
                                inside.set(false);
                                drop(guard);
                                if random.chance(2) {
                                    drop(dormant.await);
                                }
                            }
                        })
                    })
                    .collect();
                for task in tasks {
                    timeout_after(secs(60), task).await.expect("nobody waits for ever").unwrap();
                }
                assert!(!lock.locked(), "seed {seed}");
            });
        }
    });
}
