//! Of two responses back to back, the first takes exactly its own bytes.
#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
mod h1_support;

use h1_support::properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::two_responses_back_to_back_stay_apart(bytes));
