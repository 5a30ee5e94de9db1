//! See tests/properties/manifest.rs.

#![no_main]

#[path = "../../tests/properties/manifest.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
