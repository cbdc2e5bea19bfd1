//! Very many of everything: nothing here may be quadratic, overflow a stack or be kept for ever.

mod common;

use common::{run_virtual, secs};
use curio::{clock, join, scope, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::pin::Pin;
use std::time::Instant;

/// A generous bound for a debug build on a busy machine.
fn within_three_minutes<T>(test: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = test();
    let took = started.elapsed();
    assert!(took < secs(180), "it took {took:?}");
    value
}

#[test]
fn a_million_tasks_sleep_at_once() {
    within_three_minutes(|| {
        run_virtual(async {
            let (start, awake) = (clock(), std::rc::Rc::new(Cell::new(0)));
            for _ in 0..1_000_000 {
                let awake = std::rc::Rc::clone(&awake);
                spawn(async move {
                    sleep(secs(1)).await;
                    awake.set(awake.get() + 1);
                })
                .detach();
            }
            sleep(secs(2)).await;
            assert_eq!((awake.get(), curio::tasks().len()), (1_000_000, 1));
            assert_eq!(clock() - start, secs(2));
        });
    });
}

/// A scope in a scope in a scope, each child the body of the next. A hundred, not more: a child is polled through all
/// the scopes around it, as it borrows from them, and so both stack and time grow with the depth.
#[test]
fn a_hundred_scopes_nest() {
    fn nested(depth: u32) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async move {
            if depth == 0 {
                sleep(secs(1)).await;
                return 0;
            }
            scope(async |s| s.spawn(nested(depth - 1)).join().await.unwrap() + 1).await
        })
    }
    within_three_minutes(|| run_virtual(async { assert_eq!(nested(100).await, 100) }));
}

#[test]
fn a_hundred_nested_scopes_are_cancelled_without_overflowing_the_stack() {
    fn nested(depth: u32, ended: &Cell<u32>) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        struct Counts<'a>(&'a Cell<u32>);
        impl Drop for Counts<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        Box::pin(async move {
            let _counts = Counts(ended);
            if depth == 0 {
                return std::future::pending().await;
            }
            scope(async |s| drop(s.spawn(nested(depth - 1, ended)))).await;
        })
    }
    within_three_minutes(|| {
        run_virtual(async {
            let (start, ended) = (clock(), Cell::new(0));
            join!(timeout_after(secs(1), nested(100, &ended))).0.unwrap_err();
            assert_eq!((ended.get(), clock() - start), (101, secs(1)));
        });
    });
}
