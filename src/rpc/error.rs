//! [`CallError`], the error of a call.
//!
//! A message describes what happened. The hint, the next step for the user, is added where the error is shown.

use std::time::Duration;

use super::cause::Cause;
use super::dial_error::{DialError, DialFailure, after_colon};
use super::frame::RemoteError;
use super::lost::LostReason;
use super::peer::Peer;
use crate::text::for_humans;

/// The error of a call that returned no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No connection was established. Nothing was sent.
    #[error("cannot reach {peer}: {cause}")]
    Unreachable {
        /// The device, or the broker in between.
        peer: Peer,
        /// Why the connection failed.
        cause: DialError,
        /// The error of the system or of a library that says so.
        source: Option<Cause>,
    },
    /// The connection broke while the call was in flight.
    #[error("lost the connection to {peer}: {reason}")]
    Lost {
        /// The device's address, without secrets.
        peer: String,
        /// Whether the request may have reached the device.
        sent: bool,
        /// Why the connection broke.
        #[source]
        reason: LostReason,
    },
    /// The peer answered, but not as the RPC service of a device. The request was sent.
    #[error("{peer} is not the RPC service of a Mongoose OS device: {what}")]
    NotRpc {
        /// The device's address, without secrets.
        peer: String,
        /// What the peer did instead.
        what: String,
    },
    /// The connection is up, but no reply arrived in time. The device may have executed the call.
    #[error("no answer to {method} from {peer} within {}{}", for_humans(*.after), after_colon(.why.as_ref().map(|why| why.what.as_str())))]
    Timeout {
        /// The device's address, without secrets.
        peer: String,
        /// The method that was called.
        method: String,
        /// The timeout of the call.
        after: Duration,
        /// The cause of the silence, if the transport knows it.
        why: Option<Silence>,
    },
    /// The device requires authentication, or does not allow the call.
    #[error("{method}: {refusal}")]
    Unauthorised {
        /// The method that was called. The device did not execute it.
        method: String,
        /// Why the device refused.
        refusal: AuthRefusal,
    },
    /// The device answered with an error.
    #[error("{method}: the device answered: {error}")]
    Remote {
        /// The method that was called.
        method: String,
        /// The device's error.
        error: RemoteError,
    },
    /// The device answered with JSON of another type than this method returns.
    #[error("{method}: the device's answer has an unexpected shape: {detail}")]
    WrongShape {
        /// The method that was called.
        method: String,
        /// The error of the JSON parser.
        detail: String,
    },
    /// The device answered with a text that is not JSON. It has executed the call.
    #[error("{method}: the device's reply is not JSON {place}")]
    Unreadable {
        /// The method that was called.
        method: String,
        /// The position of the error and the text around it, such as ``at column 37: `…"temp": nan…` ``.
        place: String,
    },
    /// The request is larger than a device takes. It was not sent.
    #[error("the request {method} has {size} bytes; a device takes at most {} bytes over this transport", .limit - 1)]
    TooLarge {
        /// The method of the request.
        method: String,
        /// The size of the whole request, in bytes.
        size: usize,
        /// The size that a request over this transport has to stay below, in bytes.
        limit: usize,
    },
}

/// What kind of error a failed call is. Exhaustive: a caller handles each kind, for example with an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The device cannot be reached, the connection broke, or the peer is not a device.
    Unreachable,
    /// No reply arrived in time.
    TimedOut,
    /// The device, or the server before it, requires other credentials.
    Unauthorised,
    /// The device answered with an error.
    Remote,
    /// The device answered with something that the caller cannot use.
    UnusableReply,
    /// The request cannot be sent as it is.
    InvalidRequest,
}

impl CallError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        match self {
            Self::Unreachable { cause: DialError::Unauthorised | DialError::BrokerCredentials(_), .. }
            | Self::Unauthorised { .. } => CallErrorKind::Unauthorised,
            Self::Unreachable { .. } | Self::NotRpc { .. } | Self::Lost { .. } => CallErrorKind::Unreachable,
            Self::Timeout { .. } => CallErrorKind::TimedOut,
            Self::Remote { .. } => CallErrorKind::Remote,
            Self::WrongShape { .. } | Self::Unreadable { .. } => CallErrorKind::UnusableReply,
            Self::TooLarge { .. } => CallErrorKind::InvalidRequest,
        }
    }

    /// Returns the error of a call to a peer that could not be connected to.
    pub fn unreachable(peer: impl Into<Peer>, failure: impl Into<DialFailure>) -> Self {
        let DialFailure { cause, source } = failure.into();
        Self::Unreachable { peer: peer.into(), cause, source }
    }

    /// Returns the device's own error, if it answered with one.
    #[must_use]
    pub fn remote_error(&self) -> Option<&RemoteError> {
        match self {
            Self::Remote { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Tells whether the device may have received the request, although it sent no readable answer.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(
            self,
            Self::Lost { sent: true, .. } | Self::NotRpc { .. } | Self::Timeout { .. } | Self::Unreadable { .. }
        )
    }

    /// Tells whether the call failed because its time ran out without an answer.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Unreachable { cause: DialError::Silent(_), .. })
    }

    /// Sets the duration of a timeout to `whole`, the time of all attempts of the call. Other errors stay as they are.
    #[must_use]
    pub fn with_elapsed(self, whole: Duration) -> Self {
        match self {
            Self::Timeout { peer, method, why, .. } => Self::Timeout { peer, method, after: whole, why },
            Self::Unreachable { peer, cause: DialError::Silent(_), source } => {
                Self::Unreachable { peer, cause: DialError::Silent(whole), source }
            }
            other => other,
        }
    }

    /// Tells whether the same call may succeed a moment later.
    ///
    /// True if the link broke, or if the device is about to reboot (error 418).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::NotRpc { .. } | Self::Timeout { .. } => true,
            Self::Remote { error, .. } => error.code == 418,
            Self::Unauthorised { .. } | Self::WrongShape { .. } | Self::Unreadable { .. } | Self::TooLarge { .. } => {
                false
            }
        }
    }
}

/// The cause of a missing reply, as far as a transport knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// What the transport has noticed, as text that follows a colon.
    pub what: String,
    /// A hint for this case, which replaces the general one.
    pub hint: Option<&'static str>,
}

/// Why a device refuses a call that it requires authentication for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthRefusal {
    /// The device requires credentials, and none were given.
    #[error("the device wants credentials, and none were given")]
    NoCredentials,
    /// The device rejected the credentials. It does not report whether the user or the password is wrong.
    #[error("the device does not accept the user `{0}` with this password")]
    Rejected(String),
    /// The device requires an authentication scheme that is not supported.
    #[error("the device wants credentials in a way that is not supported")]
    Unsupported,
    /// The credentials are valid, but do not permit this call.
    #[error("the device does not allow this to the user `{0}`")]
    NotAllowed(String),
}
