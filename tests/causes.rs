//! Every wake in the traces of the examples says its cause, and time never goes backwards in them.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use curio_support::{Failure, run_example_with};

/// They run until they are stopped.
const SERVERS: [&str; 3] = ["httpbin", "monitor_client", "stuck"];
/// Elsewhere they only say that they need Unix.
const UNIX_ONLY: [&str; 3] = ["echo_unix", "signals", "subprocess"];

fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // The programs of the zoo, a folder, are run by a test of their own.
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let names = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()));
    let is_left_out = |name: &str| SERVERS.contains(&name) || cfg!(not(unix)) && UNIX_ONLY.contains(&name);
    names.filter(|name| !is_left_out(name)).collect()
}

/// `[t=1.004s] #3 fetch_one  WAKE       by a timer` to `(1.004, "by a timer")`; another step has no cause.
fn step(line: &str) -> Option<(f64, Option<&str>)> {
    let (time, rest) = line.strip_prefix("[t=")?.split_once("s] ")?;
    Some((time.parse().ok()?, rest.split_once("  WAKE       ").map(|(_, cause)| cause)))
}

fn check(example: &str) -> Result<(), Failure> {
    let ran = run_example_with(example, &[], &[("CURIO_DEBUG", "schedtrace,traptrace".as_ref())])?;
    let mut last = 0.0;
    let (mut steps, mut wakes) = (0, 0);
    let mut lines = BTreeSet::new();
    for line in ran.errors.lines() {
        let Some((time, cause)) = step(line) else { continue };
        assert!(time >= last, "{example}: {line}");
        (last, steps) = (time, steps + 1);
        if line.contains("  SUSPEND  ") {
            // The lines of one poll differ from those of the next by their cycle.
            lines.insert(line);
        }
        let Some(cause) = cause else { continue };
        wakes += 1;
        let told = cause.strip_prefix("by ").unwrap_or_else(|| panic!("{example}: {line}"));
        let is_known = told.starts_with('#')
            || [
                "its spawn",
                "itself",
                "a timer due",
                "a socket that",
                "thread `",
                "a thread",
                "signal ",
                "a request to",
                "the kernel, ",
            ]
            .iter()
            .any(|start| told.starts_with(start));
        assert!(is_known, "{example}: {line}");
    }
    assert!(ran.success && steps > 5 && wakes > 0 && !lines.is_empty(), "{example}: {}", ran.errors);
    Ok(())
}

#[test]
fn every_wake_in_every_example_has_a_cause() {
    let left = Mutex::new(examples());
    assert!(left.lock().unwrap().len() > 25);
    let work = || {
        loop {
            let Some(example) = left.lock().unwrap().pop() else { return };
            check(&example).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
}
