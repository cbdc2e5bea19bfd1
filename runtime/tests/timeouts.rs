//! Time limits: who reports, when, and what is left behind.

mod common;

use common::{Log, ms, poll_once, run_real, run_virtual, secs};
use curio::{
    Event, Kernel, Outcome, Queue, TaskTimeout, clock, disable_cancellation, finally, ignore_after,
    ignore_at, schedule, sleep, spawn, timeout_after, timeout_at,
};
use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_limit_that_passes_is_an_error_on_its_exact_time() {
    run_virtual(async {
        let log = Log::new();
        assert_eq!(timeout_after(ms(1500), sleep(secs(9))).await, Err::<(), _>(timeout().await));
        log.note("timeout_after");
        assert!(timeout_at(clock() + secs(1), pending::<()>()).await.is_err());
        log.note("timeout_at");
        assert_eq!(ignore_after(secs(1), pending::<()>()).await, None);
        log.note("ignore_after");
        assert_eq!(ignore_at(clock() + secs(1), pending::<()>()).await, None);
        log.note("ignore_at");
        assert_eq!(
            log.take(),
            ["1500 timeout_after", "2500 timeout_at", "3500 ignore_after", "4500 ignore_at"]
        );
    });
}

async fn timeout() -> TaskTimeout {
    timeout_after(Duration::ZERO, pending::<()>()).await.unwrap_err()
}

#[test]
fn a_limit_that_passes_says_which_one_it_was_and_where_it_was_set() {
    run_virtual(async {
        let line = line!() + 1;
        let error = timeout_after(ms(1500), pending::<()>()).await.unwrap_err();
        let set = format!("set at {}:{line}:", file!());
        let text = error.to_string();
        assert!(text.starts_with(&format!("the time limit passed (1.5s, {set}")), "{text}");
        assert!(format!("{error:?}").starts_with("TaskTimeout(1.5s at "), "{error:?}");
        let line = line!() + 1;
        let error = timeout_at(clock() + secs(1), pending::<()>()).await.unwrap_err();
        let set = format!("set at {}:{line}:", file!());
        let text = error.to_string();
        assert!(text.starts_with(&format!("the time limit passed ({set}")), "{text}");
    });
}

#[test]
fn what_is_done_in_time_is_a_value() {
    run_virtual(async {
        let work = || async {
            sleep(secs(1)).await;
            "done"
        };
        let start = clock();
        assert_eq!(timeout_after(secs(2), work()).await, Ok("done"));
        assert_eq!(timeout_at(clock() + secs(2), work()).await, Ok("done"));
        assert_eq!(ignore_after(secs(2), work()).await, Some("done"));
        assert_eq!(ignore_at(clock() + secs(2), work()).await, Some("done"));
        assert_eq!(clock() - start, secs(4), "it does not wait for the limit");
    });
}

#[test]
fn no_limit_is_no_limit() {
    run_virtual(async {
        assert_eq!(timeout_after(None, sleep(secs(1_000_000))).await, Ok(()));
        assert_eq!(ignore_after(None, sleep(secs(1_000_000))).await, Some(()));
        assert_eq!(timeout_after(Some(secs(1)), ready(5)).await, Ok(5));
    });
}

#[test]
fn a_limit_of_zero_polls_once() {
    run_virtual(async {
        let start = clock();
        assert_eq!(timeout_after(Duration::ZERO, ready(1)).await, Ok(1));
        assert!(timeout_after(Duration::ZERO, schedule()).await.is_err());
        assert_eq!(ignore_after(Duration::ZERO, ready(1)).await, Some(1));
        let polls = Cell::new(0);
        let counted = std::future::poll_fn(|_| {
            polls.set(polls.get() + 1);
            std::task::Poll::<()>::Pending
        });
        assert!(timeout_at(clock() - ms(1), counted).await.is_err());
        assert_eq!((polls.get(), clock()), (1, start));
    });
}

#[test]
fn a_future_that_is_ready_when_its_limit_passes_wins() {
    run_virtual(async {
        assert_eq!(timeout_after(secs(1), sleep(secs(1))).await, Ok(()));
        assert_eq!(timeout_after(secs(1), async { sleep(secs(1)).await }).await, Ok(()));
        let (queue, limit) = (Queue::new(1), clock() + secs(1));
        let putter = async {
            sleep(secs(1)).await;
            queue.put("in time").await;
        };
        // The limit was set first and passes first, and the item comes within the same instant.
        let (got, ()) = curio::join!(timeout_at(limit, queue.get()), putter);
        assert_eq!(got, Err(timeout().await), "the branch that gets is polled before the one that puts");
        assert_eq!(queue.try_get(), Some("in time"), "what nobody got is still there");
    });
}

#[test]
fn a_late_result_counts_if_the_limit_was_never_looked_at() {
    run_real(async {
        let busy = async {
            schedule().await;
            std::thread::sleep(ms(20));
            "late but done"
        };
        assert_eq!(timeout_after(ms(1), busy).await, Ok("late but done"));
    });
}

#[test]
fn the_longest_limits_do_not_overflow() {
    run_virtual(async {
        for limit in [Duration::MAX, Duration::MAX / 2, secs(u64::MAX / 2), secs(1 << 40)] {
            assert_eq!(timeout_after(limit, sleep(secs(1))).await, Ok(()));
            assert_eq!(ignore_after(limit, async { schedule().await }).await, Some(()));
        }
    });
}

#[test]
fn a_limit_counts_from_when_it_is_awaited() {
    run_virtual(async {
        let limited = timeout_after(secs(2), sleep(secs(1)));
        sleep(secs(5)).await;
        assert_eq!(limited.await, Ok(()));
    });
}

#[test]
fn a_limit_leaves_no_timer_behind() {
    let mut kernel = Kernel::new().unwrap();
    kernel.run(async {
        assert!(timeout_after(secs(60), schedule()).await.is_ok());
        assert!(timeout_after(ms(1), pending::<()>()).await.is_err());
        let mut limited = Box::pin(timeout_after(secs(60), pending::<()>()));
        assert!(poll_once(limited.as_mut()).await.is_pending());
        drop(limited);
        let task = spawn(timeout_after(secs(60), pending::<()>()));
        schedule().await;
        task.cancel().await;
    });
    assert_eq!(kernel.turn(Some(Duration::ZERO)).next_deadline, None);
}

#[test]
fn what_was_inside_is_dropped_when_the_limit_passes() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.on_drop("dropped");
        let body = async {
            let _inside = inside;
            sleep(secs(60)).await;
        };
        assert!(timeout_after(secs(1), body).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["1000 dropped", "1000 reported"]);
    });
}

#[test]
fn a_body_may_borrow_what_it_fills() {
    run_virtual(async {
        let mut lines = Vec::new();
        let read = async {
            for n in 0.. {
                lines.push(n);
                sleep(secs(1)).await;
            }
        };
        assert_eq!(ignore_after(ms(2500), read).await, None);
        assert_eq!(lines, [0, 1, 2], "what it did before is kept");
    });
}

// ---- nesting

#[test]
fn the_inner_limit_reports_if_it_passes_first() {
    run_virtual(async {
        let log = Log::new();
        let result = timeout_after(secs(5), async {
            let inner = timeout_after(secs(1), sleep(secs(60))).await;
            log.note(format!("inner {inner:?}"));
            sleep(secs(1)).await;
            "the outer one goes on"
        })
        .await;
        assert_eq!(result, Ok("the outer one goes on"));
        assert!(log.take()[0].starts_with("1000 inner Err"));
    });
}

#[test]
fn the_outer_limit_reports_if_it_passes_first_and_the_inner_call_is_gone() {
    run_virtual(async {
        let log = Log::new();
        let result = timeout_after(secs(1), async {
            let _ = timeout_after(secs(5), sleep(secs(60))).await;
            log.note("never reached");
        })
        .await;
        assert!(result.is_err());
        log.note("outer");
        assert_eq!(log.take(), ["1000 outer"]);
    });
}

#[test]
fn if_both_limits_pass_at_once_the_outer_one_reports() {
    run_virtual(async {
        let both = timeout_after(secs(1), timeout_after(secs(1), pending::<()>())).await;
        assert!(both.is_err(), "{both:?}");
        let limit = clock() + secs(1);
        let both = timeout_at(limit, timeout_at(limit, timeout_at(limit, pending::<()>()))).await;
        assert!(both.is_err(), "{both:?}");
        // The inner one was set long after the outer one, for the same instant.
        let both = timeout_after(secs(10), async {
            sleep(secs(4)).await;
            timeout_after(secs(6), pending::<()>()).await
        })
        .await;
        assert!(both.is_err(), "{both:?}");
    });
}

#[test]
fn if_both_limits_have_passed_before_they_begin_the_outer_one_reports() {
    run_virtual(async {
        let both = timeout_after(Duration::ZERO, timeout_after(Duration::ZERO, pending::<()>())).await;
        assert!(both.is_err(), "{both:?}");
        let past = clock() - secs(1);
        let both = ignore_at(past, ignore_at(past, pending::<()>())).await;
        assert_eq!(both, None);
    });
}

#[test]
fn an_inner_limit_that_begins_after_the_outer_one_has_passed_does_not_report() {
    run_virtual(async {
        // The sleep is ready in the very poll that finds the outer limit passed.
        let both = timeout_after(secs(1), async {
            sleep(secs(1)).await;
            timeout_after(Duration::ZERO, pending::<()>()).await
        })
        .await;
        assert!(both.is_err(), "{both:?}");
    });
}

#[test]
fn an_inner_error_that_is_passed_on_is_not_an_outer_one() {
    run_virtual(async {
        let nested = timeout_after(secs(5), async {
            timeout_after(secs(1), pending::<()>()).await?;
            Ok::<_, TaskTimeout>("not reached")
        })
        .await;
        assert_eq!(nested, Ok(Err(timeout().await)), "Ok says that the outer limit did not pass");
    });
}

#[test]
fn an_inner_limit_cannot_extend_an_outer_one() {
    run_virtual(async {
        let start = clock();
        assert!(timeout_after(secs(1), timeout_after(secs(60), pending::<()>())).await.is_err());
        assert!(timeout_after(secs(1), timeout_after(None, pending::<()>())).await.is_err());
        assert_eq!(clock() - start, secs(2));
    });
}

#[test]
fn after_an_inner_limit_the_outer_one_is_in_force_again() {
    run_virtual(async {
        let log = Log::new();
        let outer = timeout_after(secs(3), async {
            for _ in 0..9 {
                let _ = timeout_after(secs(1), pending::<()>()).await;
                log.note("inner");
            }
        });
        assert!(outer.await.is_err());
        log.note("outer");
        assert_eq!(log.take(), ["1000 inner", "2000 inner", "3000 outer"]);
    });
}

#[test]
fn a_thousand_limits_nest() {
    fn nested(depth: u64) -> Pin<Box<dyn Future<Output = u64>>> {
        Box::pin(async move {
            if depth == 0 {
                return pending().await;
            }
            // The outermost has the longest limit, so that the innermost passes first.
            match timeout_after(secs(depth), nested(depth - 1)).await {
                Ok(passed) => passed + 1,
                Err(TaskTimeout { .. }) => 0,
            }
        })
    }
    let run = || {
        run_virtual(async {
            let start = clock();
            assert_eq!(nested(1000).await, 999, "all but the innermost hear from the next inner one");
            assert_eq!(clock() - start, secs(1));
        });
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_thousand_limits_that_pass_at_once_report_once_from_the_outside() {
    fn nested(depth: u64, limit: std::time::Instant) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if depth == 0 {
                return pending().await;
            }
            assert!(timeout_at(limit, nested(depth - 1, limit)).await.is_err());
            assert_eq!(depth, 1000, "only the outermost goes on");
        })
    }
    let run = || run_virtual(async { nested(1000, clock() + secs(1)).await });
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

// ---- with cleanups and shields

#[test]
fn a_limit_reports_after_the_cleanup_inside_it() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let body = finally(sleep(secs(60)), async move |outcome| {
            sleep(ms(30)).await;
            inside.note(format!("cleaned up, {outcome:?}"));
        });
        assert!(timeout_after(ms(100), body).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["130 cleaned up, TimedOut", "130 reported"]);
    });
}

#[test]
fn if_the_outer_limit_passes_during_the_inner_cleanup_the_outer_one_reports() {
    run_virtual(async {
        let log = Log::new();
        let both = timeout_after(ms(110), async {
            let cleanup = async |outcome| {
                assert_eq!(outcome, Outcome::TimedOut);
                sleep(ms(30)).await;
                log.note("cleaned up");
            };
            let inner = timeout_after(ms(100), finally(pending::<()>(), cleanup)).await;
            log.note(format!("not reached {inner:?}"));
        });
        assert!(both.await.is_err());
        log.note("outer");
        assert_eq!(log.take(), ["130 cleaned up", "130 outer"]);
    });
}

#[test]
fn a_limit_inside_a_shield_works_although_one_outside_has_passed() {
    run_virtual(async {
        let log = Log::new();
        let outer = timeout_after(secs(1), async {
            disable_cancellation(async {
                sleep(secs(2)).await;
                assert!(timeout_after(secs(3), pending::<()>()).await.is_err());
                log.note("inner");
            })
            .await;
            log.note("after the shield, to the next await");
            pending::<()>().await;
        });
        assert!(outer.await.is_err());
        log.note("outer");
        assert_eq!(log.take(), ["5000 inner", "5000 after the shield, to the next await", "5000 outer"]);
    });
}

#[test]
fn a_value_made_in_a_shield_after_the_limit_counts() {
    run_virtual(async {
        let shielded = disable_cancellation(async {
            sleep(secs(5)).await;
            "made"
        });
        assert_eq!(timeout_after(secs(1), shielded).await, Ok("made"));
    });
}

#[test]
fn a_finally_that_was_polled_before_cleans_up_inside_a_limit_that_has_passed() {
    run_virtual(async {
        let log = Log::new();
        let cleanup = async |_| {
            sleep(ms(5)).await;
            log.note("cleaned up");
        };
        let mut body = Box::pin(finally(pending::<()>(), cleanup));
        assert!(poll_once(body.as_mut()).await.is_pending());
        assert!(timeout_after(Duration::ZERO, body).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["5 cleaned up", "5 reported"]);
    });
}

#[test]
fn a_finally_that_was_polled_before_cleans_up_inside_a_limit_that_passes_later() {
    run_virtual(async {
        let log = Log::new();
        let cleanup = async |_| {
            sleep(ms(5)).await;
            log.note("cleaned up");
        };
        let mut body = Box::pin(finally(pending::<()>(), cleanup));
        assert!(poll_once(body.as_mut()).await.is_pending());
        assert!(timeout_after(ms(10), body).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["15 cleaned up", "15 reported"]);
    });
}

#[test]
fn a_limited_future_may_move_to_another_task() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let mut limited = Box::pin(timeout_after(
            ms(100),
            finally(pending::<()>(), async move |outcome| inside.note(format!("{outcome:?}"))),
        ));
        assert!(poll_once(limited.as_mut()).await.is_pending());
        sleep(ms(40)).await;
        let task = spawn(limited);
        assert!(task.join().await.unwrap().is_err());
        log.note("reported");
        assert_eq!(log.take(), ["100 TimedOut", "100 reported"]);
    });
}

// ---- under starvation

#[test]
fn a_limit_passes_although_its_body_never_has_to_wait() {
    run_real(async {
        let queue = Queue::new(1);
        let always_ready = async {
            loop {
                queue.put(1).await;
                queue.get().await;
            }
        };
        assert_eq!(ignore_after(ms(20), always_ready).await, None::<()>);
    });
}

#[test]
fn a_limit_passes_although_two_tasks_keep_each_other_busy() {
    run_real(async {
        let queues = Rc::new([Queue::new(1), Queue::new(1)]);
        let players = [0, 1].map(|n| {
            let queues = Rc::clone(&queues);
            spawn(async move {
                loop {
                    queues[n].put(queues[1 - n].get().await).await;
                }
            })
        });
        queues[0].put("ball").await;
        assert_eq!(ignore_after(ms(20), Event::new().wait()).await, None);
        for player in players {
            player.cancel().await;
        }
    });
}

#[test]
fn a_limit_that_passes_is_an_io_error_of_its_own_kind() {
    run_virtual(async {
        let waiting = async || -> std::io::Result<()> { timeout_after(secs(1), pending()).await? };
        let error = waiting().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(error.downcast::<TaskTimeout>().is_ok());
    });
}
