//! Whatever a server sends, nothing panics and nothing grows without bound.
#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
mod h1_support;

use h1_support::properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::any_bytes_are_survived(bytes));
