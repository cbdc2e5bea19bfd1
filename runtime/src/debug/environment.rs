//! `CURIO_DEBUG`, `CURIO_TRACE`, `CURIO_MONITOR`, `CURIO_STATS`, `CURIO_STEP`, `CURIO_SLOW`: looking into any
//! program without compiling it again. What has no effect is reported on standard error.

use super::activation::Activation;
use super::{Timeline, logcrash, longblock, monitor, schedtrace, stats, step, traptrace};
use crate::debug::standard_error::write_line;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What counts as long for `CURIO_DEBUG=longblock`: Curio's default.
const LONG: Duration = Duration::from_millis(50);

/// The activations that the environment asks for.
pub(crate) fn from_environment() -> Vec<Box<dyn Activation>> {
    let mut activations = traces();
    activations.extend(timeline());
    if is_on("CURIO_STATS") {
        activations.push(Box::new(stats()));
    }
    if is_on("CURIO_STEP") {
        activations.push(Box::new(step()));
    }
    activations
}

/// Whether a variable is `1`. Other values than that and `0` are reported.
fn is_on(variable: &str) -> bool {
    let value = std::env::var_os(variable).unwrap_or_default();
    match value.to_str() {
        Some("1") => return true,
        Some("" | "0") => {}
        _ => write_line(&format!(
            "curio: {variable} is `{}`, and has no effect; 1 switches it on",
            value.display()
        )),
    }
    false
}

/// `CURIO_SLOW`: how many virtual seconds pass in a real one. What is no such number is reported.
pub(crate) fn rate_from_environment() -> Option<f64> {
    let text = std::env::var_os("CURIO_SLOW").filter(|text| !text.is_empty())?;
    let rate = text.to_str().and_then(|text| text.parse().ok());
    let rate = rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    if rate.is_none() {
        write_line(&format!(
            "curio: CURIO_SLOW is `{}`, and has no effect; it is the number of virtual seconds in a real one, such as 1 or 0.5",
            text.display()
        ));
    }
    rate
}

/// `CURIO_TRACE`. A file that cannot be written is reported, and the program runs without a picture.
fn timeline() -> Option<Box<dyn Activation>> {
    /// How many kernels there were.
    static KERNELS: AtomicUsize = AtomicUsize::new(0);
    let path = std::env::var_os("CURIO_TRACE").filter(|path| !path.is_empty())?;
    let path = numbered(Path::new(&path), KERNELS.fetch_add(1, Ordering::Relaxed));
    match Timeline::to_file(&path) {
        Ok(timeline) => Some(Box::new(timeline)),
        Err(error) => {
            write_line(&format!("curio: CURIO_TRACE has no effect: {error}"));
            None
        }
    }
}

/// `run.html` for the first kernel, then `run-2.html` and so on.
fn numbered(path: &Path, before: usize) -> PathBuf {
    if before == 0 {
        return path.to_path_buf();
    }
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{}", before + 1));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// `CURIO_DEBUG`. An unknown name is reported, and the others are used.
fn traces() -> Vec<Box<dyn Activation>> {
    let Some(words) = std::env::var_os("CURIO_DEBUG") else { return Vec::new() };
    let words = words.to_string_lossy();
    let known = |word: &str| -> Option<Box<dyn Activation>> {
        match word {
            "schedtrace" => Some(Box::new(schedtrace())),
            "traptrace" => Some(Box::new(traptrace())),
            "logcrash" => Some(Box::new(logcrash())),
            "longblock" => Some(Box::new(longblock(LONG))),
            unknown => {
                write_line(&format!(
                    "curio: CURIO_DEBUG does not know `{unknown}`; it knows schedtrace, traptrace, logcrash, longblock"
                ));
                None
            }
        }
    };
    words.split(',').map(str::trim).filter(|word| !word.is_empty()).filter_map(known).collect()
}

/// `CURIO_MONITOR`: `1` or an address. One that cannot be used is reported, and the program runs without a monitor: of several
/// kernels of a process, the first gets it.
pub(crate) fn monitor_from_environment() -> Option<TcpListener> {
    let value = std::env::var_os("CURIO_MONITOR").filter(|value| !value.is_empty() && *value != "0")?;
    let value = value.to_string_lossy();
    match monitor::listen(if value == "1" { monitor::DEFAULT_ADDRESS } else { &value }) {
        Ok(listener) => Some(listener),
        Err(error) => {
            write_line(&format!("curio: CURIO_MONITOR is `{value}`, and has no effect: {error}"));
            None
        }
    }
}
