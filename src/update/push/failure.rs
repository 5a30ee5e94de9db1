//! Why a push did not bring the firmware to the device.

use std::time::Duration;

use super::abort::Aborted;
use crate::rpc::CallError;
use crate::text::for_humans;
use crate::update::outcome::FailureReason;

/// A failed push: the device did not get the firmware, or did not confirm all of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason} ({acknowledged} of {total} bytes were acknowledged)")]
#[non_exhaustive]
pub struct PushFailure {
    /// Why the push failed.
    #[source]
    pub reason: Reason,
    /// Bytes that the device has acknowledged.
    pub acknowledged: u64,
    /// The size of the bundle, in bytes.
    pub total: u64,
    /// Result of cancelling the push. A push that was not cancelled blocks other updates until its timeout or a reboot.
    pub aborted: Aborted,
}

/// Why a device did not get the firmware.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The device does not have the methods.
    #[error("the device cannot be sent a firmware: it has no OTA.Begin and OTA.Write")]
    Unsupported,
    /// The device did not begin, and nothing has changed on it.
    #[error("the update could not begin: {0}")]
    NotBegun(#[source] CallError),
    /// The device refused a piece, or the end.
    #[error(transparent)]
    Refused(CallError),
    /// The device had not acknowledged every byte when the time limit ended.
    #[error("it was not done within {}", for_humans(*.after))]
    TooSlow {
        /// The time limit.
        after: Duration,
    },
    /// The device rebooted, and lost the pieces that it had.
    #[error("the device has restarted during the download")]
    Restarted,
    /// Another update runs on the device: of another client, or of an earlier otactl whose request came late.
    #[error("the update could not begin, since another one runs: {0}")]
    Busy(#[source] CallError),
    /// The device has the firmware of another client.
    #[error("the device has other firmware meanwhile")]
    OtherFirmware,
    /// The device acknowledges nothing, and cannot be reached.
    #[error("the device has not been heard of for {}: {last}", for_humans(*.after))]
    Gone {
        /// The time since the last acknowledgement.
        after: Duration,
        /// The last error.
        last: String,
    },
    /// The device can be reached, but acknowledges nothing.
    #[error("the device answers, but has stopped acknowledging what it is sent: {0}")]
    Stuck(String),
    /// A call failed.
    #[error(transparent)]
    Call(CallError),
}

impl From<Reason> for FailureReason {
    fn from(reason: Reason) -> Self {
        let text = reason.to_string();
        match reason {
            Reason::NotBegun(error) | Reason::Refused(error) | Reason::Busy(error) | Reason::Call(error) => {
                Self::Explained { text, error: error.into() }
            }
            _ => Self::Observed(text),
        }
    }
}
