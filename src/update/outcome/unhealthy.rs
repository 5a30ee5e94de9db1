//! Reasons for which a running firmware is not committed, and the result of its revert.

use std::fmt;
use std::time::Duration;

use super::reason::FailureReason;
use crate::bundle::manifest::Build;
use crate::update::device_state::Running;

/// The reason for which otactl does not commit a running firmware.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unhealthy {
    /// Another build runs.
    #[error("is not the wanted {wanted}")]
    WrongBuild {
        /// The wanted build.
        wanted: Build,
    },
    /// The firmware failed one of the user's checks.
    #[error("does not pass the check `{check}`: {reason}")]
    Check {
        /// The name of the check, safe to print.
        check: String,
        /// Why the check failed.
        reason: String,
        /// The last lines that the program wrote, bounded and safe to print.
        output: Vec<String>,
    },
    /// otactl could not run a check, or could not call the device after the checks. This says nothing about the firmware.
    #[error("could not be checked{}: {reason}", .check.as_ref().map(|check| format!(" by `{check}`")).unwrap_or_default())]
    NotChecked {
        /// The name of the check, safe to print. `None`: the call after the checks.
        check: Option<String>,
        /// Why otactl could not check.
        #[source]
        reason: FailureReason,
    },
    /// The firmware passed the checks, but the device has not answered since then.
    #[error("does not answer any more: {reason}")]
    Silent {
        /// The last error.
        #[source]
        reason: FailureReason,
    },
}

/// The result of reverting a firmware that otactl does not commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevertResult {
    /// The firmware is already committed, so it cannot be reverted.
    Committed,
    /// otactl called `OTA.Revert`, and the device runs this firmware now.
    Reverted(Running),
    /// The revert failed, or its result is unknown.
    NotReverted {
        /// Why the revert failed.
        reason: FailureReason,
        /// The time until the device rolls back by itself, if it will.
        reverts_in: Option<Duration>,
    },
    /// otactl left the firmware as it is, as requested or because it could not be checked.
    Left {
        /// The time until the device rolls back by itself, if it will.
        reverts_in: Option<Duration>,
    },
}

impl fmt::Display for RevertResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => write!(f, "it is committed already, and stays"),
            Self::Reverted(old) => write!(f, "the device was told to revert, and runs {old}"),
            Self::NotReverted { reason, .. } => {
                write!(f, "the revert is not confirmed: {reason}")
            }
            Self::Left { .. } => write!(f, "it was left as it is"),
        }
    }
}
