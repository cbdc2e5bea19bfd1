//! The monitor and its client as programs: one that hangs, and the answer from another terminal.
#![forbid(unsafe_code)]

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use curio_support::{Failure, Running, example};

/// Types `lines` into a client of the monitor at `address`, and returns what it prints.
fn typed(address: &str, lines: &str) -> Result<String, Failure> {
    let mut client = Command::new(example("monitor_client")?);
    client.arg(address).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = client.spawn()?;
    let mut input = client.stdin.take().ok_or("the client has an input")?;
    input.write_all(lines.as_bytes())?;
    drop(input);
    let output = client.wait_with_output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn a_program_that_hangs_says_why_from_another_terminal() -> Result<(), Failure> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut stuck = Command::new(example("stuck")?);
    stuck.env("CURIO_MONITOR", &address).stdout(Stdio::null());
    let _stuck = Running(stuck.spawn()?);
    // The client waits for the program to listen. The program is stuck a moment after that.
    let until = Instant::now() + Duration::from_secs(20);
    let printed = loop {
        let printed = typed(&address, "why 1\n")?;
        if printed.contains("READ_WAIT") {
            break printed;
        }
        assert!(Instant::now() < until, "{printed}");
    };
    let why: Vec<&str> = printed.lines().skip_while(|line| !line.contains("task 1 `main`")).collect();
    assert!(why[0].contains(" waits: LOCK_ACQUIRE at examples/stuck.rs:"), "{printed}");
    assert!(why[0].contains(", held by task 2 since examples/stuck.rs:"), "{printed}");
    assert!(why[1].starts_with("  task 2 `refresher` waits: READ_WAIT at examples/stuck.rs:"), "{printed}");
    assert!(why[1].contains(", socket 127.0.0.1:") && why[1].contains("), read, "), "{printed}");
    assert!(why[1].contains(", in asking for news at examples/stuck.rs:"), "{printed}");
    assert_eq!(
        why[2],
        "    that is outside of this program: a peer, another process or the operating system has to act"
    );
    let watched = typed(&address, "watch\n\nhelp\n")?;
    assert!(watched.contains("\u{1b}[?1049h") && watched.contains("\u{1b}[?1049l"), "{watched}");
    Ok(())
}
