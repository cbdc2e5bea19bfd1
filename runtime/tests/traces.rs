//! The traces as exact text, on the virtual clock.
//!
//! Each is made by this program, started again with one of the parts below to run.

use std::process::Command;

/// Not tests: what the others run in a process of its own.
mod parts {
    use curio::debug::{region, schedtrace, traptrace};
    use curio::{Event, Kernel, TaskGroup, sleep, spawn_named};
    use std::rc::Rc;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    #[ignore = "run by the others"]
    fn two_tasks() {
        let program = async {
            let ready = Rc::new(Event::new());
            let waits = Rc::clone(&ready);
            let waiter = spawn_named("waiter", async move { waits.wait().await });
            let setter = spawn_named("setter", async move {
                region("thinking", sleep(2 * SECOND)).await;
                ready.set();
            });
            let idler = spawn_named("idler", sleep(9 * SECOND));
            waiter.join().await.unwrap();
            setter.join().await.unwrap();
            idler.cancel().await;
        };
        let kernel = Kernel::builder().virtual_clock(true);
        // Curio's example has both.
        kernel.activation(schedtrace()).activation(traptrace()).run(program);
    }

    #[test]
    #[ignore = "run by the others"]
    fn only_waits() {
        let kernel = Kernel::builder().virtual_clock(true).activation(traptrace());
        kernel.run(async {
            let group = TaskGroup::new();
            group.spawn(sleep(SECOND));
            group.join().await.unwrap();
        });
    }
}

/// What it writes to standard error, with the lines of this file as `line n`, counted from the line `from` on.
fn trace_of(part: &str, from: u32) -> Vec<String> {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "--ignored", "--nocapture", &format!("parts::{part}")]);
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("[t="));
    lines.map(|line| shorten(line, from)).collect()
}

/// `TIME_SLEEP at tests/traces.rs:28:42` to `TIME_SLEEP at line 3`.
fn shorten(line: &str, from: u32) -> String {
    let mut short = String::new();
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let place: Vec<&str> = word.rsplitn(3, ':').collect();
        match place[..] {
            [column, line, file] if file.ends_with("traces.rs") => {
                let number: u32 = line.parse().unwrap();
                short.push_str(&format!("line {}", number - from));
                short.push_str(column.trim_start_matches(|digit: char| digit.is_ascii_digit()));
            }
            _ => short.push_str(word),
        }
        if words.peek().is_some() {
            short.push(' ');
        }
    }
    short
}

#[test]
fn each_event_is_one_line_with_its_time_task_cause_and_source_line() {
    let expected = "\
[t=0.000s] #1 main  CREATE     at line 16
[t=0.000s] #1 main  WAKE       by its spawn
[t=0.000s] #1 main  RUN        cycle 1
[t=0.000s] #2 waiter  CREATE     by #1 at line 4
[t=0.000s] #2 waiter  WAKE       by its spawn
[t=0.000s] #3 setter  CREATE     by #1 at line 5
[t=0.000s] #3 setter  WAKE       by its spawn
[t=0.000s] #4 idler  CREATE     by #1 at line 9
[t=0.000s] #4 idler  WAKE       by its spawn
[t=0.000s] #1 main  SUSPEND    TASK_JOIN at line 10
[t=0.000s] #2 waiter  RUN        cycle 1
[t=0.000s] #2 waiter  SUSPEND    EVENT_WAIT at line 4
[t=0.000s] #3 setter  RUN        cycle 1
[t=0.000s] #3 setter  ENTER      thinking at line 6
[t=0.000s] #3 setter  SUSPEND    TIME_SLEEP at line 6, in thinking at line 6
[t=0.000s] #4 idler  RUN        cycle 1
[t=0.000s] #4 idler  SUSPEND    TIME_SLEEP at line 9
[t=0.000s] IDLE
[t=2.000s] #3 setter  WAKE       by a timer due at t=2.000s
[t=2.000s] #3 setter  RUN        cycle 2
[t=2.000s] #3 setter  LEAVE      thinking
[t=2.000s] #2 waiter  WAKE       by #3
[t=2.000s] #3 setter  END        TERMINATED
[t=2.000s] #2 waiter  RUN        cycle 2
[t=2.000s] #2 waiter  END        TERMINATED
[t=2.000s] #1 main  WAKE       by #2
[t=2.000s] #1 main  RUN        cycle 2
[t=2.000s] #4 idler  CANCEL     requested by #1
[t=2.000s] #4 idler  WAKE       by a request to cancel it, from #1
[t=2.000s] #1 main  SUSPEND    TASK_JOIN at line 12
[t=2.000s] #4 idler  RUN        cycle 2
[t=2.000s] #4 idler  END        CANCELLED
[t=2.000s] #1 main  WAKE       by #4
[t=2.000s] #1 main  RUN        cycle 3
[t=2.000s] #1 main  END        TERMINATED
[t=2.000s] EXIT";
    assert_eq!(trace_of("two_tasks", 18).join("\n"), expected);
}

#[test]
fn traptrace_alone_prints_the_waits() {
    let expected = "\
[t=0.000s] #1 main  SUSPEND    TASK_JOIN at line 4
[t=0.000s] #2 Sleep  SUSPEND    TIME_SLEEP at line 3";
    assert_eq!(trace_of("only_waits", 40).join("\n"), expected);
}

#[test]
fn a_program_can_take_the_lines_and_both_it_and_standard_error_get_each_once() {
    use std::{cell::RefCell, rc::Rc};
    let lines = Rc::new(RefCell::new([const { Vec::new() }; 2]));
    let sink = |number: usize| {
        let lines = Rc::clone(&lines);
        curio::debug::schedtrace().on_line(move |line| lines.borrow_mut()[number].push(line.to_owned()))
    };
    let kernel = curio::Kernel::builder().virtual_clock(true).activation(sink(0)).activation(sink(1));
    kernel.run(curio::sleep(std::time::Duration::from_secs(1)));
    let [first, second] = lines.take();
    assert_eq!(first, second);
    assert_eq!(first[1], "[t=0.000s] #1 main  WAKE       by its spawn");
    assert_eq!(first.last().unwrap(), "[t=1.000s] EXIT");
}
