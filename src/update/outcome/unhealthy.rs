//! Why a firmware that runs is not to stay, and what became of it.

use std::fmt;
use std::time::Duration;

use crate::bundle::manifest::Build;
use crate::update::device_state::Running;

/// Why a firmware that runs is not to stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unhealthy {
    /// It is another one.
    #[error("is not the wanted {wanted}")]
    WrongBuild {
        /// What was wanted.
        wanted: Build,
    },
    /// It does not pass one of the user's checks.
    #[error("does not pass the check `{check}`: {reason}")]
    Check {
        /// What the check is called, fit to be shown.
        check: String,
        /// Why.
        reason: String,
        /// The last lines that a program wrote; bounded, and fit to be shown.
        output: Vec<String>,
    },
    /// otactl could not carry out a check, or could not ask the device after the checks. That says nothing of the firmware.
    #[error("could not be checked{}: {reason}", .check.as_ref().map(|check| format!(" by `{check}`")).unwrap_or_default())]
    NotChecked {
        /// What the check is called, fit to be shown; `None`: after the checks.
        check: Option<String>,
        /// Why otactl could not.
        reason: String,
    },
    /// It has passed the checks, and was not heard of since.
    #[error("does not answer any more: {reason}")]
    Silent {
        /// The last that was seen.
        reason: String,
    },
}

/// What was made of a firmware that is not to stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertResult {
    /// It is committed already, so that there is nothing to go back from.
    Committed,
    /// The device was told to go back, and runs this.
    Reverted(Running),
    /// The device was told to go back, and did not, or was not seen to.
    NotReverted {
        /// Why.
        reason: String,
        /// When it goes back by itself, if it will.
        reverts_in: Option<Duration>,
    },
    /// It was left as it is, on request or since it could not be checked.
    Left {
        /// When it goes back by itself, if it will.
        reverts_in: Option<Duration>,
    },
}

impl fmt::Display for RevertResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => write!(f, "it is committed already, and stays"),
            Self::Reverted(old) => write!(f, "the device was told to go back, and runs {old}"),
            Self::NotReverted { reason, .. } => {
                write!(f, "the device was to go back, but was not seen to: {reason}")
            }
            Self::Left { .. } => write!(f, "it was left as it is"),
        }
    }
}
