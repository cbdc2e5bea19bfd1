//! A cookie is made of its field.
#![no_main]

#[path = "../../tests/fuzz_support/mod.rs"]
mod fuzz_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_support::a_cookie_is_made_of_its_field(bytes));
