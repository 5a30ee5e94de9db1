//! See tests/properties/framing.rs.

#![no_main]

#[path = "../../tests/properties/framing.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
