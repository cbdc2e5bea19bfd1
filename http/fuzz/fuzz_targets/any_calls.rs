//! No order of calls panics, and an error is final.
#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
mod h1_support;

use h1_support::properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::any_order_of_calls_is_survived(bytes));
