//! A response that is written out and read back is the one it was.
#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
mod h1_support;

use h1_support::properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::a_response_reads_back_as_it_was_written(bytes));
