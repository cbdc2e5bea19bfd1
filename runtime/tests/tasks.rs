//! Tasks: spawning, joining, what can be known of them, and how they fail.

mod common;

use common::{Log, message, panic_of, run_reporting, run_virtual, secs};
use curio::{Task, TaskError, TaskState, clock, schedule, sleep, spawn, spawn_named, timeout_after};
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::panic::panic_any;
use std::rc::Rc;

async fn named_after_me() -> u32 {
    schedule().await;
    7
}

// ---- spawning

#[test]
fn a_task_first_runs_after_its_spawner_suspends() {
    run_virtual(async {
        let ran = Rc::new(Cell::new(false));
        let flag = Rc::clone(&ran);
        let task = spawn(async move { flag.set(true) });
        assert!(!ran.get(), "spawn does not switch");
        assert_eq!((task.info().cycles(), task.info().state()), (0, TaskState::Ready));
        schedule().await;
        assert!(ran.get());
        task.join().await.unwrap();
    });
}

#[test]
fn nothing_in_a_task_needs_to_be_send() {
    run_virtual(async {
        let shared = Rc::new(RefCell::new(vec![1]));
        let own = Rc::clone(&shared);
        let task = spawn(async move {
            own.borrow_mut().push(2);
            schedule().await;
            own
        });
        let returned: Rc<RefCell<Vec<i32>>> = task.join().await.unwrap();
        assert_eq!(*returned.borrow(), [1, 2]);
    });
}

#[test]
fn a_task_can_be_spawned_that_joins_another_one() {
    run_virtual(async {
        let of_a_task: Task<Result<u32, TaskError>> = spawn(spawn(named_after_me()));
        assert_eq!(of_a_task.await.unwrap().unwrap(), 7);
    });
}

#[test]
fn a_hundred_thousand_tasks_can_be_alive_at_once() {
    run_virtual(async {
        let tasks: Vec<_> = (0..100_000_u64)
            .map(|n| {
                spawn(async move {
                    schedule().await;
                    n
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.join().await.unwrap();
        }
        assert_eq!(sum, 99_999 * 100_000 / 2);
    });
}

// ---- joining

#[test]
fn join_gives_the_result_and_so_does_awaiting_the_task() {
    run_virtual(async {
        assert_eq!(spawn(named_after_me()).join().await.unwrap(), 7);
        assert_eq!(spawn(named_after_me()).await.unwrap(), 7);
        assert_eq!((&mut spawn(named_after_me())).await.unwrap(), 7);
    });
}

#[test]
fn a_result_waits_for_its_joiner() {
    run_virtual(async {
        let task = spawn(async { String::from("kept") });
        sleep(secs(1)).await;
        assert!(task.is_terminated());
        assert_eq!(task.join().await.unwrap(), "kept");
    });
}

#[test]
fn awaiting_by_reference_keeps_the_handle_for_another_try() {
    run_virtual(async {
        let mut task = spawn(async {
            sleep(secs(3)).await;
            "late"
        });
        assert!(timeout_after(secs(1), &mut task).await.is_err());
        assert!(timeout_after(secs(1), &mut task).await.is_err());
        assert_eq!(timeout_after(secs(2), &mut task).await.unwrap().unwrap(), "late");
    });
}

#[test]
fn a_result_can_be_taken_only_once() {
    let (joined, reports) = run_reporting(async {
        let mut task = spawn_named("giver", async { 1 });
        (&mut task).await.unwrap();
        spawn(async move { (&mut task).await.unwrap() }).join().await
    });
    let message = message(joined.unwrap_err().into_panic().as_ref());
    assert!(message.contains("`giver`") && message.contains("taken by an earlier join"), "{message}");
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

#[test]
fn wait_takes_no_value_and_many_may_wait() {
    run_virtual(async {
        let task = Rc::new(spawn(async {
            sleep(secs(1)).await;
            5
        }));
        let start = clock();
        let waiters: Vec<_> = (0..10)
            .map(|_| {
                let task = Rc::clone(&task);
                spawn(async move { task.wait().await })
            })
            .collect();
        for waiter in waiters {
            waiter.join().await.unwrap();
        }
        assert_eq!(clock() - start, secs(1));
        let task = Rc::into_inner(task).unwrap();
        assert_eq!(task.join().await.unwrap(), 5);
    });
}

#[test]
fn waiters_of_a_task_go_on_in_the_order_in_which_they_came() {
    run_virtual(async {
        let log = Log::new();
        let task = Rc::new(spawn(sleep(secs(1))));
        let waiters: Vec<_> = (0..5)
            .map(|n| {
                let (task, log) = (Rc::clone(&task), log.clone());
                spawn(async move {
                    task.wait().await;
                    log.note(n);
                })
            })
            .collect();
        for waiter in waiters {
            waiter.join().await.unwrap();
        }
        Rc::into_inner(task).unwrap().join().await.unwrap();
        assert_eq!(log.take(), ["1000 0", "1000 1", "1000 2", "1000 3", "1000 4"]);
    });
}

#[test]
fn a_waiter_that_leaves_does_not_let_latecomers_pass_the_others() {
    run_virtual(async {
        let log = Log::new();
        let task = Rc::new(spawn(sleep(secs(9))));
        let waiter = |n: u32, patience| {
            let (task, log) = (Rc::clone(&task), log.clone());
            spawn(async move {
                if timeout_after(patience, task.wait()).await.is_ok() {
                    log.note(n);
                }
            })
        };
        let first = [waiter(0, secs(1)), waiter(1, secs(20)), waiter(2, secs(20))];
        sleep(secs(2)).await;
        for waiter in first.into_iter().chain([waiter(3, secs(20))]) {
            waiter.join().await.unwrap();
        }
        assert_eq!(log.take(), ["9000 1", "9000 2", "9000 3"]);
        task.request_cancel();
    });
}

#[test]
fn a_cancelled_join_leaves_the_task_running_and_its_result_untaken() {
    let (_, reports) = run_reporting(async {
        let done = Rc::new(Cell::new(false));
        let flag = Rc::clone(&done);
        let task = spawn(async move {
            sleep(secs(2)).await;
            flag.set(true);
        });
        assert!(timeout_after(secs(1), task.join()).await.is_err());
        assert!(!done.get());
        sleep(secs(2)).await;
        assert!(done.get());
    });
    assert!(reports.len() == 1 && reports[0].contains("never joined"), "{reports:#?}");
}

#[test]
fn a_wait_that_is_given_up_does_not_disturb_the_others() {
    run_virtual(async {
        let task = Rc::new(spawn(sleep(secs(2))));
        let impatient = Rc::clone(&task);
        let gave_up = spawn(async move { timeout_after(secs(1), impatient.wait()).await.is_err() });
        let patient = Rc::clone(&task);
        let waited = spawn(async move { timeout_after(secs(3), patient.wait()).await.is_ok() });
        assert!(gave_up.join().await.unwrap() && waited.join().await.unwrap());
        Rc::into_inner(task).unwrap().join().await.unwrap();
    });
}

#[test]
fn a_future_of_a_task_is_gone_before_its_joiner_goes_on() {
    run_virtual(async {
        let log = Log::new();
        for end in ["returns", "is cancelled"] {
            let kept = log.on_drop("future dropped");
            let task = spawn(async move {
                let _kept = kept;
                if end == "is cancelled" {
                    std::future::pending::<()>().await;
                }
            });
            schedule().await;
            task.cancel().await;
            log.note(end);
        }
        assert_eq!(log.take(), ["0 future dropped", "0 returns", "0 future dropped", "0 is cancelled"]);
    });
}

#[test]
fn what_a_future_captured_is_gone_before_its_joiner_goes_on_even_if_it_is_its_own_kind_of_future() {
    struct Captures(#[expect(dead_code, reason = "it notes when it is dropped")] common::OnDrop);
    impl Future for Captures {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            std::task::Poll::Ready(())
        }
    }
    run_virtual(async {
        let log = Log::new();
        spawn(Captures(log.on_drop("future dropped"))).join().await.unwrap();
        log.note("joined");
        assert_eq!(log.take(), ["0 future dropped", "0 joined"]);
    });
}

// ---- handles

#[test]
fn dropping_a_handle_does_not_stop_the_task() {
    let (ran, _) = run_reporting(async {
        let ran = Rc::new(Cell::new(false));
        let flag = Rc::clone(&ran);
        drop(spawn(async move {
            sleep(secs(1)).await;
            flag.set(true);
        }));
        sleep(secs(2)).await;
        ran.get()
    });
    assert!(ran);
}

#[test]
fn a_result_that_nobody_took_is_dropped_with_its_handle() {
    run_virtual(async {
        let log = Log::new();
        let result = log.on_drop("result dropped");
        let task = spawn(async move { result });
        sleep(secs(1)).await;
        log.note("ended");
        task.detach();
        assert_eq!(log.take(), ["1000 ended", "1000 result dropped"]);
    });
}

#[test]
fn the_result_of_a_detached_task_is_dropped_when_it_ends() {
    run_virtual(async {
        let log = Log::new();
        let result = log.on_drop("result dropped");
        spawn(async move {
            sleep(secs(1)).await;
            result
        })
        .detach();
        sleep(secs(5)).await;
        assert_eq!(log.take(), ["1000 result dropped"]);
    });
}

// ---- panics

#[test]
fn a_panic_ends_its_task_only_and_reaches_whoever_joins_with_its_payload() {
    let (_, reports) = run_reporting(async {
        let other = spawn(async {
            sleep(secs(1)).await;
            "unharmed"
        });
        let error = spawn_named("crasher", async { panic_any(99_u8) }).join().await.unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(*error.into_panic().downcast::<u8>().unwrap(), 99);
        assert_eq!(other.join().await.unwrap(), "unharmed");
    });
    assert_eq!(reports.len(), 1);
}

#[test]
fn the_error_of_a_panicked_task_displays_the_panics_message() {
    run_reporting(async {
        for task in [
            spawn(async { panic!("a {} message", "formatted") }),
            spawn(async { panic!("a formatted message") }),
        ] {
            let error: TaskError = task.join().await.unwrap_err();
            assert!(error.to_string().contains("a formatted message"), "{error}");
            assert!(format!("{error:?}").contains("a formatted message"), "{error:?}");
        }
    });
}

#[test]
fn the_error_of_a_cancelled_task_says_so() {
    run_virtual(async {
        let task = spawn(std::future::pending::<()>());
        task.cancel().await;
        let error = task.join().await.unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        assert_eq!(error.to_string(), "the task was cancelled");
        assert!(panic_of(|| error.into_panic()).contains("did not panic"));
    });
}

#[test]
fn errors_are_errors_that_cross_threads() {
    fn is_an_error<T: std::error::Error + Send + Sync + 'static>() {}
    is_an_error::<TaskError>();
    is_an_error::<curio::TaskTimeout>();
    is_an_error::<curio::Full<u8>>();
    is_an_error::<curio::OverReleased>();
}

#[test]
fn what_a_panicking_task_held_is_released_before_its_joiner_goes_on() {
    run_reporting(async {
        let log = Log::new();
        let held = log.on_drop("released");
        let task = spawn(async move {
            let _held = held;
            panic!("on purpose");
        });
        let _: Result<(), TaskError> = task.join().await;
        log.note("joined");
        assert_eq!(log.take(), ["0 released", "0 joined"]);
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("boom in a destructor");
    }
}

#[test]
fn a_panic_in_a_destructor_of_a_cancelled_task_is_reported_and_harms_nobody() {
    let (_, reports) = run_reporting(async {
        let task = spawn_named("bomber", async {
            let _bomb = Bomb;
            sleep(secs(60)).await;
        });
        schedule().await;
        assert!(task.cancel().await);
        assert!(task.join().await.unwrap_err().is_cancelled());
        sleep(secs(1)).await;
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("`bomber`") && reports[0].contains("boom in a destructor"), "{reports:?}");
}

#[test]
fn a_result_that_panics_when_nobody_takes_it_is_reported_and_harms_nobody() {
    let (_, reports) = run_reporting(async {
        spawn_named("bomber", async { Bomb }).detach();
        sleep(secs(1)).await;
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("`bomber`") && reports[0].contains("boom in a destructor"), "{reports:?}");
}

#[test]
fn a_task_error_becomes_an_io_error_and_can_be_had_back() {
    let (_, reports) = run_reporting(async {
        let task = spawn(async {
            schedule().await;
            panic!("no luck")
        });
        let reading = async || -> std::io::Result<()> { task.join().await? };
        let error = reading().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Other, "the task panicked: no luck".into())
        );
        assert!(error.downcast::<TaskError>().is_ok_and(|error| error.is_panic()));
    });
    assert_eq!(reports.len(), 1, "{reports:?}");
}

#[test]
fn a_value_that_panics_when_it_is_dropped_with_its_handle_does_not_take_the_caller_along() {
    struct Explodes;
    impl Drop for Explodes {
        fn drop(&mut self) {
            panic!("the value exploded");
        }
    }
    let (builder, reports) = common::with_reports(curio::Kernel::builder().virtual_clock(true));
    builder.run(async {
        let task = curio::spawn(async { Explodes });
        task.wait().await;
        drop(task);
    });
    let reports = reports.take();
    assert!(
        reports.iter().any(|line| line.contains("panicked while it was dropped: the value exploded")),
        "{reports:?}"
    );
}
