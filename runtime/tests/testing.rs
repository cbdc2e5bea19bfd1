//! `testing::run` and `testing::explore`.

use curio::testing;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
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
