//! Sleeping, yielding, the clock, and regular ticks. Times are exact, because the clock is virtual.

mod common;

use common::{Log, ms, panic_of, poll_once, run_real, run_virtual, secs};
use curio::{Kernel, MissedTicks, clock, ignore_after, interval, schedule, sleep, sleep_until, spawn};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

// ---- sleep

#[test]
fn a_sleep_ends_on_its_exact_nanosecond() {
    run_virtual(async {
        for nanos in [1, 999, 1_000_000, 1_048_575, 1_048_576, 1_048_577, 123_456_789, 86_400_000_000_007] {
            let start = clock();
            sleep(Duration::from_nanos(nanos)).await;
            assert_eq!(clock() - start, Duration::from_nanos(nanos));
        }
    });
}

#[test]
fn sleep_until_ends_when_the_clock_shows_that_time() {
    run_virtual(async {
        let target = clock() + Duration::from_nanos(7_000_000_001);
        sleep_until(target).await;
        assert_eq!(clock(), target);
    });
}

#[test]
fn a_sleep_counts_from_when_it_is_awaited() {
    run_virtual(async {
        let prepared = sleep(secs(1));
        sleep(secs(5)).await;
        let start = clock();
        prepared.await;
        assert_eq!(clock() - start, secs(1));
    });
}

#[test]
fn a_real_sleep_is_never_early() {
    run_real(async {
        for nanos in [1, 50_000, 999_999, 1_000_001, 5_500_000] {
            let start = Instant::now();
            sleep(Duration::from_nanos(nanos)).await;
            assert!(start.elapsed() >= Duration::from_nanos(nanos));
        }
    });
}

#[test]
fn the_article_sleeps_four_seconds_and_not_ten() {
    run_virtual(async {
        let start = clock();
        let tasks: Vec<_> = (1..=4)
            .map(|n| {
                spawn(async move {
                    sleep(secs(n)).await;
                    n
                })
            })
            .collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.join().await.unwrap());
        }
        assert_eq!((results, clock() - start), (vec![1, 2, 3, 4], secs(4)));
    });
}

#[test]
fn equal_deadlines_fire_in_the_order_in_which_they_were_set() {
    run_virtual(async {
        let woken = Rc::new(RefCell::new(Vec::new()));
        let deadline = clock() + secs(1);
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let woken = Rc::clone(&woken);
                spawn(async move {
                    // Half of them set other timers before, so that places are reused.
                    if n % 2 == 0 {
                        ignore_after(ms(1), sleep(secs(60))).await;
                        sleep_until(deadline - ms(500)).await;
                    }
                    sleep_until(deadline).await;
                    woken.borrow_mut().push(n);
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        let (odd, even): (Vec<i32>, Vec<i32>) = (0..200).partition(|n| n % 2 == 1);
        assert_eq!(*woken.borrow(), [odd, even].concat());
    });
}

#[test]
fn deadlines_fire_in_order_whatever_the_order_they_were_set_in() {
    run_virtual(async {
        let mut random = common::Random::new(7);
        let woken = Rc::new(RefCell::new(Vec::new()));
        let start = clock();
        let tasks: Vec<_> = (0..1000)
            .map(|_| {
                let (woken, nanos) = (Rc::clone(&woken), 1 + random.below(5_000_000_000) as u64);
                spawn(async move {
                    sleep_until(start + Duration::from_nanos(nanos)).await;
                    assert_eq!(clock(), start + Duration::from_nanos(nanos));
                    woken.borrow_mut().push(nanos);
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        assert!(woken.borrow().is_sorted());
        assert_eq!(woken.borrow().len(), 1000);
    });
}

#[test]
fn a_sleep_of_zero_lets_everybody_else_run_once_and_takes_no_time() {
    yields_once(|| sleep(Duration::ZERO));
}

#[test]
fn a_sleep_until_the_past_lets_everybody_else_run_once() {
    yields_once(|| sleep_until(clock()));
    yields_once(|| sleep_until(clock() - ms(1)));
}

#[test]
fn schedule_lets_everybody_else_run_once() {
    yields_once(schedule);
}

fn yields_once<F: Future<Output = ()>>(pause: impl Fn() -> F) {
    run_virtual(async {
        let start = clock();
        let ran = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let ran = Rc::clone(&ran);
                spawn(async move {
                    ran.set(ran.get() + 1);
                    schedule().await;
                    ran.set(ran.get() + 100);
                })
            })
            .collect();
        pause().await;
        assert_eq!((ran.get(), clock()), (3, start));
        pause().await;
        assert_eq!(ran.get(), 303);
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn the_longest_sleeps_do_not_overflow() {
    run_virtual(async {
        let far = clock() + Duration::from_secs(100 * 365 * 86_400);
        let (a, b, c) =
            (spawn(sleep(Duration::MAX)), spawn(sleep(Duration::MAX / 2)), spawn(sleep_until(far)));
        sleep(secs(1)).await;
        assert!(!a.is_terminated() && !b.is_terminated() && !c.is_terminated());
        c.join().await.unwrap();
        assert_eq!(clock(), far, "a century is exact too");
        assert!(a.cancel().await && b.cancel().await);
    });
}

#[test]
fn the_longest_sleeps_do_not_overflow_on_the_real_clock() {
    run_real(async {
        let tasks =
            [Duration::MAX, Duration::from_secs(u64::MAX / 4), secs(40 * 86_400)].map(|d| spawn(sleep(d)));
        sleep(ms(5)).await;
        for task in tasks {
            assert!(!task.is_terminated());
            task.cancel().await;
        }
    });
}

#[test]
fn dropping_a_sleep_frees_its_timer() {
    let mut kernel = Kernel::new().unwrap();
    kernel.run(async {
        for d in [ms(1), secs(1), secs(3600), secs(1_000_000)] {
            let mut sleeping = pin!(sleep(d));
            assert!(poll_once(sleeping.as_mut()).await.is_pending());
        }
        let task = spawn(sleep(secs(60)));
        schedule().await;
        task.cancel().await;
        assert!(curio::timeout_after(secs(60), schedule()).await.is_ok());
    });
    assert_eq!(kernel.turn(Some(Duration::ZERO)).next_deadline, None);
}

#[test]
fn a_sleep_that_moves_to_another_task_wakes_that_one() {
    run_virtual(async {
        let log = Log::new();
        let mut sleeping = Box::pin(sleep(secs(2)));
        assert!(poll_once(sleeping.as_mut()).await.is_pending());
        let own = log.clone();
        let task = spawn(async move {
            sleep(secs(1)).await;
            sleeping.await;
            own.note("woken");
        });
        task.join().await.unwrap();
        assert_eq!(log.take(), ["2000 woken"]);
    });
}

#[test]
fn the_clock_stands_still_while_tasks_run() {
    run_virtual(async {
        let start = clock();
        std::thread::sleep(ms(2));
        for _ in 0..1000 {
            schedule().await;
        }
        assert_eq!(clock(), start);
    });
}

#[test]
fn the_real_clock_is_the_clock_of_the_system() {
    run_real(async {
        let before = Instant::now();
        let now = clock();
        assert!(before <= now && now <= Instant::now());
    });
}

// ---- intervals

/// The times of `count` ticks in milliseconds since the start, with `work` after each.
async fn ticks(mut ticks: curio::Interval, work: &[u64]) -> Vec<(f64, f64)> {
    let log = Log::new();
    let start = clock();
    let mut seen = Vec::new();
    for work in work {
        let due = ticks.tick().await;
        seen.push(((due - start).as_secs_f64() * 1e3, log.now()));
        sleep(ms(*work)).await;
    }
    seen
}

#[test]
fn an_interval_ticks_at_once_and_then_every_period_without_drift() {
    run_virtual(async {
        let seen = ticks(interval(ms(10)), &[0, 3, 9, 1, 0]).await;
        assert_eq!(seen, [(0., 0.), (10., 10.), (20., 20.), (30., 30.), (40., 40.)]);
    });
}

#[test]
fn the_first_tick_is_when_it_is_first_asked_for() {
    run_virtual(async {
        let mut ticks = interval(secs(1));
        sleep(secs(5)).await;
        assert_eq!(ticks.tick().await, clock());
    });
}

#[test]
fn missed_ticks_come_in_a_burst_unless_told_otherwise() {
    run_virtual(async {
        let expected = [(0., 0.), (10., 35.), (20., 35.), (30., 35.), (40., 40.)];
        assert_eq!(ticks(interval(ms(10)), &[35, 0, 0, 0, 0]).await, expected);
        let burst = interval(ms(10)).missed_ticks(MissedTicks::Burst);
        assert_eq!(ticks(burst, &[35, 0, 0, 0, 0]).await, expected);
    });
}

#[test]
fn delayed_ticks_start_over_from_the_late_one() {
    run_virtual(async {
        let delay = interval(ms(10)).missed_ticks(MissedTicks::Delay);
        let seen = ticks(delay, &[35, 0, 0]).await;
        assert_eq!(seen, [(0., 0.), (10., 35.), (45., 45.)]);
    });
}

#[test]
fn skipped_ticks_keep_to_the_multiples_of_the_period() {
    run_virtual(async {
        let skip = interval(ms(10)).missed_ticks(MissedTicks::Skip);
        let seen = ticks(skip, &[35, 0, 0]).await;
        assert_eq!(seen, [(0., 0.), (10., 35.), (40., 40.)]);
        // One that is due at this very moment counts as missed: there are never two ticks at once.
        let skip = interval(ms(10)).missed_ticks(MissedTicks::Skip);
        assert_eq!(ticks(skip, &[20, 0, 0]).await, [(0., 0.), (10., 20.), (30., 30.)]);
    });
}

#[test]
fn a_dropped_tick_is_not_missed() {
    run_virtual(async {
        let mut ticks = interval(secs(10));
        let first = ticks.tick().await;
        for _ in 0..3 {
            assert_eq!(ignore_after(secs(2), ticks.tick()).await, None);
        }
        assert_eq!(ticks.tick().await - first, secs(10));
        assert_eq!(clock() - first, secs(10));
    });
}

#[test]
fn an_interval_of_zero_is_refused_and_the_longest_one_ticks_once() {
    assert!(panic_of(|| interval(Duration::ZERO)).contains("longer than zero"));
    run_virtual(async {
        for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
            let mut ticks = interval(Duration::MAX).missed_ticks(missed);
            ticks.tick().await;
            assert_eq!(ignore_after(secs(1_000_000), ticks.tick()).await, None);
        }
    });
}
