//! `CURIO_STATS`, `CURIO_STEP`, `CURIO_SLOW`: looking into a program from its environment.
//!
//! What is tried is this program, started again with one of the parts below to run.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Not tests: what the others run in a process of its own.
mod parts {
    use curio::{Event, Kernel, sleep, spawn_named, timeout_after};
    use std::rc::Rc;
    use std::time::Duration;

    #[test]
    #[ignore = "run by the others"]
    fn three_tasks() {
        Kernel::builder().virtual_clock(true).run(async {
            let event = Rc::new(Event::new());
            let waits = Rc::clone(&event);
            let waiter = spawn_named("waiter", async move { waits.wait().await });
            let sleeper = spawn_named("sleeper", async move {
                sleep(Duration::from_millis(300)).await;
                event.set();
                std::thread::sleep(Duration::from_millis(20));
                let _ = timeout_after(Duration::from_secs(1), sleep(Duration::from_millis(1))).await;
            });
            waiter.join().await.unwrap();
            sleeper.join().await.unwrap();
        });
        println!("part: came to its end");
    }
}

fn part(environment: &[(&str, &str)], input: &str) -> (Output, Duration) {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "--ignored", "--nocapture", "parts::three_tasks"]);
    program.envs(environment.iter().copied());
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut running = program.spawn().unwrap();
    // It may have ended before it has read all.
    let _ = running.stdin.take().unwrap().write_all(input.as_bytes());
    let output = running.wait_with_output().unwrap();
    let took = start.elapsed();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("part: came to its end"), "{output:?}");
    (output, took)
}

fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().filter(|line| line.starts_with("curio: ")).map(str::to_string).collect()
}

#[test]
fn the_numbers_of_a_program_are_printed_at_its_end() {
    let (output, _) = part(&[("CURIO_STATS", "1")], "");
    let lines = said(&output);
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert_eq!(lines[0], "curio: tasks: 3, at most 3 alive and 2 ready at the same time");
    let longest = lines[1].strip_prefix("curio: polls: 8, the longest ").unwrap_or(&lines[1]);
    let (time, place) = longest.split_once("ms: ").unwrap_or(("", longest));
    assert!(time.parse::<f64>().is_ok_and(|milliseconds| milliseconds >= 20.0), "{}", lines[1]);
    assert!(place.starts_with("task 3 `sleeper`, which went on at runtime/tests/watching.rs:23:"), "{place}");
    assert_eq!(lines[2], "curio: wakes: 8: 3 by a spawn, 3 by a task, 2 by a timer");
    assert_eq!(lines[3], "curio: timers: 3 set, 2 fired, 1 cancelled");
    assert!(
        lines[4].starts_with("curio: system calls: ") && lines[4].ends_with(" for events, 0 on sockets"),
        "{}",
        lines[4]
    );
}

#[test]
fn a_program_goes_on_by_one_poll_for_each_line() {
    let (output, _) = part(&[("CURIO_STEP", "1")], "\n\n\nc\n");
    let lines = said(&output);
    let stops: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("curio: ready: ")).collect();
    assert_eq!(
        stops,
        [
            "task 1 `main`, woken by its spawn",
            "task 2 `waiter`, woken by its spawn; task 3 `sleeper`, woken by its spawn",
            "task 3 `sleeper`, woken by its spawn",
            "task 3 `sleeper`, woken by a timer",
        ]
    );
    let (output, _) = part(&[("CURIO_STEP", "1")], "");
    let stops = said(&output).iter().filter(|line| line.starts_with("curio: ready")).count();
    assert_eq!(stops, 1, "at the end of the input it goes on");
}

#[test]
fn virtual_time_passes_at_a_rate_that_one_can_watch() {
    let (_, took) = part(&[("CURIO_SLOW", "1")], "");
    assert!(took >= Duration::from_millis(300), "{took:?}");
    let (output, _) = part(&[("CURIO_SLOW", "0.5"), ("CURIO_DEBUG", "schedtrace")], "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("[t=0.300s] #3 sleeper  WAKE       by a timer due at t=0.300s"), "{text}");
}

#[test]
fn nonsense_in_the_environment_is_reported_and_has_no_effect() {
    let nonsense =
        [("CURIO_STATS", "yes"), ("CURIO_STEP", "2"), ("CURIO_SLOW", "-1"), ("CURIO_DEBUG", "all")];
    let (output, _) = part(&nonsense, "");
    let lines = said(&output);
    for (variable, value) in &nonsense[..3] {
        let start = format!("curio: {variable} is `{value}`, and has no effect; ");
        assert_eq!(lines.iter().filter(|line| line.starts_with(&start)).count(), 1, "{lines:#?}");
    }
    assert!(lines.iter().any(|line| line.contains("CURIO_DEBUG does not know `all`")), "{lines:#?}");
    assert_eq!(lines.len(), 4, "{lines:#?}");
}
