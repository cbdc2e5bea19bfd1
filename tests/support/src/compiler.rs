//! The compiler and rustdoc, run by a test on a file that uses our libraries. Cargo has built these beside the test.
//!
//! The newest build of a library counts. Builds of other compilers, which Cargo leaves in place, are passed over.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::Failure;

/// `rustc --version`.
///
/// # Errors
/// When it cannot be run.
pub fn version() -> Result<String, Failure> {
    Ok(String::from_utf8(tool("rustc").arg("--version").output()?.stdout)?)
}

/// What the compiler says of a program that uses `curio`: nothing, if it has nothing to complain about. `source` is relative to
/// `root`, and is named so; the result goes to the folder `out`.
///
/// # Errors
/// When the compiler cannot be run, or the library is not beside this test.
pub fn rustc_says(root: &Path, source: &Path, out: &Path) -> Result<String, Failure> {
    says(root, &["curio"], |libraries| {
        let mut rustc = tool("rustc");
        rustc.args(["--edition=2024", "--emit=metadata", "--color=never", "--out-dir"]).arg(out);
        rustc.args(libraries).arg(source);
        rustc
    })
}

/// What rustdoc says of the links in the documentation of a crate that uses `curio` and `curio_http`. Links that lead nowhere are
/// errors.
///
/// # Errors
/// When rustdoc cannot be run, or the libraries are not beside this test.
pub fn rustdoc_says(source: &Path, out: &Path) -> Result<String, Failure> {
    let root = source.parent().ok_or("a file is in a folder")?;
    says(root, &["curio", "curio_http"], |libraries| {
        let mut rustdoc = tool("rustdoc");
        rustdoc
            .args(["--edition=2024", "--color=never", "-D", "rustdoc::broken_intra_doc_links", "--out-dir"])
            .arg(out);
        rustdoc.args(libraries).arg(source);
        rustdoc
    })
}

fn tool(name: &str) -> Command {
    Command::new(env::var_os(name.to_uppercase()).unwrap_or_else(|| name.into()))
}

/// Runs a command with the newest builds of `libraries` that it can read.
fn says(root: &Path, libraries: &[&str], command: impl Fn(&[&OsStr]) -> Command) -> Result<String, Failure> {
    let test = env::current_exe()?;
    let deps = test.parent().ok_or("a test is in a folder")?;
    let builds = libraries.iter().map(|library| newest_first(deps, library));
    let builds: Vec<Vec<PathBuf>> = builds.collect::<Result<_, _>>()?;
    let mut said = String::new();
    for number in 0..builds.iter().map(Vec::len).min().unwrap_or_default() {
        let mut arguments = Vec::new();
        for (library, builds) in libraries.iter().zip(&builds) {
            arguments.extend(["--extern".into(), format!("{library}={}", builds[number].display())]);
        }
        arguments.extend(["-L".into(), format!("dependency={}", deps.display())]);
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let output = command(&arguments).current_dir(root).output()?;
        said = String::from_utf8(output.stderr)?;
        let of_another = ["error[E0514]", "error[E0460]", "error[E0463]"];
        if !of_another.iter().any(|error| said.contains(error)) {
            break;
        }
    }
    let root = format!("{}{}", root.display(), std::path::MAIN_SEPARATOR);
    Ok(said.replace(&root, "").replace('\\', "/"))
}

/// The builds of a library, `libNAME-….rlib`.
fn newest_first(deps: &Path, library: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(deps)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&format!("lib{library}-")) && name.ends_with(".rlib") {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(format!("the library {library} is not beside this test").into());
    }
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}
