//! A program that can never go on says so, with who waits for what.
//!
//! The usual harness runs each test on a thread of its own, and then the kernel cannot know that the other thread, the
//! harness's, will not wake it: it waits for a second before it gives up. So this program has a harness that
//! runs all on its only thread, where a deadlock is certain at once.

mod harness;

use curio::{Kernel, Lock};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

const TESTS: &[(&str, fn())] = &[
    (
        "two_locks_taken_in_two_orders_are_reported_with_who_holds_them",
        two_locks_taken_in_two_orders_are_reported_with_who_holds_them,
    ),
    (
        "a_lock_that_was_handed_on_is_held_by_who_has_it_now",
        a_lock_that_was_handed_on_is_held_by_who_has_it_now,
    ),
    (
        "what_would_end_a_wait_is_said_where_no_task_is_known_that_has_to",
        what_would_end_a_wait_is_said_where_no_task_is_known_that_has_to,
    ),
    (
        "a_permit_that_is_out_is_reported_with_who_acquired_last",
        a_permit_that_is_out_is_reported_with_who_acquired_last,
    ),
    ("cleanups_run_before_the_report_leaves_run", cleanups_run_before_the_report_leaves_run),
    (
        "a_lost_wake_up_is_a_deadlock_that_names_the_task_and_is_not_cured",
        a_lost_wake_up_is_a_deadlock_that_names_the_task_and_is_not_cured,
    ),
    (
        "a_main_future_that_ends_in_the_probe_had_lost_its_wake_up_too",
        a_main_future_that_ends_in_the_probe_had_lost_its_wake_up_too,
    ),
    (
        "a_cleanup_that_holds_a_cancellation_up_because_nobody_polls_it_is_named",
        a_cleanup_that_holds_a_cancellation_up_because_nobody_polls_it_is_named,
    ),
    (
        "a_cleanup_that_is_polled_is_not_said_to_be_left_alone",
        a_cleanup_that_is_polled_is_not_said_to_be_left_alone,
    ),
    (
        "a_task_that_is_being_joined_is_not_said_to_be_never_joined_as_well",
        a_task_that_is_being_joined_is_not_said_to_be_never_joined_as_well,
    ),
    (
        "a_read_that_was_begun_by_poll_read_and_given_up_hides_no_deadlock",
        a_read_that_was_begun_by_poll_read_and_given_up_hides_no_deadlock,
    ),
    #[cfg(unix)]
    (
        "a_program_that_waits_in_poll_read_is_in_no_deadlock",
        a_program_that_waits_in_poll_read_is_in_no_deadlock,
    ),
    #[cfg(target_os = "linux")] // Only there threads can be counted.
    (
        "a_foreign_container_hides_no_deadlock_if_there_is_no_other_thread",
        a_foreign_container_hides_no_deadlock_if_there_is_no_other_thread,
    ),
    #[cfg(target_os = "linux")]
    ("a_deadlock_on_the_real_clock_is_a_panic_if_there_is_no_other_thread", on_the_real_clock),
];

fn main() -> ExitCode {
    harness::run(TESTS, || ())
}

fn report_of(program: impl AsyncFnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(|| Kernel::builder().virtual_clock(true).run(program())));
    let payload = failed.expect_err("it should have been a deadlock");
    payload.downcast_ref::<String>().cloned().expect("a report is a string")
}

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
    assert!(line("`one`").contains("deadlock_alone.rs"), "{report}");
}

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

fn what_would_end_a_wait_is_said_where_no_task_is_known_that_has_to() {
    let report = report_of(async || {
        let queue = Rc::new(curio::Queue::unbounded());
        let empty = Rc::clone(&queue);
        let eater = curio::spawn_named("eater", async move {
            let _taken_and_not_done: u32 = empty.get().await;
            empty.get().await;
        });
        queue.put(1).await;
        queue.join().await;
        eater.join().await.unwrap();
    });
    let lines: Vec<&str> = report.lines().filter(|line| !line.starts_with("    in ")).collect();
    assert!(lines[1].contains("`main`") && lines[1].contains("QUEUE_JOIN at "), "{report}");
    assert!(lines[1].ends_with(", 1 item is not done, 0 of them in the queue"), "{report}");
    assert_eq!(lines[2], "    every item of the queue has to be reported as done");
    assert!(lines[3].contains("`eater`") && lines[3].ends_with(", empty, in line: task 2"), "{report}");
    assert_eq!(lines[4], "    a task or thread has to put something into the queue; which one is not known");
}

fn a_permit_that_is_out_is_reported_with_who_acquired_last() {
    let report = report_of(async || {
        let sema = curio::Semaphore::new(2);
        sema.acquire().await.forget();
        drop(sema.acquire().await);
        sema.acquire().await.forget();
        drop(sema.acquire().await);
    });
    let main = report.lines().nth(1).unwrap();
    let last = format!("; the last to acquire was task 1 at {}:", file!());
    assert!(main.contains("wants 1, free are 0, in line: task 1") && main.contains(&last), "{report}");
    assert!(main.ends_with(", and nothing was released since"), "{report}");
}

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

// ---- lost wake-ups

/// A future with a bug: it is ready when the flag is set, and keeps no waker.
async fn lossy(flag: &std::cell::Cell<bool>) {
    std::future::poll_fn(|_| if flag.get() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending })
        .await;
}

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
    assert!(held.contains("it is cancelled") && held.contains("deadlock_alone.rs"), "{report}");
}

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

/// It keeps the task's waker, as a foreign future does that a thread will wake.
#[cfg(target_os = "linux")]
fn a_foreign_container_hides_no_deadlock_if_there_is_no_other_thread() {
    use futures_util::StreamExt;
    let report = report_of(async || {
        let (a, b) = (curio::Event::new(), curio::Event::new());
        let waits = futures_util::stream::FuturesUnordered::from_iter([a.wait(), b.wait()]);
        waits.collect::<Vec<_>>().await;
    });
    assert!(report.starts_with("deadlock: ") && !report.contains("lost its wake-up"), "{report}");
}

#[cfg(target_os = "linux")]
fn on_the_real_clock() {
    let failed = catch_unwind(|| curio::run(std::future::pending::<()>()));
    assert!(failed.is_err(), "a future that is never woken, and no thread that could wake it");
}

fn a_task_that_is_being_joined_is_not_said_to_be_never_joined_as_well() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&lines);
    let builder =
        Kernel::builder().virtual_clock(true).on_report(move |line| sink.borrow_mut().push(line.to_string()));
    let failed = catch_unwind(AssertUnwindSafe(|| {
        builder.run(async {
            curio::spawn_named("stuck", std::future::pending::<()>()).join().await.unwrap();
        });
    }));
    assert!(failed.is_err());
    assert_eq!(*lines.borrow(), Vec::<String>::new());
}

fn a_read_that_was_begun_by_poll_read_and_given_up_hides_no_deadlock() {
    let report = report_of(async || {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = curio::TcpStream::connect(listener.local_addr().unwrap());
        let (client, _server) = curio::join!(connecting, listener.accept());
        let mut client = client.unwrap();
        let mut buffer = [0; 8];
        let reading = futures_util::AsyncReadExt::read(&mut client, &mut buffer);
        curio::ignore_after(Duration::from_millis(1), reading).await;
        let lock = Lock::new(());
        let _held = lock.acquire().await;
        let _never = lock.acquire().await;
    });
    assert!(report.contains("LOCK_ACQUIRE") && !report.contains("lost its wake-up"), "{report}");
}

/// What comes from another process may take a while: longer than the kernel takes to doubt that there is a wait.
#[cfg(unix)]
fn a_program_that_waits_in_poll_read_is_in_no_deadlock() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut child = std::process::Command::new("sh")
        .args(["-c", "sleep 1.3; echo hello"])
        .stdout(std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    let (read, polls) = curio::run(async {
        let mut stream = curio::UnixStream::from_std(ours).unwrap();
        let mut text = Vec::new();
        futures_util::AsyncReadExt::read_to_end(&mut stream, &mut text).await.unwrap();
        (text, curio::current_task().cycles())
    });
    child.wait().unwrap();
    assert_eq!(read, b"hello\n");
    assert!(polls < 20, "it is not asked again and again: {polls} polls");
}
