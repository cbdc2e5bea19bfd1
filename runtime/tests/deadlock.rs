//! A program that can never go on says so, with who waits for what.

use curio::{Kernel, Lock};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

fn report_of(program: impl AsyncFnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(|| Kernel::builder().virtual_clock(true).run(program())));
    let payload = failed.expect_err("it should have been a deadlock");
    payload.downcast_ref::<String>().cloned().expect("a report is a string")
}

#[test]
fn two_locks_taken_in_two_orders_are_reported_with_who_holds_them() {
    let report = report_of(async || {
        let (a, b) = (Rc::new(Lock::new(())), Rc::new(Lock::new(())));
        let take = |first: Rc<Lock>, second: Rc<Lock>| async move {
            let _first = first.acquire().await;
            curio::sleep(Duration::from_secs(1)).await;
            let _second = second.acquire().await;
        };
        let one = curio::spawn_named("one", take(a.clone(), b.clone()));
        let two = curio::spawn_named("two", take(b, a));
        one.join().await.unwrap();
        two.join().await.unwrap();
    });
    assert!(report.starts_with("deadlock: "), "{report}");
    let line = |name: &str| report.lines().find(|line| line.contains(name)).unwrap().to_string();
    assert!(line("`main`").contains("TASK_JOIN") && line("`main`").contains("for task 2"), "{report}");
    assert!(line("`one`").contains("LOCK_ACQUIRE") && line("`one`").contains("held by task 3"), "{report}");
    assert!(line("`two`").contains("LOCK_ACQUIRE") && line("`two`").contains("held by task 2"), "{report}");
    assert!(line("`one`").contains("deadlock.rs"), "{report}");
}

#[test]
fn a_lock_that_was_handed_on_is_held_by_who_has_it_now() {
    let report = report_of(async || {
        let lock = Rc::new(Lock::new(()));
        let keep = |lock: Rc<Lock>| async move {
            let _guard = lock.acquire().await;
            std::future::pending::<()>().await;
        };
        let guard = lock.acquire().await;
        let first = curio::spawn_named("first", keep(lock.clone()));
        let second = curio::spawn_named("second", keep(lock.clone()));
        curio::schedule().await;
        drop(guard);
        first.join().await.unwrap();
        second.join().await.unwrap();
    });
    let second = report.lines().find(|line| line.contains("`second`")).unwrap();
    assert!(second.contains("held by task 2"), "{report}");
}

#[test]
fn a_kernel_that_waits_for_a_thread_is_no_deadlock() {
    let value = Kernel::builder().virtual_clock(true).run(async {
        curio::run_in_thread(|| {
            std::thread::sleep(Duration::from_millis(20));
            7
        })
        .await
        .unwrap()
    });
    assert_eq!(value, 7);
}

#[test]
fn an_event_that_another_thread_sets_is_no_deadlock() {
    static SET: curio::Event = curio::Event::new();
    let thread = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(50));
        SET.set();
    });
    Kernel::builder().virtual_clock(true).run(SET.wait());
    thread.join().unwrap();
}

#[test]
fn cleanups_run_before_the_report_leaves_run() {
    let log = RefCell::new(Vec::new());
    let report = report_of(async || {
        let cleanup = async |outcome| {
            curio::sleep(Duration::from_secs(1)).await;
            log.borrow_mut().push(outcome);
        };
        curio::finally(std::future::pending::<()>(), cleanup).await;
        unreachable!("nothing wakes it");
    });
    assert!(report.contains("`main`"), "{report}");
    assert_eq!(log.into_inner(), [curio::Outcome::Cancelled]);
}

#[test]
fn on_the_real_clock_with_other_threads_about_it_is_one_line_and_run_goes_on() {
    static SET: curio::Event = curio::Event::new();
    let lines = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&lines);
    let thread = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(1500));
        SET.set();
    });
    Kernel::builder().on_report(move |line| kept.borrow_mut().push(line.to_string())).run(SET.wait());
    thread.join().unwrap();
    let lines = lines.borrow();
    let deadlocks = lines.iter().filter(|line| line.starts_with("deadlock")).count();
    assert_eq!(deadlocks, 1, "{lines:?}");
}

// ---- lost wake-ups

/// A future with a bug: it is ready when the flag is set, and tells nobody how to reach it.
async fn lossy(flag: &std::cell::Cell<bool>) {
    std::future::poll_fn(|_| if flag.get() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending })
        .await;
}

#[test]
fn a_lost_wake_up_is_a_deadlock_that_names_the_task_and_is_not_cured() {
    let report = report_of(async || {
        let flag = Rc::new(std::cell::Cell::new(false));
        let seen = Rc::clone(&flag);
        let deaf = curio::spawn_named("deaf", async move {
            lossy(&seen).await;
            // Now a timer keeps the kernel from looking stuck. It must not hide what came before.
            curio::sleep(Duration::from_secs(1)).await;
        });
        curio::schedule().await;
        flag.set(true);
        deaf.join().await.unwrap();
    });
    let deaf = report.lines().find(|line| line.contains("`deaf`")).unwrap();
    assert!(deaf.contains("lost its wake-up") && deaf.contains("FOREIGN_WAIT"), "{report}");
    assert!(report.lines().any(|line| line.contains("`main`") && line.contains("TASK_JOIN")), "{report}");
}

#[test]
fn a_main_future_that_ends_in_the_probe_had_lost_its_wake_up_too() {
    let report = report_of(async || {
        let mut polls = 0;
        std::future::poll_fn(|_| {
            polls += 1;
            if polls > 1 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    });
    assert!(report.contains("`main`") && report.contains("lost its wake-up"), "{report}");
}

#[test]
fn a_cleanup_that_holds_a_cancellation_up_because_nobody_polls_it_is_named() {
    let report = report_of(async || {
        let stuck = curio::spawn_named("stuck", async {
            let mut region = std::pin::pin!(curio::finally(std::future::pending::<()>(), async |_| ()));
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(region.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            curio::Event::new().wait().await;
        });
        curio::schedule().await;
        stuck.cancel().await;
    });
    let mut lines = report.lines().skip_while(|line| !line.contains("`stuck`"));
    assert!(lines.next().unwrap().contains("EVENT_WAIT"), "{report}");
    let held = lines.next().unwrap();
    assert!(held.contains("it is cancelled") && held.contains("deadlock.rs"), "{report}");
}

#[test]
fn a_cleanup_that_is_polled_is_not_said_to_be_left_alone() {
    let report = report_of(async || {
        let stuck = curio::spawn_named("stuck", async {
            curio::finally(std::future::pending::<()>(), async |_| std::future::pending().await).await;
        });
        curio::schedule().await;
        stuck.cancel().await;
    });
    assert!(report.contains("CLEANUP") && !report.contains("nobody polls"), "{report}");
}

#[test]
fn a_region_that_is_polled_again_later_still_cleans_up() {
    Kernel::builder().virtual_clock(true).run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&log);
        let task = curio::spawn(async move {
            let mut region = std::pin::pin!(curio::finally(std::future::pending::<()>(), async |_| {
                noted.borrow_mut().push("cleanup")
            }));
            let first = std::future::poll_fn(|cx| std::task::Poll::Ready(region.as_mut().poll(cx))).await;
            assert!(first.is_pending());
            curio::sleep(Duration::from_secs(60)).await;
            noted.borrow_mut().push("back");
            region.await;
        });
        curio::schedule().await;
        assert!(task.cancel().await);
        assert_eq!(*log.borrow(), ["back", "cleanup"]);
    });
}
