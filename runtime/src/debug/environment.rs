//! `CURIO_DEBUG`: traces for any program, without compiling it again. Variables that ask for what this build does not
//! have are reported on standard error.

use super::activation::Activation;
use super::{logcrash, longblock, schedtrace, traptrace};
use crate::debug::standard_error::write_line;
use std::sync::Once;
use std::time::Duration;

/// Variables that have no effect in this build, and what they ask for.
const UNSUPPORTED: [(&str, &str); 2] =
    [("CURIO_TRACE", "timeline pictures"), ("CURIO_MONITOR", "the monitor")];

/// What counts as long for `CURIO_DEBUG=longblock`: Curio's default.
const LONG: Duration = Duration::from_millis(50);

/// The activations that the environment variable names. An unknown name is reported, and the others are used.
pub(crate) fn from_environment() -> Vec<Box<dyn Activation>> {
    report_unsupported();
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

/// Once in a process, however many kernels it makes.
fn report_unsupported() {
    static REPORTED: Once = Once::new();
    REPORTED.call_once(|| {
        for (variable, feature) in UNSUPPORTED {
            if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
                write_line(&format!(
                    "curio: {variable} is set, but this build does not have {feature}; it is ignored"
                ));
            }
        }
    });
}
