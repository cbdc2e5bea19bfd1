//! What the compiler says about a program, in a package of its own that depends on `curio`.

use curio_support::Failure;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

/// The version whose words stand on the page.
const VERSION: &str = "rustc 1.95.";

fn rustc() -> Command {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(env!("CARGO_MANIFEST_DIR"));
    rustc
}

pub(crate) fn is_of_the_page() -> Result<bool, Failure> {
    let version = rustc().arg("--version").output()?;
    Ok(String::from_utf8(version.stdout)?.starts_with(VERSION))
}

/// The warnings and errors for `examples/zoo/NAME.rs`.
pub(crate) fn says(name: &str) -> Result<String, Failure> {
    let test = env::current_exe()?;
    let deps = test.parent().ok_or("a test is in a folder")?;
    let mut said = String::new();
    // Cargo leaves the libraries of earlier builds in place. Those of another compiler cannot be read.
    for library in libraries(deps)? {
        let mut rustc = rustc();
        rustc
            .args(["--edition=2024", "--emit=metadata", "--color=never", "--out-dir"])
            .arg(env!("CARGO_TARGET_TMPDIR"));
        rustc.arg("--extern").arg(format!("curio={}", library.display()));
        rustc.arg("-L").arg(format!("dependency={}", deps.display()));
        let output = rustc.arg(format!("examples/zoo/{name}.rs")).output()?;
        said = String::from_utf8(output.stderr)?;
        if !["error[E0514]", "error[E0460]", "error[E0463]"].iter().any(|error| said.contains(error)) {
            break;
        }
    }
    let root = format!("{}{}", env!("CARGO_MANIFEST_DIR"), std::path::MAIN_SEPARATOR);
    Ok(said.replace(&root, "").replace('\\', "/"))
}

/// `libcurio-….rlib`, the newest first.
fn libraries(deps: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(deps)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("libcurio-") && name.ends_with(".rlib") {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    let newest_first: Vec<PathBuf> = found.into_iter().rev().map(|(_, path)| path).collect();
    if newest_first.is_empty() {
        Err("the library curio is not beside this test".into())
    } else {
        Ok(newest_first)
    }
}
