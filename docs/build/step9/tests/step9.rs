//! Step 9: the same programs on both runtimes, and what the real one adds.

use build_step9::build_step8 as small_runtime;
use build_step9::{curio, real, small};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_programs_of_the_steps_do_the_same_on_both() {
    assert_eq!(small::turns(), real::turns());
    assert_eq!(small::fibonacci(10), real::fibonacci(10));
    assert_eq!(small::naps(), real::naps());
    assert_eq!(small::from_a_thread(), real::from_a_thread());
    assert_eq!(small::two_at_a_time(), real::two_at_a_time());
    assert_eq!(small::passed_on(), real::passed_on());
    assert_eq!(small::limits(), real::limits());
}

/// How often a task gets through a wait that is always ready before another task runs.
macro_rules! laps_before_another_task_runs {
    ($runtime:ident, $most:expr) => {{
        use $runtime::{Event, spawn, testing};
        testing::run(async {
            let (event, has_run) = (Event::new(), Rc::new(Cell::new(false)));
            event.set();
            let told = Rc::clone(&has_run);
            let other = spawn(async move { told.set(true) });
            let mut laps = 0;
            while !has_run.get() && laps < $most {
                event.wait().await;
                laps += 1;
            }
            other.join().await.unwrap();
            laps
        })
    }};
}

#[test]
fn a_task_that_never_has_to_wait_is_interrupted_when_its_budget_is_used_up() {
    assert_eq!(laps_before_another_task_runs!(small_runtime, 10_000), 10_000);
    assert!(laps_before_another_task_runs!(curio, 10_000) < 200);
}

/// Whether a permit gets past a wait that is in line and is not polled any more.
macro_rules! gets_past_an_unpolled_wait {
    ($runtime:ident) => {{
        use $runtime::{Semaphore, schedule, sleep, spawn, testing, timeout_after};
        testing::run(async {
            let semaphore = Rc::new(Semaphore::new(1));
            let held = semaphore.acquire().await;
            let mut unpolled = pin!(semaphore.acquire());
            poll_fn(|cx| Poll::Ready(unpolled.as_mut().poll(cx).is_pending())).await;
            drop(held);
            let own = Rc::clone(&semaphore);
            let other = spawn(async move { timeout_after(SECOND, own.acquire()).await.is_ok() });
            // `unpolled` was granted the permit, and this task is polled without asking for it.
            schedule().await;
            sleep(2 * SECOND).await;
            other.join().await.unwrap()
        })
    }};
}

#[test]
fn a_grant_that_its_task_does_not_claim_is_taken_back() {
    assert!(!gets_past_an_unpolled_wait!(small_runtime));
    assert!(gets_past_an_unpolled_wait!(curio));
}

#[test]
fn a_cleanup_may_await_and_the_limit_reports_when_it_has_ended() {
    curio::testing::run(async {
        let (start, log) = (curio::clock(), RefCell::new(Vec::new()));
        let body = curio::sleep(60 * SECOND);
        let with_cleanup = curio::finally(body, async |outcome| {
            curio::sleep(SECOND).await;
            log.borrow_mut().push(outcome);
        });
        assert!(curio::timeout_after(SECOND, with_cleanup).await.is_err());
        assert_eq!(log.take(), [curio::Outcome::TimedOut]);
        assert_eq!(curio::clock() - start, 2 * SECOND, "the limit, and then the cleanup");
    });
}

/// Two limits that pass in the same instant: whether the outer one reports.
macro_rules! the_outer_limit_reports {
    ($runtime:ident) => {{
        use $runtime::{sleep, testing, timeout_after};
        testing::run(async {
            let inner = timeout_after(SECOND, sleep(60 * SECOND));
            timeout_after(SECOND, inner).await.is_err()
        })
    }};
}

#[test]
fn of_two_limits_that_pass_at_once_the_outer_one_reports() {
    assert!(!the_outer_limit_reports!(small_runtime));
    assert!(the_outer_limit_reports!(curio));
}

#[test]
fn a_task_says_what_it_waits_for_and_in_which_line() {
    curio::testing::run(async {
        let task = curio::spawn_named("sleeper", curio::sleep(SECOND));
        curio::schedule().await;
        let info = task.info();
        assert_eq!((info.name(), info.state()), ("sleeper", curio::TaskState::TimeSleep));
        assert!(info.waiting_at().is_some_and(|at| at.file().ends_with("step9.rs")));
        task.join().await.unwrap();
    });
}

#[test]
fn a_program_that_can_never_go_on_is_reported_with_what_each_task_waits_for() {
    static GO_ON: curio::Event = curio::Event::new();
    let (report, reported) = mpsc::channel();
    // The program waits for a thread that waits for the report.
    let helper = thread::spawn(move || {
        let report: String = reported.recv().unwrap();
        GO_ON.set();
        report
    });
    let kernel = curio::Kernel::builder().on_report(move |line| drop(report.send(line.to_string())));
    kernel.run(async {
        let waiting = curio::spawn_named("waits in vain", async { GO_ON.wait().await });
        waiting.join().await.unwrap();
    });
    let report = helper.join().unwrap();
    assert!(report.starts_with("deadlock") && report.contains("waits in vain"), "{report}");
    assert!(report.contains("EVENT_WAIT") && report.contains("step9.rs"), "{report}");
}

/// How often a task is polled that is in the slot of an earlier one whose waker is called late.
macro_rules! polls_after_a_late_wake {
    ($runtime:ident) => {{
        use $runtime::{oneshot, schedule, spawn, testing};
        testing::run(async {
            let kept = Rc::new(RefCell::new(None));
            let keep = Rc::clone(&kept);
            let earlier = spawn(poll_fn(move |cx| {
                keep.replace(Some(cx.waker().clone()));
                Poll::Ready(())
            }));
            earlier.join().await.unwrap();
            let (sender, receiver) = oneshot();
            let polls = Rc::new(Cell::new(0));
            let counted = Rc::clone(&polls);
            let later = spawn(async move {
                let mut receiver = pin!(receiver.into_future());
                poll_fn(|cx| {
                    counted.set(counted.get() + 1);
                    receiver.as_mut().poll(cx)
                })
                .await
            });
            schedule().await;
            kept.take().expect("it was kept").wake();
            schedule().await;
            let polled = polls.get();
            sender.send(()).unwrap();
            later.join().await.unwrap().unwrap();
            polled
        })
    }};
}

#[test]
fn a_late_wake_does_not_poll_the_task_that_has_the_slot_now() {
    assert_eq!(polls_after_a_late_wake!(small_runtime), 2);
    assert_eq!(polls_after_a_late_wake!(curio), 1);
}

#[test]
fn a_second_reader_of_a_socket_is_told_about_the_first() {
    curio::run(async {
        let listener = curio::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let client = curio::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let client = Rc::new(client);
        let first = Rc::clone(&client);
        let reading = curio::spawn_named("first", async move { first.recv(&mut [0; 8]).await });
        curio::schedule().await;
        let error = client.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert!(error.to_string().contains("`first`"), "{error}");
        drop(server);
        assert_eq!(reading.join().await.unwrap().unwrap(), 0);
    });
}

/// How far a virtual clock moves while a task waits for a thread, and another one sleeps.
macro_rules! virtual_time_for_a_thread {
    ($runtime:ident) => {{
        use $runtime::{clock, run_in_thread, sleep, spawn, testing};
        testing::run(async {
            let start = clock();
            let sleeper = spawn(sleep(1000 * SECOND));
            run_in_thread(|| thread::sleep(Duration::from_millis(50))).await.unwrap();
            let passed = clock() - start;
            sleeper.cancel().await;
            passed
        })
    }};
}

#[test]
fn a_virtual_clock_does_not_jump_while_a_thread_works_for_a_task() {
    assert_eq!(virtual_time_for_a_thread!(small_runtime), 1000 * SECOND);
    assert_eq!(virtual_time_for_a_thread!(curio), Duration::ZERO);
}

#[test]
fn a_seed_finds_the_order_of_tasks_in_which_a_program_fails() {
    async fn lost_update() {
        let total = Rc::new(Cell::new(0));
        let add = |schedule_first: bool| {
            let total = Rc::clone(&total);
            curio::spawn(async move {
                if schedule_first {
                    curio::schedule().await;
                }
                let seen = total.get();
                if !schedule_first {
                    curio::schedule().await;
                }
                total.set(seen + 1);
            })
        };
        let (slow, quick) = (add(false), add(true));
        slow.join().await.unwrap();
        quick.join().await.unwrap();
        assert_eq!(total.get(), 2);
    }
    let failed = std::panic::catch_unwind(|| curio::testing::explore(100, lost_update)).unwrap_err();
    let message = failed.downcast_ref::<String>().expect("it says which seed");
    assert!(message.contains("CURIO_SEED="), "{message}");
}

#[test]
fn main_and_child_tasks_may_borrow() {
    let words = String::from("one two three");
    let lengths = curio::run(async {
        let lengths = RefCell::new(Vec::new());
        curio::scope(async |scope| {
            for word in words.split(' ') {
                let lengths = &lengths;
                scope.spawn(async move { lengths.borrow_mut().push(word.len()) });
            }
        })
        .await;
        lengths.into_inner()
    });
    assert_eq!(lengths, [3, 3, 5]);
}

#[test]
fn threads_and_tasks_share_an_event() {
    static STARTED: curio::Event = curio::Event::new();
    let helper = thread::spawn(|| STARTED.wait_blocking());
    curio::run(async { STARTED.set() });
    helper.join().unwrap();
}
