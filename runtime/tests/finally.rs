//! Cleanup that may await: when it runs, what it is told, and who waits for it.

mod common;

use common::{Log, ms, poll_once, run_reporting, run_virtual, secs};
use curio::{
    Lock, Outcome, Queue, cancellation_pending, current_task, disable_cancellation, finally, ignore_after,
    join, race, schedule, sleep, spawn, timeout_after,
};
use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

#[test]
fn the_cleanup_runs_after_a_body_that_returns_and_its_value_comes_through() {
    run_virtual(async {
        let log = Log::new();
        let body = async {
            sleep(ms(10)).await;
            log.note("body");
            "value"
        };
        let cleanup = async |outcome| {
            sleep(ms(5)).await;
            log.note(format!("{outcome:?}"));
        };
        assert_eq!(finally(body, cleanup).await, "value");
        assert_eq!(log.take(), ["10 body", "15 Done"]);
    });
}

#[test]
fn the_cleanup_is_told_how_the_body_ended() {
    run_virtual(async {
        let outcome = Rc::new(Cell::new(None));
        let told = || {
            let outcome = Rc::clone(&outcome);
            async move |how| outcome.set(Some(how))
        };
        finally(ready(()), told()).await;
        assert_eq!(outcome.take(), Some(Outcome::Done));
        ignore_after(secs(1), finally(pending::<()>(), told())).await;
        assert_eq!(outcome.take(), Some(Outcome::TimedOut));
        let task = spawn(finally(pending::<()>(), told()));
        schedule().await;
        task.cancel().await;
        assert_eq!(outcome.take(), Some(Outcome::Cancelled));
        let lost = finally(pending::<()>(), told());
        race((lost, async {})).await;
        assert_eq!(outcome.take(), Some(Outcome::Cancelled), "a lost race is a cancellation");
    });
}

#[test]
fn nested_cleanups_run_from_the_inside_out_on_their_exact_times() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let inner_cleanup = async |_| {
                own.note("inner begins");
                sleep(ms(50)).await;
                own.note("inner done");
            };
            let outer_cleanup = async |_| {
                sleep(ms(20)).await;
                own.note("outer done");
            };
            finally(finally(pending::<()>(), inner_cleanup), outer_cleanup).await;
        });
        sleep(ms(100)).await;
        assert!(task.cancel().await);
        log.note("cancel returned");
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(
            log.take(),
            ["100 inner begins", "150 inner done", "170 outer done", "170 cancel returned"]
        );
    });
}

#[test]
fn cleanups_side_by_side_run_at_the_same_time() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let cleanup = |name: &'static str, length| {
                let own = own.clone();
                async move |_| {
                    sleep(ms(length)).await;
                    own.note(name);
                }
            };
            join!(
                finally(pending::<()>(), cleanup("short", 30)),
                finally(pending::<()>(), cleanup("long", 70))
            );
        });
        sleep(ms(20)).await;
        assert!(task.cancel().await);
        log.note("cancel returned");
        assert_eq!(log.take(), ["50 short", "90 long", "90 cancel returned"]);
    });
}

#[test]
fn the_body_is_gone_before_its_cleanup_begins() {
    run_virtual(async {
        let log = Log::new();
        let held = log.on_drop("body dropped");
        let body = async {
            let _held = held;
            pending::<()>().await;
        };
        ignore_after(ms(10), finally(body, async |_| log.note("cleanup"))).await;
        assert_eq!(log.take(), ["10 body dropped", "10 cleanup"]);
    });
}

#[test]
fn a_body_that_returns_is_gone_before_its_cleanup_begins_too() {
    run_virtual(async {
        let (lock, log) = (Lock::new(1), Log::new());
        let body = async {
            let _guard = lock.acquire().await;
            schedule().await;
        };
        finally(body, async |_| drop(lock.acquire().await)).await;
        log.note("no deadlock");
        assert_eq!(log.take(), ["0 no deadlock"]);
    });
}

#[test]
fn code_after_a_cancelled_finally_never_runs() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            finally(pending::<()>(), async |_| own.note("cleanup")).await;
            own.note("never reached");
        });
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["0 cleanup"]);
    });
}

#[test]
fn a_cleanup_cannot_be_cancelled() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(finally(pending::<()>(), async move |_| {
            for _ in 0..3 {
                sleep(secs(1)).await;
                assert!(cancellation_pending(), "it can see that it was asked");
                curio::check_cancellation().await;
            }
            own.note("cleanup done");
        }));
        schedule().await;
        for _ in 0..5 {
            task.request_cancel();
            sleep(ms(100)).await;
        }
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["3000 cleanup done"]);
    });
}

#[test]
fn the_cleanup_of_a_body_that_returned_is_shielded_too() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let cleanup = async |outcome| {
                sleep(secs(2)).await;
                own.note(format!("cleanup {outcome:?}"));
            };
            finally(ready(()), cleanup).await;
            own.note("goes on to its next await");
            schedule().await;
            own.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["2000 cleanup Done", "2000 goes on to its next await"]);
    });
}

#[test]
fn a_limit_inside_a_cleanup_works() {
    run_virtual(async {
        let log = Log::new();
        let cleanup = async |_| {
            assert!(timeout_after(ms(30), pending::<()>()).await.is_err());
            log.note("gave up on a polite goodbye");
        };
        assert!(timeout_after(ms(100), finally(pending::<()>(), cleanup)).await.is_err());
        assert_eq!(log.take(), ["130 gave up on a polite goodbye"]);
    });
}

#[test]
fn a_cleanup_may_use_the_whole_runtime() {
    run_virtual(async {
        let queue = Rc::new(Queue::new(1));
        let own = Rc::clone(&queue);
        let task = spawn(finally(pending::<()>(), async move |_| {
            let helper = spawn(async {
                sleep(secs(1)).await;
                "from a task that the cleanup spawned"
            });
            own.put(helper.join().await.unwrap()).await;
            finally(schedule(), async |outcome| assert_eq!(outcome, Outcome::Done)).await;
        }));
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(queue.try_get(), Some("from a task that the cleanup spawned"));
    });
}

#[test]
fn a_waiting_cleanup_shows_as_cleanup_unless_it_waits_in_something_of_ours() {
    run_reporting(async {
        let task = spawn(finally(pending::<()>(), async |_| pending::<()>().await));
        schedule().await;
        task.request_cancel();
        schedule().await;
        assert_eq!(task.info().state().to_string(), "CLEANUP");
        assert_eq!(task.info().waiting_at().unwrap().file(), file!());
        // It never ends: the kernel drops it at exit, after the grace period, and says so.
    });
}

// ---- panics

#[test]
fn the_cleanup_of_a_panicking_body_runs_and_the_panic_goes_on() {
    let (payload, reports) = run_reporting(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let body = async {
                schedule().await;
                panic!("of the body")
            };
            let cleanup = async |outcome| {
                sleep(ms(5)).await;
                own.note(format!("{outcome:?}"));
            };
            finally(body, cleanup).await
        });
        let payload = task.join().await.map(|()| unreachable!("it panics")).unwrap_err().into_panic();
        assert_eq!(log.take(), ["5 Done"]);
        payload
    });
    assert_eq!(common::message(payload.as_ref()), "of the body");
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

#[test]
fn a_panicking_cleanup_panics_out_of_finally() {
    run_virtual(async {
        let mut failing = Box::pin(finally(ready(1), async |_| panic!("of the cleanup")));
        let polled = std::future::poll_fn(|cx| {
            Poll::Ready(catch_unwind(AssertUnwindSafe(|| failing.as_mut().poll(cx).map(drop))))
        });
        let payload = polled.await.unwrap_err();
        assert_eq!(common::message(payload.as_ref()), "of the cleanup");
    });
}

#[test]
fn a_panicking_cleanup_of_a_cancelled_task_ends_it_by_a_panic() {
    let (_, reports) = run_reporting(async {
        let task = spawn(finally(pending::<()>(), async |_| {
            schedule().await;
            panic!("of the cleanup")
        }));
        schedule().await;
        assert!(!task.cancel().await, "it did not end by the cancel");
        assert!(task.join().await.unwrap_err().is_panic());
    });
    assert!(reports.iter().any(|line| line.contains("of the cleanup")), "{reports:#?}");
}

// ---- foreign drops

#[test]
fn a_finally_dropped_by_hand_skips_its_cleanup_and_says_so() {
    let (line, reports) = run_reporting(async {
        let (line, mut body) = (line!(), Box::pin(finally(pending::<()>(), async |_| unreachable!())));
        assert!(poll_once(body.as_mut()).await.is_pending());
        drop(body);
        line
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains(&format!("{}:{line}:", file!())), "it names the line: {reports:?}");
    assert!(reports[0].contains("did not run"), "{reports:?}");
}

#[test]
fn a_finally_that_never_began_has_nothing_to_clean_up() {
    run_virtual(async {
        drop(finally(pending::<()>(), async |_| unreachable!()));
        assert_eq!(race((async { 1 }, finally(ready(2), async |_| unreachable!()))).await, 1);
    });
}

#[test]
fn after_a_foreign_drop_nobody_waits_for_it_any_more() {
    let (_, reports) = run_reporting(async {
        let task = spawn(async {
            let mut body = Box::pin(finally(pending::<()>(), async |_| unreachable!()));
            assert!(poll_once(body.as_mut()).await.is_pending());
            drop(body);
            pending::<()>().await;
        });
        schedule().await;
        assert!(task.cancel().await);
    });
    assert_eq!(reports.len(), 1);
}

// ---- moving, and foreign futures around it

#[test]
fn a_finally_that_moves_to_another_task_is_cancelled_with_that_one() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let mut body = Box::pin(finally(pending::<()>(), async move |outcome| {
            sleep(ms(10)).await;
            own.note(format!("{outcome:?}"));
        }));
        assert!(poll_once(body.as_mut()).await.is_pending());
        let task = spawn(body);
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["10 Cancelled"]);
    });
}

#[test]
fn a_finally_inside_a_foreign_combinator_cleans_up() {
    /// Polls both, in turns that change.
    struct Alternate<A, B>(Pin<Box<A>>, Pin<Box<B>>, bool);
    impl<A: Future, B: Future<Output = A::Output>> Future for Alternate<A, B> {
        type Output = A::Output;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Output> {
            self.2 = !self.2;
            let first = if self.2 { self.0.as_mut().poll(cx) } else { self.1.as_mut().poll(cx) };
            if first.is_ready() {
                return first;
            }
            if self.2 { self.1.as_mut().poll(cx) } else { self.0.as_mut().poll(cx) }
        }
    }
    run_virtual(async {
        let log = Log::new();
        let cleanup = |name: &'static str| {
            let log = log.clone();
            async move |outcome| {
                sleep(ms(10)).await;
                log.note(format!("{name} {outcome:?}"));
            }
        };
        let both = Alternate(
            Box::pin(finally(pending::<()>(), cleanup("left"))),
            Box::pin(finally(pending::<()>(), cleanup("right"))),
            false,
        );
        assert!(timeout_after(ms(100), both).await.is_err());
        log.note("reported");
        let lines = log.take();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.contains(&"110 left TimedOut".into()) && lines.contains(&"110 right TimedOut".into()));
        assert_eq!(lines[2], "110 reported");
    });
}

#[test]
fn the_cleanup_runs_in_the_task_of_its_body() {
    run_virtual(async {
        let task = curio::spawn_named(
            "cleaned",
            finally(pending::<()>(), async |_| {
                schedule().await;
                assert_eq!(current_task().name(), "cleaned");
            }),
        );
        schedule().await;
        assert!(task.cancel().await);
    });
}

#[test]
fn a_body_that_is_ready_in_the_poll_that_would_drop_it_is_done() {
    run_virtual(async {
        let outcome = Cell::new(None);
        let mut body = pin!(finally(sleep(secs(1)), async |how| outcome.set(Some(how))));
        assert_eq!(timeout_after(secs(1), body.as_mut()).await, Ok(()));
        assert_eq!(outcome.get(), Some(Outcome::Done));
    });
}

#[test]
fn a_limit_of_zero_lets_a_cleanup_run() {
    run_virtual(async {
        let log = Log::new();
        let cleanup = async |outcome| {
            sleep(ms(10)).await;
            log.note(format!("{outcome:?}"));
        };
        assert!(timeout_after(Duration::ZERO, finally(pending::<()>(), cleanup)).await.is_err());
        assert_eq!(log.take(), ["10 TimedOut"]);
    });
}

#[test]
fn three_hundred_cleanups_nest() {
    fn nested(depth: u64, log: Log) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if depth > 0 {
                let own = log.clone();
                let cleanup = async move |_| {
                    sleep(ms(1)).await;
                    own.note(depth);
                };
                finally(nested(depth - 1, log), cleanup).await;
            } else {
                pending().await
            }
        })
    }
    let run = || {
        run_virtual(async {
            let log = Log::new();
            let task = spawn(nested(300, log.clone()));
            schedule().await;
            assert!(task.cancel().await);
            let expected: Vec<_> = (1..=300).map(|n| format!("{n} {n}")).collect();
            assert_eq!(log.take(), expected, "from the inside out, one after the other");
        });
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_shield_around_a_finally_holds_its_body_too() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let cleanup = async |outcome| own.note(format!("{outcome:?}"));
            disable_cancellation(finally(sleep(secs(2)), cleanup)).await;
            pending::<()>().await;
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["2000 Done"]);
    });
}
