//! See tests/properties/challenge.rs.

#![no_main]

#[path = "../../tests/properties/challenge.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
