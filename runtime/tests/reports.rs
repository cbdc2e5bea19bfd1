//! Nothing is silent: the lines that a kernel writes, where they go, and what keeps it quiet.

mod common;

use common::{ms, panic_of, poll_once, run_reporting, run_virtual, secs, virtual_kernel, with_reports};
use curio::{Kernel, finally, schedule, sleep, spawn, spawn_named};
use std::cell::RefCell;
use std::panic::panic_any;
use std::process::Command;
use std::rc::Rc;

#[test]
fn a_crash_is_written_at_once_with_name_number_line_and_message() {
    let (builder, reports) = with_reports(Kernel::builder().virtual_clock(true));
    let seen = Rc::clone(&reports);
    builder.run(async move {
        let (line, task) = (line!(), spawn_named("crasher", async { panic!("the {}", "message") }));
        schedule().await;
        schedule().await;
        let lines = seen.borrow().clone();
        assert_eq!(lines.len(), 1, "not only at the end: {lines:#?}");
        let place = format!("{}:{line}:", file!());
        for part in ["task 2", "`crasher`", &place, "panicked", "the message"] {
            assert!(lines[0].contains(part), "{part}: {lines:#?}");
        }
        assert!(!lines[0].contains('\n'), "one line");
        let _: Result<(), _> = task.join().await;
    });
    assert_eq!(reports.take().len(), 1);
}

#[test]
fn a_crash_with_something_else_than_a_message_is_written_too() {
    let (_, reports) = run_reporting(async {
        let _: Result<(), _> = spawn(async { panic_any(5) }).join().await;
    });
    assert_eq!(reports.len(), 1);
    assert!(reports[0].contains("panicked"), "{reports:#?}");
}

#[test]
fn a_crashed_task_that_nobody_joined_is_not_mentioned_twice() {
    let (_, reports) = run_reporting(async {
        drop(spawn(async { panic!("once") }));
        sleep(secs(1)).await;
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

#[test]
fn a_task_that_nobody_joined_is_named_at_the_end_with_its_line() {
    let (line, reports) = run_reporting(async {
        let (line, task) = (line!(), spawn_named("orphan", async { 5 }));
        drop(task);
        sleep(secs(1)).await;
        line
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
    let place = format!("{}:{line}:", file!());
    for part in ["`orphan`", &place, "never joined"] {
        assert!(reports[0].contains(part), "{part}: {reports:#?}");
    }
}

#[test]
fn tasks_from_one_line_are_counted_and_named_once() {
    let (_, reports) = run_reporting(async {
        for n in 0..1000 {
            drop(spawn_named(format!("worker {n}"), async {}));
        }
        drop(spawn_named("alone", async {}));
        schedule().await;
        schedule().await;
    });
    assert_eq!(reports.len(), 2, "{reports:#?}");
    assert!(reports[0].contains("`worker 0`") && reports[0].contains("999 more"), "{reports:#?}");
    assert!(reports[1].contains("`alone`") && !reports[1].contains("more from"), "{reports:#?}");
}

#[test]
fn a_task_that_is_still_running_at_the_end_was_not_joined_either() {
    let (_, reports) = run_reporting(async {
        drop(spawn_named("forgotten", sleep(secs(60))));
        sleep(secs(1)).await;
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("`forgotten`") && reports[0].contains("never joined"), "{reports:#?}");
}

#[test]
fn joined_cancelled_and_detached_tasks_are_nobodys_business() {
    run_virtual(async {
        spawn(async {}).join().await.unwrap();
        let mut by_reference = spawn(async {});
        (&mut by_reference).await.unwrap();
        let cancelled = spawn(sleep(secs(60)));
        cancelled.cancel().await;
        let asked = spawn(sleep(secs(60)));
        asked.request_cancel();
        drop(asked);
        let cancelled_too_late = spawn(async {});
        cancelled_too_late.wait().await;
        cancelled_too_late.cancel().await;
        spawn(async {}).detach();
        spawn(sleep(secs(60))).detach();
        let detached_late = spawn(async {});
        sleep(secs(1)).await;
        detached_late.detach();
    });
}

#[test]
fn waiting_is_not_joining() {
    let (_, reports) = run_reporting(async {
        let task = spawn(async { "a result that nobody takes" });
        task.wait().await;
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

#[test]
fn the_lines_come_at_the_end_of_the_kernel_and_not_of_each_run() {
    let (builder, reports) = with_reports(Kernel::builder().virtual_clock(true));
    let mut kernel = builder.build().unwrap();
    for _ in 0..3 {
        kernel.run(async {
            drop(spawn(async {}));
            sleep(ms(1)).await;
        });
        assert!(reports.borrow().is_empty());
    }
    drop(kernel);
    let reports = reports.take();
    assert!(reports.len() == 1 && reports[0].contains("2 more"), "{reports:#?}");
}

#[test]
fn whoever_gets_the_lines_may_use_the_runtime() {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let own = Rc::clone(&heard);
    let builder = Kernel::builder().virtual_clock(true).on_report(move |line| {
        let (line, own) = (line.to_string(), Rc::clone(&own));
        spawn(async move {
            sleep(secs(1)).await;
            own.borrow_mut().push(line);
        })
        .detach();
    });
    builder.run(async {
        let _: Result<(), _> = spawn(async { panic!("reported by a task") }).join().await;
        sleep(secs(2)).await;
    });
    assert!(heard.borrow().len() == 1 && heard.borrow()[0].contains("reported by a task"));
}

#[test]
fn a_kernel_with_nothing_to_say_says_nothing() {
    run_virtual(async {
        let task = spawn(async { schedule().await });
        task.join().await.unwrap();
    });
    drop(virtual_kernel());
}

/// Not a test: what the next one runs in a process of its own.
#[test]
#[ignore = "run by `without_a_taker_the_lines_go_to_standard_error`"]
fn a_program_with_something_to_report() {
    curio::run(async {
        let _: Result<(), _> = spawn_named("crasher", async { panic!("aloud") }).join().await;
        drop(spawn_named("orphan", async {}));
        schedule().await;
    });
    Kernel::builder().on_report(|_| ()).run(async {
        drop(spawn_named("silenced", async {}));
        schedule().await;
    });
    let late = curio::run(async { spawn_named("late", async {}) });
    drop(late);
}

#[test]
fn without_a_taker_the_lines_go_to_standard_error() {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--exact", "a_program_with_something_to_report", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("curio: ")).collect();
    assert_eq!(lines.len(), 3, "{errors}");
    assert!(lines[0].contains("`crasher`") && lines[0].contains("panicked: aloud"), "{errors}");
    assert!(lines[1].contains("`orphan`") && lines[1].contains("never joined"), "{errors}");
    assert!(lines[2].contains("`late`") && lines[2].contains("never joined"), "{errors}");
}

#[test]
fn a_kernel_cannot_be_run_by_whoever_gets_the_lines_and_is_told_so() {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let own = Rc::clone(&heard);
    let builder = Kernel::builder().virtual_clock(true).on_report(move |_| {
        own.borrow_mut().push(panic_of(|| curio::run(async {})));
        // But one may be made, and shut down.
        drop(virtual_kernel());
    });
    builder.run(async {
        let _: Result<(), _> = spawn(async { panic!("reported by a task") }).join().await;
        // A cleanup that cannot run is reported from within the task.
        let mut region = Box::pin(finally(std::future::pending::<()>(), async |_| ()));
        assert!(poll_once(region.as_mut()).await.is_pending());
        drop(region);
    });
    let heard = heard.take();
    assert!(heard.len() >= 2, "{heard:#?}");
    assert!(heard.iter().all(|message| message.contains("runs on this thread already")), "{heard:#?}");
}

#[test]
fn what_is_reported_while_a_report_is_taken_goes_to_standard_error_and_not_round_in_circles() {
    let depth = Rc::new(RefCell::new(0));
    let own = Rc::clone(&depth);
    let (kernel, again) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
    let held = Rc::clone(&again);
    let builder = Kernel::builder().virtual_clock(true).on_report(move |_| {
        *own.borrow_mut() += 1;
        // Dropping a handle whose task has ended is reported in its turn.
        drop(held.borrow_mut().take());
    });
    *kernel.borrow_mut() = Some(builder.build().unwrap());
    kernel.borrow_mut().as_mut().unwrap().run(async {
        let ended = spawn(async {});
        ended.wait().await;
        *again.borrow_mut() = Some(ended);
        let _: Result<(), _> = spawn(async { panic!("first") }).join().await;
    });
    drop(kernel);
    assert!((1..=2).contains(&*depth.borrow()));
}
