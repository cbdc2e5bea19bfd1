//! Reports and traces on a standard error that does not take them: full, closed, or never read. The program goes on.
//!
//! What is tried is this program, started again with a test of its own to run.
#![cfg(unix)]

mod common;

use common::{ms, secs};
use curio::{Kernel, schedule, sleep, spawn, spawn_named};
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

/// Not tests: what the others run in a process of its own. Each says on standard output how far it came.
mod parts {
    use super::*;

    #[test]
    #[ignore = "run by the others"]
    fn crash_and_go_on() {
        curio::run(async {
            let _: Result<(), _> = spawn_named("crasher", async { panic!("aloud") }).join().await;
            drop(spawn_named("orphan", async {}));
            schedule().await;
            drop(spawn(sleep(secs(60))));
        });
        let late = curio::run(async { spawn_named("late", async {}) });
        drop(late);
        println!("part: came to its end");
    }

    #[test]
    #[ignore = "run by the others"]
    fn report_a_lot() {
        // More than any pipe holds.
        for n in 0..3000 {
            curio::run(async move { drop(spawn_named(format!("orphan {n} {}", "x".repeat(100)), async {})) });
        }
        println!("part: came to its end");
    }

    #[test]
    #[ignore = "run by the others"]
    fn block_the_thread() {
        curio::run(async {
            schedule().await;
            std::thread::sleep(ms(100));
            schedule().await;
            std::thread::sleep(ms(100));
        });
        println!("part: came to its end");
    }

    #[test]
    #[ignore = "run by the others"]
    fn a_sink_that_panics() {
        let builder = Kernel::builder().on_report(|line| panic!("the sink broke at: {line}"));
        builder.run(async {
            for _ in 0..2 {
                let _: Result<(), _> = spawn_named("crasher", async { panic!("aloud") }).join().await;
            }
        });
        println!("part: came to its end");
    }
}

fn part(name: &str) -> Command {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "--ignored", "--nocapture", &format!("parts::{name}")]);
    program.stdout(Stdio::piped());
    program
}

#[track_caller]
fn assert_came_to_its_end(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("part: came to its end"), "{output:?}");
}

/// Waits for it without reading its standard error. Fails if that takes far too long.
#[track_caller]
fn wait_unread(mut child: Child) {
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > secs(40) {
            let _ = child.kill();
            panic!("it waits for a reader that never reads");
        }
        std::thread::sleep(ms(10));
    };
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(status.success() && said.contains("part: came to its end"), "{status}: {said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_error_does_not_end_the_program() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_came_to_its_end(&part("crash_and_go_on").stderr(full).output().unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn traces_on_a_full_standard_error_do_not_end_the_program() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut program = part("crash_and_go_on");
    program
        .env("CURIO_DEBUG", "schedtrace,traptrace,logcrash,longblock,unknown")
        .env("CURIO_SEED", "no number");
    program.env("CURIO_TRACE", concat!(env!("CARGO_TARGET_TMPDIR"), "/full_standard_error.html"));
    assert_came_to_its_end(&program.stderr(full).output().unwrap());
}

#[test]
fn longblock_says_from_which_line_to_which_a_task_did_not_await() {
    let mut program = part("block_the_thread");
    let output = program.env("CURIO_DEBUG", "longblock").stderr(Stdio::piped()).output().unwrap();
    assert_came_to_its_end(&output);
    let errors = String::from_utf8(output.stderr).unwrap();
    let runs: Vec<&str> = errors
        .lines()
        .map(|line| line.split_once("without awaiting, from ").expect(line).1)
        .map(|rest| rest.split_once("; blocking work belongs into `run_in_thread`").expect(rest).0)
        .collect();
    let [first, second] = runs[..] else { panic!("two long runs, and nothing else: {errors}") };
    let (from, until) = first.split_once(" until ").expect(first);
    assert!(from.starts_with(file!()) && until.starts_with(file!()), "{first}");
    assert_eq!(second, format!("{until} to its end"));
}

#[test]
fn a_pipe_whose_reader_is_gone_does_not_end_the_program() {
    let mut program = part("crash_and_go_on");
    program.env("CURIO_DEBUG", "schedtrace").stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    drop(child.stderr.take());
    assert_came_to_its_end(&child.wait_with_output().unwrap());
}

#[test]
fn a_standard_error_that_is_closed_does_not_end_the_program() {
    let program = std::env::current_exe().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec "$0" "$@" 2>&-"#]).arg(program);
    shell.args(["--exact", "--ignored", "--nocapture", "parts::crash_and_go_on"]).stdout(Stdio::piped());
    assert_came_to_its_end(&shell.output().unwrap());
}

#[test]
fn a_reader_that_never_reads_does_not_stop_the_program_for_ever() {
    let child = part("report_a_lot").stderr(Stdio::piped()).spawn().unwrap();
    wait_unread(child);
}

#[test]
fn what_a_slow_reader_reads_is_whole() {
    let mut child = part("report_a_lot").stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = String::new();
    let mut from = child.stderr.take().unwrap();
    from.read_to_string(&mut errors).unwrap();
    assert_came_to_its_end(&child.wait_with_output().unwrap());
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("curio: ")).collect();
    assert_eq!(lines.len(), 3000);
    for (n, line) in lines.iter().enumerate() {
        assert!(line.contains(&format!("`orphan {n} xxx")) && line.contains("never joined"), "{line}");
    }
}

#[test]
fn a_sink_that_panics_is_dropped_with_a_word_on_standard_error() {
    let output = part("a_sink_that_panics").stderr(Stdio::piped()).output().unwrap();
    assert_came_to_its_end(&output);
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("curio: ")).collect();
    let (crashes, sinks): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.contains("`crasher`") && !line.contains("on_report"));
    assert_eq!(sinks.len(), 1, "{errors}");
    assert!(sinks[0].contains("the sink broke at"), "{errors}");
    assert_eq!(crashes.len(), 2, "no report is lost: {errors}");
}
