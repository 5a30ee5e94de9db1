//! Why the state of a device could not be read.

use std::time::Duration;

use crate::rpc::{CallError, CallErrorKind, RemoteError};
use crate::text::device_text;

/// Why the state of a device could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadStateError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The device rebooted during each attempt.
    #[error("lost the connection to the device: it keeps rebooting while it is asked what it runs")]
    KeepsRebooting,
    /// Another device answered.
    #[error("lost the connection to the device: {0}")]
    OtherDevice(OtherDevice),
}

/// Another device answers at the address of the device, which the network may have given to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another device answers in its place: {}", device_text(.id))]
pub struct OtherDevice {
    /// The id of the device that answers.
    pub id: String,
}

impl ReadStateError {
    /// Returns the kind of the error. A device that keeps rebooting, or that another device replaced, is unreachable.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.call().map_or(CallErrorKind::Unreachable, CallError::kind)
    }

    /// Returns the error of the call, if a call failed.
    #[must_use]
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::Call(error) => Some(error),
            Self::KeepsRebooting | Self::OtherDevice(_) => None,
        }
    }

    /// Returns the device's own error, if it answered with one.
    #[must_use]
    pub fn remote_error(&self) -> Option<&RemoteError> {
        self.call()?.remote_error()
    }

    /// Tells whether a call failed because its time ran out without an answer.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        self.call().is_some_and(CallError::is_silence)
    }

    /// Tells whether the state may be read a moment later: see [`CallError::is_transient`]. True as well if the device reboots, or if
    /// another device answers.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.call().is_none_or(CallError::is_transient)
    }

    /// Sets the duration of a timeout to `whole`: see [`CallError::with_elapsed`].
    #[must_use]
    pub fn with_elapsed(self, whole: Duration) -> Self {
        match self {
            Self::Call(error) => Self::Call(error.with_elapsed(whole)),
            other => other,
        }
    }
}
