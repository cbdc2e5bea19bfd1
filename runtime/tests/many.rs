//! Very many of everything: nothing here may be quadratic, overflow a stack or be kept for ever.

mod common;

use common::{ms, run_virtual, secs};
use curio::{TaskGroup, clock, disable_cancellation, finally, join, scope, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// A generous bound for a debug build on a busy machine.
fn within_three_minutes<T>(test: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = test();
    let took = started.elapsed();
    assert!(took < secs(180), "it took {took:?}");
    value
}

/// How many tasks: a million as users build it; in a debug build the kernel checks itself at every step, and a fifth
/// of that shows the same in the time that is left for all other tests together.
const TASKS: usize = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

#[test]
fn a_million_tasks_sleep_at_once() {
    within_three_minutes(|| {
        run_virtual(async {
            let (start, awake) = (clock(), std::rc::Rc::new(Cell::new(0)));
            for _ in 0..TASKS {
                let awake = std::rc::Rc::clone(&awake);
                spawn(async move {
                    sleep(secs(1)).await;
                    awake.set(awake.get() + 1);
                })
                .detach();
            }
            sleep(secs(2)).await;
            assert_eq!((awake.get(), curio::tasks().len()), (TASKS, 1));
            assert_eq!(clock() - start, secs(2));
        });
    });
}

/// What is polled from within something else takes stack, at each level. The threads of tests have 2 MiB, and a debug
/// build needs most of it for this depth: about 1.8 KiB a level of scopes, of which 0.5 KiB is the test's own, and a
/// few hundred bytes in a release build.
const DEPTH: u32 = 1000;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// `wrap` around `wrap` around … a sleep of a second; returns how deep it was.
fn nested(depth: u32, wrap: fn(u32) -> Boxed<'static, u32>) -> Boxed<'static, u32> {
    if depth > 0 {
        return wrap(depth - 1);
    }
    Box::pin(async {
        sleep(secs(1)).await;
        0
    })
}

/// The nest ends by itself after a second; then a second one is cancelled after half of one, and takes `longer`.
fn a_nest_returns_and_is_cancelled(wrap: fn(u32) -> Boxed<'static, u32>, longer: Duration) {
    within_three_minutes(|| {
        run_virtual(async {
            assert_eq!(nested(DEPTH, wrap).await, DEPTH);
            let start = clock();
            timeout_after(ms(500), nested(DEPTH, wrap)).await.unwrap_err();
            assert_eq!(clock() - start, ms(500) + longer);
        });
    });
}

#[test]
fn a_thousand_scopes_nest_each_the_body_of_the_next() {
    fn wrap(depth: u32) -> Boxed<'static, u32> {
        Box::pin(scope(async move |_| nested(depth, wrap).await + 1))
    }
    a_nest_returns_and_is_cancelled(wrap, secs(0));
}

#[test]
fn a_thousand_time_limits_nest() {
    fn wrap(depth: u32) -> Boxed<'static, u32> {
        Box::pin(async move { timeout_after(secs(60), nested(depth, wrap)).await.unwrap() + 1 })
    }
    a_nest_returns_and_is_cancelled(wrap, secs(0));
}

#[test]
fn a_thousand_shields_nest() {
    fn wrap(depth: u32) -> Boxed<'static, u32> {
        Box::pin(async move { disable_cancellation(nested(depth, wrap)).await + 1 })
    }
    // The limit has passed when they let it through, but they have a value by then.
    within_three_minutes(|| {
        run_virtual(async {
            assert_eq!(timeout_after(ms(500), nested(DEPTH, wrap)).await.unwrap(), DEPTH);
        });
    });
}

#[test]
fn a_thousand_finallys_nest_and_clean_up_one_after_the_other() {
    fn wrap(depth: u32) -> Boxed<'static, u32> {
        Box::pin(async move { finally(nested(depth, wrap), async |_| sleep(ms(1)).await).await + 1 })
    }
    a_nest_returns_and_is_cancelled(wrap, ms(u64::from(DEPTH)));
}

#[test]
fn a_thousand_groups_nest_each_in_a_task_of_the_next() {
    fn wrap(depth: u32) -> Boxed<'static, u32> {
        Box::pin(async move {
            let group = TaskGroup::new();
            group.spawn(nested(depth, wrap));
            group.join().await.unwrap()[0] + 1
        })
    }
    a_nest_returns_and_is_cancelled(wrap, secs(0));
}

#[test]
fn a_thousand_scopes_nest_each_the_child_of_the_next() {
    fn wrap(depth: u32) -> Boxed<'static, u32> {
        Box::pin(scope(async move |s| s.spawn(nested(depth, wrap)).join().await.unwrap() + 1))
    }
    within_three_minutes(|| run_virtual(async { assert_eq!(nested(DEPTH, wrap).await, DEPTH) }));
}

/// Counts its drops.
struct Counts<'a>(&'a Cell<u32>);

impl Drop for Counts<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Scopes whose children borrow, around something that never ends.
fn endless(depth: u32, ended: &Cell<u32>) -> Boxed<'_, ()> {
    Box::pin(async move {
        let _counts = Counts(ended);
        if depth == 0 {
            return std::future::pending().await;
        }
        scope(async |s| drop(s.spawn(endless(depth - 1, ended)))).await;
    })
}

#[test]
fn a_thousand_nested_scopes_are_cancelled_without_overflowing_the_stack() {
    within_three_minutes(|| {
        run_virtual(async {
            let (start, ended) = (clock(), Cell::new(0));
            join!(timeout_after(secs(1), endless(DEPTH, &ended))).0.unwrap_err();
            assert_eq!((ended.get(), clock() - start), (DEPTH + 1, secs(1)));
        });
    });
}

#[test]
fn a_thousand_nested_scopes_are_dropped_by_foreign_code_without_overflowing_the_stack() {
    within_three_minutes(|| {
        run_virtual(async {
            let ended = Cell::new(0);
            let (mut nest, mut alarm) = (Some(endless(DEPTH, &ended)), Box::pin(sleep(secs(1))));
            poll_fn(|cx| {
                if let Some(nest) = &mut nest {
                    assert!(nest.as_mut().poll(cx).is_pending());
                }
                alarm.as_mut().poll(cx)
            })
            .await;
            nest = None;
            assert_eq!((nest.is_none(), ended.get()), (true, DEPTH + 1));
        });
    });
}
