//! `CURIO_DEBUG`: traces for any program, without compiling it again.

use super::activation::Activation;
use super::{logcrash, longblock, schedtrace, traptrace};
use std::time::Duration;

/// What counts as long for `CURIO_DEBUG=longblock`: Curio's default.
const LONG: Duration = Duration::from_millis(50);

/// The activations that the environment asks for. An unknown word is reported, and the rest counts.
pub(crate) fn from_environment() -> Vec<Box<dyn Activation>> {
    let Some(words) = std::env::var_os("CURIO_DEBUG") else { return Vec::new() };
    let words = words.to_string_lossy();
    let known = |word: &str| -> Option<Box<dyn Activation>> {
        match word {
            "schedtrace" => Some(Box::new(schedtrace())),
            "traptrace" => Some(Box::new(traptrace())),
            "logcrash" => Some(Box::new(logcrash())),
            "longblock" => Some(Box::new(longblock(LONG))),
            unknown => {
                eprintln!(
                    "curio: CURIO_DEBUG does not know `{unknown}`; it knows schedtrace, traptrace, logcrash, longblock"
                );
                None
            }
        }
    };
    words.split(',').map(str::trim).filter(|word| !word.is_empty()).filter_map(known).collect()
}
