//! `Barrier`: no task goes on before all have arrived.

mod common;

use common::{Log, Random, ms, must_end, poll_once, run_real, run_virtual};
use curio::{Barrier, TaskState, join, schedule, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

static THREE: Barrier = Barrier::new(3);

#[test]
fn it_may_stand_in_a_static_and_serves_round_after_round() {
    run_virtual(async {
        let log = Log::new();
        let tasks = [1, 2, 3].map(|n| {
            let log = log.clone();
            spawn(async move {
                for round in 0..2 {
                    sleep(ms(n * 10)).await;
                    let leader = THREE.wait().await;
                    log.note(format!("round {round}, task {n}, leader {leader}"));
                }
            })
        });
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(
            log.take(),
            [
                "30 round 0, task 3, leader true",
                "30 round 0, task 1, leader false",
                "30 round 0, task 2, leader false",
                "60 round 1, task 3, leader true",
                "60 round 1, task 1, leader false",
                "60 round 1, task 2, leader false",
            ]
        );
    });
}

#[test]
fn a_barrier_for_one_or_none_stops_nobody() {
    run_virtual(async {
        for barrier in [Barrier::new(0), Barrier::new(1)] {
            assert!(barrier.wait().await && barrier.wait().await);
        }
    });
}

#[test]
fn branches_of_one_task_can_meet() {
    run_virtual(async {
        let barrier = Barrier::new(2);
        assert_eq!(join!(barrier.wait(), barrier.wait()), (false, true));
    });
}

#[test]
fn whoever_gives_up_has_not_come() {
    run_virtual(async {
        let barrier = Barrier::new(2);
        assert!(timeout_after(ms(1), barrier.wait()).await.is_err());
        assert_eq!(format!("{barrier:?}"), "Barrier { arrived: 0, size: 2 }");
        let mut wait = pin!(barrier.wait());
        assert!(poll_once(wait.as_mut()).await.is_pending());
        assert_eq!(format!("{barrier:?}"), "Barrier { arrived: 1, size: 2 }");
        assert!(barrier.wait().await);
        assert!(!wait.await);
    });
}

#[test]
fn giving_up_after_the_round_is_complete_does_not_count_in_the_next() {
    run_virtual(async {
        let barrier = Barrier::new(2);
        let mut wait = Box::pin(barrier.wait());
        assert!(poll_once(wait.as_mut()).await.is_pending());
        assert!(barrier.wait().await);
        drop(wait);
        assert_eq!(format!("{barrier:?}"), "Barrier { arrived: 0, size: 2 }");
        assert_eq!(join!(barrier.wait(), barrier.wait()), (false, true));
    });
}

#[test]
fn a_wait_says_where_it_is() {
    run_virtual(async {
        let barrier = Rc::new(Barrier::new(2));
        let theirs = Rc::clone(&barrier);
        let (line, waiting) = (line!(), spawn(async move { theirs.wait().await }));
        schedule().await;
        let info = waiting.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::EventWait, line));
        barrier.wait().await;
        waiting.join().await.unwrap();
    });
}

#[test]
fn threads_and_tasks_meet() {
    let leaders = must_end(|| {
        let shared = Arc::new((Barrier::new(4), AtomicUsize::new(0), AtomicUsize::new(0)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    for round in 1..=50 {
                        shared.1.fetch_add(1, Ordering::SeqCst);
                        if shared.0.wait_blocking() {
                            shared.2.fetch_add(1, Ordering::SeqCst);
                        }
                        assert!(shared.1.load(Ordering::SeqCst) >= 4 * round, "somebody went on too early");
                    }
                })
            })
            .collect();
        run_real(async {
            for round in 1..=50 {
                shared.1.fetch_add(1, Ordering::SeqCst);
                if shared.0.wait().await {
                    shared.2.fetch_add(1, Ordering::SeqCst);
                }
                assert!(shared.1.load(Ordering::SeqCst) >= 4 * round);
            }
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        shared.2.load(Ordering::SeqCst)
    });
    assert_eq!(leaders, 50);
}

#[test]
fn random_cancellation_keeps_the_count() {
    for seed in 1..100 {
        run_virtual(async move {
            let barrier = Rc::new(Barrier::new(3));
            let (passed, leaders) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let mut tasks = Vec::new();
            for n in 0..7 {
                let (barrier, passed, leaders) =
                    (Rc::clone(&barrier), Rc::clone(&passed), Rc::clone(&leaders));
                tasks.push(spawn(async move {
                    let mut random = Random::new(seed * 100 + n);
                    for _ in 0..20 {
                        match timeout_after(ms(random.below(6) as u64), barrier.wait()).await {
                            Ok(leader) => {
                                passed.set(passed.get() + 1);
                                leaders.set(leaders.get() + u32::from(leader));
                            }
                            Err(_) => sleep(ms(random.below(3) as u64)).await,
                        }
                    }
                }));
            }
            for task in tasks {
                task.join().await.unwrap();
            }
            assert!(leaders.get() > 0, "seed {seed}");
            // A round may have been completed for a wait whose limit passed in the same instant.
            assert!(passed.get() <= 3 * leaders.get() && passed.get() >= leaders.get(), "seed {seed}");
            assert_eq!(format!("{barrier:?}"), "Barrier { arrived: 0, size: 3 }", "seed {seed}");
        });
    }
}
