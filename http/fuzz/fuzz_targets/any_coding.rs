//! A compressed body is the same in any pieces.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_support::a_coded_body_is_decoded_or_refused(bytes));
