//! The kinds of failed updates.

use super::failure::Failure;
use super::refusal::Refusal;
use crate::rpc::CallErrorKind;

/// What kind of failure ended an update. Exhaustive: a caller handles each kind, for example with an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateFailureKind {
    /// A call failed. The old firmware still runs.
    Call(CallErrorKind),
    /// The plan contradicts itself. Nothing on the device changed.
    InvalidPlan,
    /// otactl refused the update, or could not begin it. Nothing on the device changed.
    Refused,
    /// The device does not run the wanted firmware committed.
    NotUpdated,
    /// The device did not answer in time, so the result is unknown.
    TimedOut,
    /// The new firmware requires other credentials.
    Unauthorised,
}

impl Failure {
    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> UpdateFailureKind {
        match self {
            Self::Call(error) | Self::NotCopied(error) => UpdateFailureKind::Call(error.kind()),
            Self::ReadState(error) => UpdateFailureKind::Call(error.kind()),
            Self::Refused(Refusal::ChecksTooLong { .. }) => UpdateFailureKind::InvalidPlan,
            Self::Refused(_) | Self::Serve(_) | Self::Download(_) => UpdateFailureKind::Refused,
            Self::NeverFetched { .. }
            | Self::Unlicensed { .. }
            | Self::UrlUnreachable { .. }
            | Self::NotDownloaded { .. }
            | Self::DownloadFailed { .. }
            | Self::DidNotReboot(_)
            | Self::NothingNew { .. }
            | Self::RolledBack { .. }
            | Self::Unhealthy { .. }
            | Self::NotCommitted { .. }
            | Self::Replaced { .. } => UpdateFailureKind::NotUpdated,
            Self::NoResponse { .. } | Self::CommitUnseen { .. } | Self::ContactLost { .. } => {
                UpdateFailureKind::TimedOut
            }
            Self::AccessDenied { .. } => UpdateFailureKind::Unauthorised,
        }
    }
}
