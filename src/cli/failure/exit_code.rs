//! The kinds of failure and their exit codes.

use otactl::rpc::CallErrorKind;
use otactl::update::outcome::UpdateFailureKind;

/// The kind of a failure. A script tells the kinds apart by the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    Other,
    Usage,
    Unreachable,
    Device,
    TimedOut,
    Unauthorised,
    Refused,
    NotUpdated,
    /// Some of several devices failed, or all of them in different ways.
    SomeDevices,
    Interrupted,
}

/// The exit codes and their meanings, for the manual and the README.
pub(crate) const EXIT_CODES: [(u8, &str); 11] = [
    (0, "done; also: already up to date"),
    (1, "any other failure"),
    (2, "the command line is wrong"),
    (3, "the device cannot be reached, or the connection broke"),
    (4, "the device answered with an error"),
    (5, "a time limit was exceeded"),
    (6, "the device requires other credentials"),
    (7, "refused before anything on the device was touched"),
    (8, "the firmware was not installed or is unhealthy, or the device rolled back"),
    (9, "some of several devices failed"),
    (130, "interrupted"),
];

impl From<CallErrorKind> for FailureKind {
    fn from(kind: CallErrorKind) -> Self {
        match kind {
            CallErrorKind::Unreachable => Self::Unreachable,
            CallErrorKind::TimedOut => Self::TimedOut,
            CallErrorKind::Unauthorised => Self::Unauthorised,
            CallErrorKind::Remote => Self::Device,
            CallErrorKind::UnusableReply => Self::Other,
            CallErrorKind::InvalidRequest => Self::Usage,
        }
    }
}

impl From<UpdateFailureKind> for FailureKind {
    fn from(kind: UpdateFailureKind) -> Self {
        match kind {
            UpdateFailureKind::Call(kind) => kind.into(),
            UpdateFailureKind::InvalidPlan => Self::Usage,
            UpdateFailureKind::Refused => Self::Refused,
            UpdateFailureKind::NotUpdated => Self::NotUpdated,
            UpdateFailureKind::TimedOut => Self::TimedOut,
            UpdateFailureKind::Unauthorised => Self::Unauthorised,
        }
    }
}

impl FailureKind {
    /// Returns the exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Device => 4,
            Self::TimedOut => 5,
            Self::Unauthorised => 6,
            Self::Refused => 7,
            Self::NotUpdated => 8,
            Self::SomeDevices => 9,
            Self::Interrupted => 130,
        }
    }
}
