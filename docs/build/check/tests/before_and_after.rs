//! The test of each step fails with the library of the step before it, and compiles with that of its own.
//!
//! Cargo has built the libraries beside this test. `rustc` type-checks the test of step N twice, with one library and with
//! the other, under the name that the test imports; no code is generated.

use build_check::{Step, steps};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

/// The compiler that cargo uses, or the one on the path. `None` where there is none.
fn rustc() -> Option<PathBuf> {
    let name = format!("rustc{}", env::consts::EXE_SUFFIX);
    let beside_cargo = env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name(&name));
    let found = [env::var_os("RUSTC").map(PathBuf::from), beside_cargo, Some(PathBuf::from(&name))];
    let answers =
        |rustc: &PathBuf| Command::new(rustc).arg("--version").output().is_ok_and(|ran| ran.status.success());
    found.into_iter().flatten().find(answers)
}

/// Where cargo has put this test, and the libraries.
fn libraries() -> PathBuf {
    env::current_exe().unwrap().parent().expect("a test is in a folder").to_path_buf()
}

/// The library of a step; the newest, if there are several.
fn library(step: &Step) -> PathBuf {
    let prefix = format!("libbuild_step{}-", step.number);
    let built = |path: &PathBuf| {
        fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(".rlib")
    };
    let files = fs::read_dir(libraries()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(is_library).max_by_key(built).unwrap_or_else(|| panic!("cargo has built no {prefix}….rlib"))
}

fn test_file(step: &Step) -> PathBuf {
    step.folder.join("tests").join(format!("step{}.rs", step.number))
}

/// Type-checks the test of one step with the library of another.
fn check(rustc: &Path, test: &Step, with: &Step) -> Output {
    let output = env::temp_dir().join(format!(
        "build-check-{}-{}-{}.rmeta",
        std::process::id(),
        test.number,
        with.number
    ));
    let of = |option: &str, value: &Path| {
        let mut word = OsString::from(option);
        word.push(value);
        word
    };
    let ran = Command::new(rustc)
        .args(["--test", "--edition=2024", "--emit=metadata", "--crate-name", "before_and_after"])
        .arg("--extern")
        .arg(of(&format!("build_step{}=", test.number), &library(with)))
        .arg("-L")
        .arg(of("dependency=", &libraries()))
        .arg("-o")
        .arg(&output)
        .arg(test_file(test))
        .output()
        .expect("the compiler can be started");
    let _ = fs::remove_file(output);
    ran
}

#[test]
fn the_test_of_a_step_fails_before_it_and_compiles_after_it() {
    let Some(rustc) = rustc() else {
        // Where CI runs the tests for Windows there is only what was built.
        let required = env::var_os("CURIO_TEST_PEERS").is_some_and(|value| value == "required");
        assert!(!required, "this test needs a rustc (CURIO_TEST_PEERS=required)");
        // Not `eprintln!`: the test harness hides the output of passing tests.
        writeln!(io::stderr(), "LEFT OUT, a test that needs rustc: there is none on this machine").unwrap();
        return;
    };
    for pair in steps().windows(2) {
        let [before, after] = pair else { unreachable!("windows of two") };
        let ran = check(&rustc, after, after);
        let message = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "step {} with its own library:\n{message}", after.number);
        let ran = check(&rustc, after, before);
        let message = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success(), "the test of step {} compiles without it", after.number);
        // Because something is missing, and not because the compiler has found no library.
        assert!(
            message.contains("unresolved import"),
            "step {} fails for this reason:\n{message}",
            after.number
        );
    }
}
