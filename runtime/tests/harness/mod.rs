//! A harness for programs whose tests need the whole process, and its main thread, for themselves: the usual one runs
//! each test on a thread of its own. It knows as much of the command line as `cargo test` and `cargo nextest` use.

use std::panic::catch_unwind;
use std::process::ExitCode;

/// Runs the tests that the command line asks for, one after the other on this thread, each after `prepare`.
pub(crate) fn run(tests: &[(&str, fn())], prepare: fn()) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--ignored") {
        return ExitCode::SUCCESS;
    }
    // What is not a flag is a filter; the one flag that comes with a value is `--format terse`, for lists.
    let filters: Vec<&String> =
        arguments.iter().filter(|word| !word.starts_with('-') && *word != "terse").collect();
    let fits = |name: &str| {
        filters.iter().any(|filter| if has("--exact") { name == *filter } else { name.contains(*filter) })
    };
    let mut failed = 0;
    for (name, test) in tests.iter().filter(|(name, _)| filters.is_empty() || fits(name)) {
        if has("--list") {
            println!("{name}: test");
        } else {
            prepare();
            // Its panic has been written by the time it gets here.
            let passed = catch_unwind(test).is_ok();
            println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
            failed += u32::from(!passed);
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
