//! `testing::run`, `testing::explore` and `testing::first_failure`.

use curio::testing::{self, first_failure};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

fn message_of(test: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(test)).expect_err("it should have failed");
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| panic!("the panic has a message"))
}

#[test]
fn a_test_runs_on_a_virtual_clock_and_gives_its_value() {
    let started = std::time::Instant::now();
    let slept = testing::run(async {
        let start = curio::clock();
        curio::sleep(Duration::from_secs(3600)).await;
        curio::clock() - start
    });
    assert_eq!(slept, Duration::from_secs(3600));
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_deadlock_is_reported_at_the_line_of_the_test() {
    let line = std::cell::Cell::new(0);
    let report = message_of(|| {
        line.set(line!() + 1);
        testing::run(std::future::pending::<()>());
    });
    let spawned = format!("`main` (spawned at {}:{}:", file!(), line.get());
    assert!(report.contains(&spawned), "{report}");
}

#[test]
fn a_task_that_is_left_running_fails_the_test_and_is_named() {
    let message = message_of(|| {
        testing::run(async {
            curio::spawn_named("straggler", curio::sleep(Duration::from_secs(1))).detach()
        });
    });
    assert!(message.contains("left behind") && message.contains("`straggler`"), "{message}");
}

#[test]
fn a_socket_that_is_left_open_fails_the_test() {
    let message = message_of(|| {
        let mut kept = None;
        testing::run(async { kept = Some(curio::TcpListener::bind("127.0.0.1:0").await.unwrap()) });
    });
    assert!(message.contains("1 open sockets"), "{message}");
}

#[test]
fn a_timer_that_is_left_set_fails_the_test() {
    let message = message_of(|| {
        let kept = Cell::new(None);
        testing::run(async {
            let mut nap = Box::pin(curio::sleep(Duration::from_secs(1)));
            std::future::poll_fn(|cx| {
                assert!(nap.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            kept.set(Some(nap));
        });
    });
    assert!(message.contains("1 timers"), "{message}");
}

/// One task reads, lets others run, and writes what it read plus one; the other adds one in between or after.
async fn lost_update() {
    let total = Rc::new(Cell::new(0));
    let (slow, quick) = (Rc::clone(&total), Rc::clone(&total));
    let slow = curio::spawn(async move {
        let seen = slow.get();
        curio::schedule().await;
        slow.set(seen + 1);
    });
    let quick = curio::spawn(async move {
        curio::schedule().await;
        quick.set(quick.get() + 1);
    });
    slow.join().await.unwrap();
    quick.join().await.unwrap();
    assert_eq!(total.get(), 2, "an update was lost");
}

#[test]
fn explore_finds_an_order_that_fails_and_says_how_to_run_it_again() {
    let message = message_of(|| testing::explore(200, lost_update));
    let seed: u64 = message.split("CURIO_SEED=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(message.contains("an update was lost"), "{message}");
    testing::run(lost_update());
    for _ in 0..5 {
        let failed =
            catch_unwind(|| curio::Kernel::builder().virtual_clock(true).seed(seed).run(lost_update()));
        assert!(failed.is_err(), "the same seed fails every time");
    }
}

#[test]
fn explore_runs_every_seed_of_a_program_that_is_right() {
    let runs = Cell::new(0);
    testing::explore(50, async || runs.set(runs.get() + 1));
    assert_eq!(runs.get(), 50);
}

#[test]
fn first_failure_returns_the_first_seed_that_fails_and_what_it_said() {
    let failure =
        first_failure(0..200, |kernel| kernel, lost_update).expect("one order of two hundred fails");
    assert!(failure.message().contains("an update was lost"), "{failure}");
    let again = first_failure([failure.seed()], |kernel| kernel, lost_update);
    assert_eq!(again, Some(failure.clone()));
    assert_eq!(first_failure(0..failure.seed(), |kernel| kernel, lost_update), None);
    assert!(failure.to_string().starts_with(&format!("seed {} fails: ", failure.seed())));
}

#[test]
fn the_settings_of_first_failure_reach_the_kernel_of_each_run() {
    let reports = Rc::new(Cell::new(0));
    let failure = first_failure(
        0..5,
        |kernel| {
            let reports = Rc::clone(&reports);
            kernel.on_report(move |_| reports.set(reports.get() + 1))
        },
        async || curio::spawn(async { panic!("seen by no task") }).wait().await,
    );
    assert_eq!((failure, reports.get()), (None, 5));
}

/// The test runner has other threads, and the future of the program keeps its waker: one of them might call it.
#[test]
fn where_no_other_thread_may_wake_a_task_a_waker_that_is_kept_hides_no_deadlock() {
    let kept: Cell<Option<Waker>> = Cell::new(None);
    let wait = async || {
        std::future::poll_fn(|cx| {
            kept.set(Some(cx.waker().clone()));
            Poll::<()>::Pending
        })
        .await;
    };
    let failure = first_failure([0], |kernel| kernel.other_threads(false), wait).expect("it never ends");
    assert!(failure.message().starts_with("deadlock: "), "{failure}");
    assert!(failure.message().contains("`main`") && failure.message().contains("waits: FOREIGN_WAIT"));
}

#[test]
fn where_no_other_thread_may_wake_a_task_a_lost_wake_up_is_reported_as_such() {
    let asked = Cell::new(false);
    let program = async || {
        std::future::poll_fn(|_| if asked.replace(true) { Poll::Ready(()) } else { Poll::Pending }).await;
    };
    let failure = first_failure([0], |kernel| kernel.other_threads(false), program).expect("it hangs");
    assert!(failure.message().contains("has lost its wake-up"), "{failure}");
}

#[test]
fn a_task_that_joins_one_with_a_lost_wake_up_has_lost_none_itself() {
    let program = async || {
        let asked = Cell::new(false);
        let wait = move |_: &mut std::task::Context<'_>| match asked.replace(true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        curio::spawn_named("lost", std::future::poll_fn(wait)).join().await.unwrap();
    };
    for seed in 0..10 {
        let failure = first_failure([seed], |kernel| kernel.other_threads(false), program).expect("it hangs");
        let (lost, others): (Vec<_>, Vec<_>) =
            failure.message().lines().skip(1).partition(|line| line.contains("has lost its wake-up"));
        assert!(lost.len() == 1 && lost[0].contains("`lost`"), "{failure}");
        assert!(others.len() == 1 && others[0].contains("waits: TASK_JOIN at "), "{failure}");
    }
}

#[test]
fn a_program_that_is_polled_too_often_fails_and_names_the_task() {
    let program = async || {
        curio::spawn_named("spinner", async {
            loop {
                curio::schedule().await;
            }
        })
        .join()
        .await
    };
    let limited = |most| first_failure([0], |kernel| kernel.most_polls(most), program);
    let failure = limited(1000).expect("it never ends");
    assert!(failure.message().starts_with("after 1000 polls the program has not ended"), "{failure}");
    assert!(failure.message().contains("was polled 999 times, now READY at "), "{failure}");
    assert!(failure.message().contains("`spinner`") && !failure.message().contains("`main`"), "{failure}");
}

#[test]
fn a_program_within_its_limit_of_polls_ends_as_usual() {
    let program = async || {
        for _ in 0..50 {
            curio::schedule().await;
        }
    };
    assert_eq!(first_failure([0], |kernel| kernel.most_polls(60), program), None);
}
