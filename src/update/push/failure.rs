//! Why a push did not bring the firmware to the device.

use std::time::Duration;

use super::abort::Aborted;
use crate::rpc::CallError;
use crate::text::for_humans;

/// The device did not get the firmware, or was not heard to have got all of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason} ({acknowledged} of {total} bytes were acknowledged)")]
pub struct PushFailure {
    /// Why.
    pub reason: Reason,
    /// Bytes that the device has acknowledged.
    pub acknowledged: u64,
    /// Bytes of the bundle.
    pub total: u64,
    /// Result of cancelling the push. A push that was not cancelled blocks other updates until its timeout or a reboot.
    pub aborted: Aborted,
}

/// Why a device did not get the firmware.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Reason {
    /// It does not have the methods.
    #[error("the device cannot be sent a firmware: it has no OTA.Begin and OTA.Write")]
    Unsupported,
    /// It did not begin, and nothing has changed on it.
    #[error("the update could not begin: {0}")]
    NotBegun(CallError),
    /// It did not like what it was sent.
    #[error(transparent)]
    Refused(CallError),
    /// It has acknowledged too little by the end of the limit.
    #[error("it was not done within {}", for_humans(*.after))]
    TooSlow {
        /// The limit.
        after: Duration,
    },
    /// What it had is gone.
    #[error("the device has restarted during the download")]
    Restarted,
    /// An update runs on it: of another client, or of an earlier otactl whose request came late.
    #[error("the update could not begin, since another one runs: {0}")]
    Busy(CallError),
    /// It has the firmware of another client.
    #[error("the device has other firmware meanwhile")]
    OtherFirmware,
    /// It acknowledges nothing, and cannot be reached.
    #[error("the device has not been heard of for {}: {last}", for_humans(*.after))]
    Gone {
        /// How long it was waited for.
        after: Duration,
        /// What was heard last.
        last: String,
    },
    /// It can be reached, but acknowledges nothing.
    #[error("the device answers, but has stopped acknowledging what it is sent: {0}")]
    Stuck(String),
    /// It could not be asked.
    #[error(transparent)]
    Call(CallError),
}
