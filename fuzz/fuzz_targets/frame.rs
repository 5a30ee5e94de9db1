//! See tests/properties/frame.rs.

#![no_main]

#[path = "../../tests/properties/frame.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
