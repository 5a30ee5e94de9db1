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
        #[source]
        last: FailureReason,
    },
    /// The device can be reached, but acknowledges nothing.
    #[error("the device answers, but has stopped acknowledging what it is sent: {0}")]
    Stuck(#[source] FailureReason),
    /// A call failed.
    #[error(transparent)]
    Call(CallError),
}

/// Keeps the error of the call, below the text of the reason.
impl From<Reason> for FailureReason {
    fn from(reason: Reason) -> Self {
        let text = reason.to_string();
        match reason {
            Reason::Refused(error) | Reason::Call(error) => error.into(),
            Reason::NotBegun(error) | Reason::Busy(error) => Self::from(error).explained(text),
            Reason::Gone { last: reason, .. } | Reason::Stuck(reason) => reason.explained(text),
            Reason::Unsupported | Reason::TooSlow { .. } | Reason::Restarted | Reason::OtherFirmware => text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::rpc::cause::{Cause, chain};
    use crate::rpc::{DialError, Peer};

    #[test]
    fn reason_of_a_failed_push_keeps_the_error_of_the_call() {
        let call = || CallError::Unreachable {
            peer: Peer::Device("ws://device".into()),
            cause: DialError::NoRoute,
            source: Some(Cause::new(io::Error::from(io::ErrorKind::ConnectionRefused))),
        };
        let after = Duration::from_secs(60);
        for reason in [
            Reason::NotBegun(call()),
            Reason::Refused(call()),
            Reason::Busy(call()),
            Reason::Gone { after, last: call().into() },
            Reason::Stuck(call().into()),
            Reason::Call(call()),
        ] {
            let text = reason.to_string();
            let reason = FailureReason::from(reason);
            assert_eq!(reason.to_string(), text);
            let last = chain(&reason).last().map(ToString::to_string);
            assert_eq!(last.as_deref(), Some("connection refused"), "{reason:?}");
        }
    }
}
