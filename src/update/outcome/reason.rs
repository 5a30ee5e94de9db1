//! [`FailureReason`], why an update failed.

use crate::rpc::{CallError, RemoteError};
use crate::update::read_state_error::{OtherDevice, ReadStateError};

/// Why an update failed: the error of the device or of a call, or what otactl observed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FailureReason {
    /// What otactl observed.
    #[error("{0}")]
    Observed(String),
    /// The device replied with an error.
    #[error("{0}")]
    Device(RemoteError),
    /// A call failed.
    #[error(transparent)]
    Call(ReadStateError),
    /// Another device answers at the address of the device.
    #[error(transparent)]
    OtherDevice(OtherDevice),
    /// The text says what otactl was doing, or what had happened before.
    #[error("{text}")]
    Explained {
        /// The whole text, which contains that of the reason.
        text: String,
        /// The reason without the explanation.
        #[source]
        reason: Box<FailureReason>,
    },
}

impl FailureReason {
    /// Returns the device's own error, if it replied with one.
    #[must_use]
    pub fn remote_error(&self) -> Option<&RemoteError> {
        match self {
            Self::Observed(_) | Self::OtherDevice(_) => None,
            Self::Device(error) => Some(error),
            Self::Call(error) => error.remote_error(),
            Self::Explained { reason, .. } => reason.remote_error(),
        }
    }

    /// Explains the reason with a text that contains it.
    #[must_use]
    pub fn explained(self, text: String) -> Self {
        Self::Explained { text, reason: Box::new(self) }
    }

    /// Adds the error of a call to what had happened before it.
    #[must_use]
    pub fn then(before: impl std::fmt::Display, error: ReadStateError) -> Self {
        let text = format!("{before}; then: {error}");
        Self::from(error).explained(text)
    }
}

impl From<String> for FailureReason {
    fn from(text: String) -> Self {
        Self::Observed(text)
    }
}

impl From<&str> for FailureReason {
    fn from(text: &str) -> Self {
        Self::Observed(text.into())
    }
}

impl From<RemoteError> for FailureReason {
    fn from(error: RemoteError) -> Self {
        Self::Device(error)
    }
}

impl From<ReadStateError> for FailureReason {
    fn from(error: ReadStateError) -> Self {
        Self::Call(error)
    }
}

impl From<OtherDevice> for FailureReason {
    fn from(other: OtherDevice) -> Self {
        Self::OtherDevice(other)
    }
}

impl From<CallError> for FailureReason {
    fn from(error: CallError) -> Self {
        Self::Call(error.into())
    }
}
