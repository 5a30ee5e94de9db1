//! Simulates whole updates in virtual time, each from a seed.
//!
//! - [`scenario`]: the scenario of a seed. [`random`]: its random numbers.
//! - [`network`]: links and streams in memory.
//! - [`panics`]: the panics of tasks, each of which fails its scenario.
//! - [`record`]: what really happened to the device.
//! - [`run`]: one scenario, from the first call to the run without faults. [`invariants`]: what has to hold after it.
//! - [`shrink`]: a failed scenario without the faults that it does not need.

pub(crate) mod invariants;
pub(crate) mod network;
pub(crate) mod panics;
pub(crate) mod random;
pub(crate) mod record;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod shrink;
