//! Scopes: children that borrow, how they fail, and that they are tasks like any other.

mod common;

use common::run_reporting;
use curio::{
    Event, Kernel, Outcome, Scope, clock, current_task, finally, ignore_after, schedule, scope, sleep, spawn,
    tasks, timeout_after,
};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn run<F: IntoFuture>(main: F) -> F::Output {
    Kernel::builder().virtual_clock(true).on_report(no_wake_is_lost).run(main)
}

/// Other reports are expected here.
fn no_wake_is_lost(line: &str) {
    assert!(!line.contains("lost its wake-up"), "{line}");
}

/// Runs for ever; when it is cancelled, cleans up for a while and then counts.
async fn cleans_up(seconds: u32, ended: &Cell<u32>) {
    finally(pending::<()>(), async |outcome| {
        assert_ne!(outcome, Outcome::Done);
        sleep(SECOND * seconds).await;
        ended.set(ended.get() + 1);
    })
    .await
}

/// The message of the panic that `main` ends with.
fn panic_of<F: IntoFuture>(main: F) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| run(main))).err().expect("it panics");
    payload.downcast_ref::<&str>().map(|message| message.to_string()).expect("with a message")
}

#[test]
fn children_may_change_what_they_borrow() {
    run(async {
        let (start, mut data) = (clock(), vec![1_u32, 2, 3]);
        scope(async |s| {
            for x in data.iter_mut() {
                s.spawn(async move {
                    sleep(SECOND * *x).await;
                    *x += 1;
                });
            }
        })
        .await;
        assert_eq!(data, [2, 3, 4]);
        assert_eq!(clock() - start, 3 * SECOND);
    });
}

#[test]
fn a_scope_returns_what_its_body_returns_after_the_last_child() {
    run(async {
        let done = Cell::new(false);
        let value = scope(async |s| {
            s.spawn(async {
                sleep(2 * SECOND).await;
                done.set(true);
            });
            "value"
        })
        .await;
        assert_eq!((value, done.get()), ("value", true));
    });
}

#[test]
fn a_child_may_spawn_siblings_and_join_them() {
    run(async {
        let log = RefCell::new(Vec::new());
        scope(async |s: Scope<'_>| {
            let again = s.clone();
            let log = &log;
            s.spawn(async move {
                let sibling = again.spawn(async move {
                    sleep(SECOND).await;
                    log.borrow_mut().push("sibling");
                    7
                });
                assert_eq!(sibling.join().await.unwrap(), 7);
                log.borrow_mut().push("child");
            });
        })
        .await;
        assert_eq!(log.into_inner(), ["sibling", "child"]);
    });
}

#[test]
fn a_child_is_a_task_with_a_number_a_parent_and_a_state() {
    run(async {
        let me = current_task().id();
        scope(async |s| {
            let line = line!() + 1;
            let child = s.spawn(async { (current_task(), sleep(SECOND).await) });
            assert_eq!(tasks().len(), 2);
            schedule().await;
            schedule().await;
            schedule().await;
            let info = tasks().into_iter().find(|info| info.id() == child.id()).unwrap();
            assert_eq!((info.parent(), info.spawned_at().line()), (Some(me), line));
            assert_eq!(info.state().to_string(), "TIME_SLEEP");
            assert_eq!(info.waiting_at().unwrap().file(), file!());
            assert_eq!(info.cycles(), 1);
            let id = child.id();
            let (seen, ()) = child.join().await.unwrap();
            assert_eq!((seen.id(), seen.parent()), (id, Some(me)));
            assert_eq!(seen.state().to_string(), "RUNNING");
            assert_eq!(current_task().id(), me);
        })
        .await;
        assert_eq!(tasks().len(), 1);
    });
}

#[test]
fn a_parent_that_waits_for_children_says_so() {
    run(async {
        let parent = spawn(async { scope(async |s| drop(s.spawn(pending::<()>()))).await });
        sleep(SECOND).await;
        assert_eq!(parent.info().state().to_string(), "TASK_JOIN");
        assert_eq!(parent.info().waiting_at().unwrap().file(), file!());
        parent.cancel().await;
    });
}

#[test]
fn a_child_can_be_cancelled_and_its_cleanup_is_waited_for() {
    run(async {
        let (start, ended) = (clock(), Cell::new(0));
        scope(async |s| {
            let child = s.spawn(cleans_up(2, &ended));
            let other = s.spawn(async { 5 });
            sleep(SECOND).await;
            assert!(child.cancel().await);
            assert_eq!((ended.get(), clock() - start), (1, 3 * SECOND));
            assert!(!child.cancel().await);
            assert!(child.join().await.unwrap_err().is_cancelled());
            assert!(!other.cancel().await);
            assert_eq!(other.await.unwrap(), 5);
        })
        .await;
    });
}

#[test]
fn a_panic_of_a_child_belongs_to_whoever_joins_it() {
    run(async {
        let fine = scope(async |s| {
            let child = s.spawn(async { panic!("boom") });
            sleep(SECOND).await;
            let error = child.join().await.unwrap_err();
            error.to_string()
        });
        assert_eq!(fine.await, "the task panicked: boom");
    });
}

#[test]
fn a_panic_of_a_child_that_nobody_joins_cancels_everything_and_goes_on_in_the_caller() {
    let ended = Cell::new(0);
    let message = panic_of(async {
        let start = clock();
        let panics = scope(async |s| {
            s.spawn(cleans_up(2, &ended));
            s.spawn(async {
                sleep(SECOND).await;
                panic!("boom");
            });
            cleans_up(3, &ended).await;
        });
        finally(panics, async |_| assert_eq!((ended.get(), clock() - start), (2, 4 * SECOND))).await;
    });
    assert_eq!(message, "boom");
}

#[test]
fn dropping_the_handle_of_a_child_that_has_panicked_ends_the_scope() {
    let message = panic_of(scope(async |s| {
        let child = s.spawn(async { panic!("boom") });
        sleep(SECOND).await;
        drop(child);
        sleep(SECOND).await;
        unreachable!("cancelled at the sleep");
    }));
    assert_eq!(message, "boom");
}

#[test]
fn a_handle_that_escapes_with_an_unjoined_panic_does_not_hide_it() {
    assert_eq!(panic_of(scope(async |s| s.spawn(async { panic!("boom") }))), "boom");
}

#[test]
fn a_panic_of_the_body_cancels_the_children_and_waits_for_their_cleanup() {
    let ended = Cell::new(0);
    let message = panic_of(scope(async |s| {
        s.spawn(cleans_up(1, &ended));
        sleep(SECOND).await;
        panic!("body");
    }));
    assert_eq!((message.as_str(), ended.get()), ("body", 1));
}

#[test]
fn cancelling_the_task_cancels_body_and_children_at_once_and_waits_for_all() {
    run(async {
        let (start, ended) = (clock(), Rc::new(Cell::new(0)));
        let there = ended.clone();
        let task = spawn(async move {
            scope(async |s| {
                s.spawn(cleans_up(2, &there));
                s.spawn(cleans_up(3, &there));
                cleans_up(1, &there).await;
            })
            .await;
            unreachable!("the scope was cancelled");
        });
        sleep(SECOND).await;
        assert!(task.cancel().await);
        assert_eq!((ended.get(), clock() - start), (3, 4 * SECOND));
    });
}

#[test]
fn a_time_limit_around_a_scope_reports_after_the_cleanups() {
    run(async {
        let (start, ended) = (clock(), Cell::new(0));
        let limited = timeout_after(SECOND, scope(async |s| drop(s.spawn(cleans_up(2, &ended)))));
        assert!(limited.await.is_err(), "the body was done, but a child was cut short");
        assert_eq!((ended.get(), clock() - start), (1, 3 * SECOND));
    });
}

#[test]
fn a_time_limit_inside_a_child_is_its_own() {
    run(async {
        let start = clock();
        scope(async |s| {
            let child = s.spawn(async { ignore_after(SECOND, sleep(9 * SECOND)).await });
            assert_eq!(child.join().await.unwrap(), None);
            assert_eq!(clock() - start, SECOND);
        })
        .await;
    });
}

#[test]
fn a_child_that_spawns_while_everything_is_cancelled_leaves_nothing_behind() {
    run(async {
        let ended = Cell::new(0);
        let limited = ignore_after(SECOND, async {
            scope(async |s: Scope<'_>| {
                let again = s.clone();
                let ended = &ended;
                s.spawn(async move {
                    finally(pending::<()>(), async |_| drop(again.spawn(cleans_up(1, ended)))).await;
                });
            })
            .await;
        });
        assert_eq!(limited.await, None);
        assert_eq!((ended.get(), tasks().len()), (1, 1));
    });
}

#[test]
fn a_dropped_scope_drops_its_children_at_every_point() {
    struct Counts<'a>(&'a Cell<i32>);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    run(async {
        let alive = Cell::new(0);
        for polls in 0..8 {
            let mut program = Box::pin(scope(async |s| {
                for _ in 0..3 {
                    let guard = Counts(&alive);
                    alive.set(alive.get() + 1);
                    s.spawn(async move {
                        let _guard = guard;
                        for _ in 0..3 {
                            schedule().await;
                        }
                    });
                }
                schedule().await;
            }));
            for _ in 0..polls {
                let ready = poll_fn(|cx| Poll::Ready(program.as_mut().poll(cx).is_ready())).await;
                if ready {
                    break;
                }
                schedule().await;
                schedule().await;
            }
            drop(program);
            assert_eq!((alive.get(), tasks().len()), (0, 1), "after {polls} polls");
        }
    });
}

#[test]
fn a_child_is_woken_from_another_thread() {
    run(async {
        let event = std::sync::Arc::new(Event::new());
        scope(async |s| {
            let there = event.clone();
            s.spawn(async { curio::run_in_thread(move || there.set()).await.unwrap() });
            s.spawn(event.wait());
        })
        .await;
    });
}

#[test]
fn a_child_may_hold_a_lock_and_hand_it_over_to_another() {
    run(async {
        let lock = curio::Lock::new(Vec::new());
        scope(async |s| {
            for n in 0..5 {
                let lock = &lock;
                s.spawn(async move {
                    let mut guard = lock.acquire().await;
                    sleep(SECOND).await;
                    guard.push(n);
                });
            }
        })
        .await;
        assert_eq!(lock.into_inner(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn busy_children_let_everybody_else_run() {
    run(async {
        let turns = Rc::new(Cell::new(0));
        let there = turns.clone();
        let other = spawn(async move {
            loop {
                schedule().await;
                there.set(there.get() + 1);
            }
        });
        scope(async |s| {
            for _ in 0..200 {
                s.spawn(async {
                    for _ in 0..20 {
                        schedule().await;
                    }
                });
            }
        })
        .await;
        assert!(turns.get() >= 20, "{}", turns.get());
        other.cancel().await;
    });
}

#[test]
fn children_that_come_one_after_another_each_get_woken() {
    run(async {
        let sum = Cell::new(0);
        scope(async |s| {
            for n in 0..100 {
                let child = s.spawn(async {
                    schedule().await;
                    sum.set(sum.get() + 1);
                });
                let task = spawn(schedule());
                child.join().await.unwrap();
                task.join().await.unwrap();
                assert_eq!(sum.get(), n + 1);
            }
        })
        .await;
    });
}

#[test]
fn scopes_nest() {
    fn nested(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async move {
            if depth == 0 {
                sleep(SECOND).await;
                return 0;
            }
            scope(async |s| s.spawn(nested(depth - 1)).join().await.unwrap() + 1).await
        })
    }
    run(async { assert_eq!(nested(50).await, 50) });
}

#[test]
fn cancelling_nested_scopes_unwinds_all_of_them() {
    run(async {
        let (start, ended) = (clock(), Cell::new(0));
        let limited = ignore_after(SECOND, async {
            scope(async |outer| {
                outer.spawn(async {
                    scope(async |inner| drop(inner.spawn(cleans_up(2, &ended)))).await;
                    unreachable!("cancelled");
                });
                outer.spawn(cleans_up(1, &ended));
            })
            .await;
        });
        assert_eq!(limited.await, None);
        assert_eq!((ended.get(), clock() - start), (2, 3 * SECOND));
    });
}

#[test]
fn children_that_are_left_at_shutdown_clean_up() {
    let ended = Rc::new(Cell::new(0));
    let there = ended.clone();
    run(async move {
        spawn(async move { scope(async |s| drop(s.spawn(cleans_up(1, &there)))).await }).detach();
        sleep(SECOND).await;
    });
    assert_eq!(ended.get(), 1);
}

#[test]
fn a_child_that_does_not_end_at_shutdown_is_dropped_and_reported() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = lines.clone();
    let kernel = Kernel::builder().virtual_clock(true).shutdown_grace(SECOND);
    kernel.on_report(move |line| sink.borrow_mut().push(line.to_string())).run(async {
        spawn(async { scope(async |s| drop(s.spawn(curio::disable_cancellation(pending::<()>())))).await })
            .detach();
        sleep(SECOND).await;
    });
    let lines = lines.take();
    assert!(lines.iter().any(|line| line.contains("task 3") && line.contains("was dropped")), "{lines:?}");
}

#[test]
fn a_scope_whose_kernel_is_gone_can_be_dropped() {
    let mut kernel = Kernel::builder().virtual_clock(true).build().unwrap();
    let mut program = Box::pin(scope(async |s| drop(s.spawn(pending::<()>()))));
    kernel.run(async {
        let _ = ignore_after(Duration::ZERO, poll_fn(|cx| Poll::Ready(program.as_mut().poll(cx).is_ready())))
            .await;
    });
    drop(program);
    assert_eq!(kernel.run(async { tasks().len() }), 1);
    drop(kernel);
}

#[test]
fn a_handle_of_an_ended_scope_cannot_spawn() {
    let message = panic_of(async {
        let escaped = scope(async |s: Scope<'static>| s).await;
        escaped.spawn(async {});
    });
    assert!(message.contains("this scope has ended"), "{message}");
}

#[test]
fn a_child_in_a_foreign_combinator_is_polled_when_it_is_woken() {
    run(async {
        let done = Cell::new(0);
        let mut first = pin!(scope(async |s| {
            s.spawn(async {
                sleep(SECOND).await;
                done.set(done.get() + 1);
            });
        }));
        let mut second = pin!(sleep(5 * SECOND));
        let mut first_done = false;
        poll_fn(|cx| {
            first_done = first_done || first.as_mut().poll(cx).is_ready();
            second.as_mut().poll(cx)
        })
        .await;
        assert_eq!((first_done, done.get()), (true, 1));
    });
}

/// Random trees of children, cancelled at random times: all that began ended, and nothing is left.
#[test]
fn whatever_happens_every_child_that_begins_ends() {
    async fn grow(s: Scope<'_>, depth: u64, seed: u64, begun: &Cell<u32>, ended: &Cell<u32>) {
        let work = seed % 4;
        for n in 0..if depth > 0 { seed % 3 } else { 0 } {
            let next = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n + 1) >> 7;
            scope(async |inner: Scope<'_>| {
                begun.set(begun.get() + 1);
                let count = async |_| {
                    sleep(SECOND * (next % 3) as u32).await;
                    ended.set(ended.get() + 1);
                };
                let again = inner.clone();
                let child = inner.spawn(finally(Box::pin(grow(again, depth - 1, next, begun, ended)), count));
                match next % 4 {
                    0 => drop(child.cancel().await),
                    1 => drop(child.join().await),
                    2 => drop(ignore_after(SECOND, child.join()).await),
                    _ => drop(child),
                }
            })
            .await;
        }
        let _ = s;
        sleep(SECOND * work as u32).await;
    }
    for seed in 0..200_u64 {
        Kernel::builder().virtual_clock(true).seed(seed).on_report(no_wake_is_lost).run(async move {
            let (begun, ended) = (Cell::new(0), Cell::new(0));
            let program = scope(async |s: Scope<'_>| {
                let again = s.clone();
                s.spawn(grow(again, 4, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 3, &begun, &ended));
            });
            ignore_after(SECOND * (seed % 7) as u32, program).await;
            assert_eq!(begun.get(), ended.get(), "seed {seed}");
            assert_eq!(tasks().len(), 1, "seed {seed}");
        });
    }
}

/// Spawns itself anew whenever it is dropped.
struct Phoenix<'env>(Scope<'env>, Rc<Cell<u32>>);

impl Drop for Phoenix<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
        assert!(self.1.get() < 1000, "it would go on for ever");
        let again = Phoenix(self.0.clone(), Rc::clone(&self.1));
        drop(self.0.spawn(async move {
            pending::<()>().await;
            drop(again)
        }));
    }
}

#[test]
fn a_scope_that_is_dropped_ends_although_destructors_spawn_what_they_drop() {
    let drops = Rc::new(Cell::new(0));
    let ((), reports) = run_reporting(async {
        let program = scope(async |s| {
            let phoenix = Phoenix(s.clone(), Rc::clone(&drops));
            drop(s.spawn(async move {
                pending::<()>().await;
                drop(phoenix)
            }));
            pending::<()>().await;
        });
        // By foreign code, so that nothing in it is asked to stop before.
        drop(futures_util::future::select(Box::pin(program), Box::pin(sleep(SECOND))).await);
    });
    assert!((1..100).contains(&drops.get()), "{drops:?}");
    assert!(reports.iter().any(|line| line.contains("is leaked")), "{reports:?}");
}
