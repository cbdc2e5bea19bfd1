//! A reference is joined to a good address or refused.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_support::a_reference_is_joined_or_refused(bytes));
