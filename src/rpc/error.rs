//! The errors of calls and of connections.
//!
//! A message describes what happened. The hint, the next step for the user, is added where the error is shown.

use std::io;
use std::time::Duration;

use super::frame::RemoteError;
use crate::text::{for_humans, printable};

/// The error of a call that returned no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No connection was established. Nothing was sent.
    #[error("cannot reach {peer}: {cause}")]
    Unreachable {
        /// The device's address, without secrets.
        peer: String,
        /// Why the connection failed.
        cause: DialError,
    },
    /// The connection broke while the call was in flight.
    #[error("lost the connection to {peer}: {reason}")]
    Lost {
        /// The device's address, without secrets.
        peer: String,
        /// Whether the request may have reached the device.
        sent: bool,
        /// Why the connection broke.
        reason: String,
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
            Self::Unreachable { peer, cause: DialError::Silent(_) } => {
                Self::Unreachable { peer, cause: DialError::Silent(whole) }
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

/// Returns `why` as the end of a message, after a colon. Empty if there is nothing to add.
fn after_colon(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

/// Lists topics in a message: `` `a` or `b` ``.
fn either_of(topics: &[String]) -> String {
    topics.iter().map(|topic| format!("`{}`", printable(topic))).collect::<Vec<_>>().join(" or ")
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

/// Why no connection was established.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The host is up, but nothing listens on that port.
    #[error("the connection was refused")]
    Refused,
    /// No answer arrived within this time.
    #[error("no answer within {}", for_humans(*.0))]
    Silent(Duration),
    /// The peer accepted the connection and closed it at once.
    #[error("it closed the connection at once")]
    HungUp,
    /// The network reports that it has no route to the host.
    #[error("no route to the host")]
    NoRoute,
    /// The host name has no address.
    #[error("the host name cannot be resolved")]
    UnknownHost,
    /// A server answers, but not the RPC service of a device.
    #[error("what answers there is not the RPC service of a Mongoose OS device: {0}")]
    NotRpc(String),
    /// The device rejects the credentials of the connection.
    #[error("it wants other credentials")]
    Unauthorised,
    /// The port does not speak TLS.
    #[error("the port does not speak TLS")]
    PlainPort,
    /// The certificate of the server has expired.
    #[error("its certificate has expired")]
    CertExpired,
    /// The certificate of the server is not valid yet, by the clock of this machine.
    #[error("its certificate is not valid yet")]
    CertNotYetValid,
    /// The certificate of the server was issued for another name.
    #[error("its certificate is not for `{asked}`")]
    CertWrongName {
        /// The name or address that was connected to.
        asked: String,
    },
    /// The certificate of the server is self-signed, or signed by an unknown authority.
    #[error("its certificate is not signed by a trusted authority")]
    CertUntrusted,
    /// The certificate of the server is marked as a CA certificate, which a server must not use as its own.
    #[error("its certificate is that of an authority, not of a server")]
    CertOfAuthority,
    /// The certificate of the server uses a feature that cannot be verified.
    #[error("its certificate has {why}")]
    CertUnsupported {
        /// The unsupported feature, and what is supported.
        why: String,
    },
    /// The server requires a client certificate.
    #[error("it asks for a client certificate, and hangs up without one")]
    ClientCertWanted,
    /// The server rejects the client certificate.
    #[error("it does not accept the client certificate{}", after_colon(.alert.as_deref()))]
    ClientCertRefused {
        /// The TLS alert of the server.
        alert: Option<String>,
    },
    /// The server ended the TLS handshake with this alert.
    #[error("it broke TLS off: {0}")]
    TlsAlert(String),
    /// TLS failed in another way.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The MQTT broker rejects the credentials.
    #[error("the broker refuses: {0}")]
    BrokerCredentials(&'static str),
    /// The MQTT broker rejects the connection for another reason.
    #[error("the broker refuses: {0}")]
    BrokerRefused(&'static str),
    /// The broker refuses a subscription to this topic, on which the replies would arrive.
    #[error("the broker refuses a subscription to `{0}`")]
    SubscriptionRefused(String),
    /// The broker closes the connection when a request is published. No device receives the request.
    #[error("it closes the connection when a request is published to {}", either_of(.topics))]
    PublishRefused {
        /// The topics that were tried.
        topics: Vec<String>,
    },
    /// The broker closes the connection on a subscription to the topics on which the replies would arrive.
    #[error("it closes the connection on a subscription to {}", either_of(.topics))]
    SubscriptionCloses {
        /// The topics of the subscription.
        topics: Vec<String>,
    },
    /// A server answers, but not an MQTT broker.
    #[error("what answers there is not an MQTT broker: {0}")]
    NotABroker(String),
    /// The serial port does not exist.
    #[error("there is no such port")]
    PortMissing {
        /// The names of the existing serial ports.
        available: Vec<String>,
    },
    /// Another program has the serial port open.
    #[error("it is held by {}", .by.as_deref().unwrap_or("another program"))]
    PortHeld {
        /// The name and process id of the program, if the system reports them.
        by: Option<String>,
    },
    /// The user may not open the serial port.
    #[error("no permission to open it")]
    PortDenied {
        /// The group whose members may open it, if known.
        group: Option<String>,
    },
    /// The path exists, but is not a serial port.
    #[error("it is not a serial port")]
    NotASerialPort,
    /// Any other error of the operating system.
    #[error("{0}")]
    Other(String),
}

impl From<&io::Error> for DialError {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::HungUp,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::NoRoute,
            _ => Self::Other(error.to_string()),
        }
    }
}
