//! Faults of the simulated device: what can go wrong, and when it does.
//!
//! - [`Fault`] is one fault with its values; `definition` lists them all;
//! - [`KINDS`] names the kinds of fault for the command line, `value` reads their values, and `text` reads and prints a
//!   whole fault;
//! - [`script`] decides when the faults of one device are triggered, and [`effects`] describes what they do.

mod definition;
pub mod effects;
mod kinds;
pub mod script;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use definition::Fault;
pub use kinds::{FaultKind, KINDS};
pub use text::FaultError;
