//! Whole updates in virtual time, each from a seed.
//!
//! - [`scenario`]: what a seed stands for; [`random`]: its numbers;
//! - [`network`]: links and streams in memory;
//! - [`truth`]: what really happened to the device;
//! - [`run`]: one scenario, from the first call to the run without faults; [`invariants`]: what has to hold;
//! - [`shrink`]: a failed scenario without the faults that it does not need.

pub(crate) mod invariants;
pub(crate) mod network;
pub(crate) mod random;
pub(crate) mod record;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod shrink;
