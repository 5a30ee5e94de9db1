//! The ways in which an update can end.
//!
//! - [`Success`] and [`Failure`]: the outcomes; [`FailureReason`]: the error, or what otactl observed;
//! - [`refusal`]: reasons for which an update does not begin;
//! - [`unhealthy`]: reasons for which a new firmware is not committed, and the result of the revert;
//! - [`UpdateFailureKind`]: the kinds of failure, for a caller that does not need the details;
//! - [`facts`]: each outcome as data.

pub mod facts;
mod failure;
mod kind;
mod reason;
pub mod refusal;
mod success;
pub mod unhealthy;

pub use facts::Facts;
pub use failure::Failure;
pub use kind::UpdateFailureKind;
pub use reason::FailureReason;
pub use refusal::{Flaw, Refusal, SignatureGap};
pub use success::Success;
pub use unhealthy::{RevertResult, Unhealthy};
