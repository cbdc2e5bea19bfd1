//! However the bytes are cut into reads, the events are the same.
#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
mod h1_support;

use h1_support::properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::the_cut_does_not_matter(bytes));
