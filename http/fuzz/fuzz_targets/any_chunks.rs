//! Chunks end where the grammar says, or not at all.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_support::chunks_are_what_the_grammar_says(bytes));
