//! Solutions that panic, never end, or leave something behind are failures like any other.
#![forbid(unsafe_code)]

use drills::graders::rate_limiter::{RateLimiterDrill, checks};
use drills::{Failure, Orders, by_number, grade};
use std::cell::Cell;
use std::future::pending;
use std::process::Command;
use std::time::Duration;

/// A rate limiter that does one thing wrong, with which any solution could go wrong.
struct Limiter<const HOW: u8>;

const HAS_A_TODO: u8 = 1;
const PANICS_IN_A_TASK: u8 = 2;
const WAITS_FOR_EVER: u8 = 3;
const IS_POLLED_FOR_EVER: u8 = 4;
const LEAVES_A_TASK: u8 = 5;
const PANICS_WHILE_DROPPED: u8 = 6;
const LOOPS_WITHOUT_AWAIT: u8 = 7;
const DEPENDS_ON_MORE: u8 = 8;

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("the destructor is not written yet");
    }
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

impl<const HOW: u8> RateLimiterDrill for Limiter<HOW> {
    fn new(_most: usize, _period: Duration) -> Self {
        Limiter
    }

    async fn pass(&self) {
        match HOW {
            HAS_A_TODO => panic!("not yet implemented"),
            PANICS_IN_A_TASK => {
                let task = curio::spawn(async { panic!("a task has failed") });
                task.wait().await;
            }
            WAITS_FOR_EVER => pending().await,
            IS_POLLED_FOR_EVER => loop {
                curio::schedule().await;
            },
            LEAVES_A_TASK => curio::spawn_named("straggler", curio::sleep(Duration::from_secs(9))).detach(),
            PANICS_WHILE_DROPPED => {
                let _first = PanicsWhenDropped;
                panic!("pass is not written yet");
            }
            LOOPS_WITHOUT_AWAIT => loop {
                std::hint::spin_loop();
            },
            DEPENDS_ON_MORE => {
                let runs = RUNS.get();
                RUNS.set(runs + 1);
                assert!(runs != 7, "the eighth call fails");
            }
            _ => {}
        }
    }
}

fn failure<const HOW: u8>() -> Box<Failure> {
    let drill = by_number(8).expect("there is such a drill");
    grade(drill, &checks::<Limiter<HOW>>(), Orders::Many).expect_err("it is not a solution")
}

#[test]
fn a_panic_is_reported_with_its_line_and_ends_the_trace() {
    let failure = failure::<HAS_A_TODO>();
    let text = failure.to_string();
    let line = text.lines().find(|line| line.starts_with("It panicked at ")).expect("it says so");
    assert!(line.contains("misbehaviour.rs:") && line.ends_with(": not yet implemented"), "{text}");
    assert!(failure.trace.last().expect("it has lines").contains("#1 main  RUN"), "{text}");
}

#[test]
fn a_panic_in_a_task_of_the_solution_is_a_failure_even_if_no_task_joins_it() {
    let failure = failure::<PANICS_IN_A_TASK>();
    assert!(failure.to_string().contains(": a task has failed\n"), "{failure}");
}

#[test]
fn a_wait_for_ever_is_reported_as_a_deadlock() {
    let failure = failure::<WAITS_FOR_EVER>();
    assert!(failure.what.starts_with("deadlock: no task can run"), "{failure}");
}

#[test]
fn a_loop_that_awaits_is_ended_by_the_number_of_polls() {
    let failure = failure::<IS_POLLED_FOR_EVER>();
    assert!(failure.what.starts_with("after 20000 polls the program has not ended"), "{failure}");
    let printed = failure.to_string().lines().filter(|line| line.contains("[t=")).count();
    assert_eq!(printed, 40, "{failure}");
    // Three lines for each poll: it ran, it was woken, it waits.
    let text = failure.to_string();
    let left_out = text.split("without the first ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!(left_out.and_then(|lines| lines.parse().ok()).is_some_and(|lines: u32| lines > 59_000), "{text}");
}

#[test]
fn a_task_that_is_left_is_named() {
    let failure = failure::<LEAVES_A_TASK>();
    let is_named = failure.what.contains("left behind: ") && failure.what.contains("`straggler`");
    assert!(is_named, "{failure}");
}

#[test]
fn a_failure_that_does_not_come_again_in_the_same_order_is_reported_as_such() {
    let failure = failure::<DEPENDS_ON_MORE>();
    assert!(failure.what.contains("not when the same order was run again"), "{failure}");
}

/// Not tests: what the others run in a process of its own, because it ends the process.
mod parts {
    use super::*;

    #[test]
    #[ignore = "run by the others"]
    fn two_panics() {
        let _ = failure::<PANICS_WHILE_DROPPED>();
    }

    #[test]
    #[ignore = "run by the others"]
    fn loop_without_await() {
        let drill = by_number(8).expect("there is such a drill");
        let patience = Duration::from_millis(200);
        let _ = drills::grade_or_exit(drill, checks::<Limiter<LOOPS_WITHOUT_AWAIT>>, Orders::Many, patience);
    }
}

/// What a part prints. It does not succeed.
fn printed_by(part: &str) -> String {
    let mut program = Command::new(std::env::current_exe().expect("the program is a file"));
    program.args(["--exact", "--ignored", "--nocapture", &format!("parts::{part}")]);
    let output = program.output().expect("it can be run");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn two_panics_at_once_end_the_process_and_both_are_printed() {
    let printed = printed_by("two_panics");
    for message in
        ["Two panics at the same time", "pass is not written yet", "the destructor is not written yet"]
    {
        assert!(printed.contains(message), "{printed}");
    }
}

#[test]
fn a_loop_without_an_await_is_reported_and_ends_the_process() {
    let printed = printed_by("loop_without_await");
    assert!(printed.contains("NOT MET: Calls within the limit pass at once."), "{printed}");
    assert!(printed.contains("has not returned from its poll"), "{printed}");
}
