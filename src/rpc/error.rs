//! What can come of a call but its result. The words say what happened; what to do about it is
//! added where it is shown.

use std::io;
use std::time::Duration;

use super::frame::RemoteError;
use crate::text::{for_humans, printable};

/// Why a call brought no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No connection came about; nothing was sent.
    #[error("cannot reach {peer}: {cause}")]
    Unreachable {
        /// The device's address, without secrets.
        peer: String,
        /// What went wrong.
        cause: DialError,
    },
    /// The connection broke while the call was under way.
    #[error("lost the connection to {peer}: {reason}")]
    Lost {
        /// The device's address, without secrets.
        peer: String,
        /// Whether the request may have reached the device.
        sent: bool,
        /// What went wrong.
        reason: String,
    },
    /// There is an answer, but not from a device. The request was sent.
    #[error("{peer} is not the RPC service of a Mongoose OS device: {what}")]
    NotRpc {
        /// The device's address, without secrets.
        peer: String,
        /// What it did instead.
        what: String,
    },
    /// There is a connection, but the answer did not come in time. The device may still have done
    /// what it was asked.
    #[error("no answer to {method} from {peer} within {}{}", for_humans(*.after), behind(.why.as_ref().map(|why| why.what.as_str())))]
    Timeout {
        /// The device's address, without secrets.
        peer: String,
        /// The method that was called.
        method: String,
        /// How long the call was given.
        after: Duration,
        /// What the transport knows about the silence.
        why: Option<Silence>,
    },
    /// The device wants to know who asks.
    #[error("{method}: {refusal}")]
    Unauthorised {
        /// The method that was called. It was not carried out.
        method: String,
        /// What is the matter.
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
    /// The device answered, but not with what this method returns.
    #[error("{method}: the device's answer has an unexpected shape: {detail}")]
    WrongShape {
        /// The method that was called.
        method: String,
        /// What did not fit.
        detail: String,
    },
    /// The device answered, but not with JSON. It has taken the call.
    #[error("{method}: the device's reply is not JSON {place}")]
    Unreadable {
        /// The method that was called.
        method: String,
        /// Where it stops being JSON, such as ``at column 37: `…"temp": nan…` ``.
        place: String,
    },
    /// The request is larger than a device takes. It was not sent.
    #[error("the request {method} has {size} bytes; a device takes at most {} bytes over this transport", .limit - 1)]
    TooLarge {
        /// The method that was to be called.
        method: String,
        /// The size of the whole request, in bytes.
        size: usize,
        /// The size that a request over this transport has to stay below, in bytes.
        limit: usize,
    },
}

impl CallError {
    /// The device's own error, if it answered with one.
    #[must_use]
    pub fn remote_error(&self) -> Option<&RemoteError> {
        match self {
            Self::Remote { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the device may have got the request, although there is no answer of its own that can be read.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(
            self,
            Self::Lost { sent: true, .. } | Self::NotRpc { .. } | Self::Timeout { .. } | Self::Unreadable { .. }
        )
    }

    /// Whether nothing at all was heard until the time was up.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Unreachable { cause: DialError::Silent(_), .. })
    }

    /// The same silence, of a call that was given this much time with all its attempts.
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

    /// Whether the same call may succeed if it is made again in a moment: the link broke, or the
    /// device is about to reboot (error 418).
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

/// What a transport knows about an answer that does not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// What has been noticed, in words that can stand behind a colon.
    pub what: String,
    /// What to try, if it is known better than in general.
    pub hint: Option<&'static str>,
}

/// What is known about it, as it stands behind a sentence.
fn behind(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

/// Topics, as they stand in a sentence.
fn either_of(topics: &[String]) -> String {
    topics.iter().map(|topic| format!("`{}`", printable(topic))).collect::<Vec<_>>().join(" or ")
}

/// Why a device does not let us in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefusal {
    /// None were given.
    #[error("the device wants credentials, and none were given")]
    NoCredentials,
    /// It does not say which of the two is wrong.
    #[error("the device does not accept the user `{0}` with this password")]
    Rejected(String),
    /// It asks in a way that cannot be answered.
    #[error("the device wants credentials in a way that is not supported")]
    Unsupported,
    /// The user is known, and may not do this.
    #[error("the device does not allow this to the user `{0}`")]
    NotAllowed(String),
}

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Something is there, but nothing listens on that port.
    #[error("the connection was refused")]
    Refused,
    /// Nothing came back at all.
    #[error("no answer within {}", for_humans(*.0))]
    Silent(Duration),
    /// Something is there, and hangs up at once.
    #[error("it closed the connection at once")]
    HungUp,
    /// The network says that there is no such way.
    #[error("no route to the host")]
    NoRoute,
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    UnknownHost,
    /// There is a server, but not the RPC service of a device.
    #[error("what answers there is not the RPC service of a Mongoose OS device: {0}")]
    NotRpc(String),
    /// The device wants other credentials before it talks at all.
    #[error("it wants other credentials")]
    Unauthorised,
    /// The port does not speak TLS.
    #[error("the port does not speak TLS")]
    PlainPort,
    /// The certificate of the server has run out.
    #[error("its certificate has expired")]
    CertExpired,
    /// By the clock of this machine.
    #[error("its certificate is not valid yet")]
    CertNotYetValid,
    /// The certificate of the server is that of another one.
    #[error("its certificate is not for `{asked}`")]
    CertWrongName {
        /// The name or address that was asked for.
        asked: String,
    },
    /// Signed by itself, or by an authority that nobody knows.
    #[error("its certificate is signed by nobody who is trusted here")]
    CertUntrusted,
    /// Marked as an authority's, which no server may show as its own.
    #[error("its certificate is that of an authority, not of a server")]
    CertOfAuthority,
    /// It cannot be verified, trusted or not.
    #[error("its certificate has {why}")]
    CertUnsupported {
        /// What it has, and what is supported.
        why: String,
    },
    /// The server wants to know who asks.
    #[error("it asks for a client certificate, and hangs up without one")]
    ClientCertWanted,
    /// The server does not know us, or does not want us.
    #[error("it does not accept the client certificate{}", behind(.alert.as_deref()))]
    ClientCertRefused {
        /// What it said.
        alert: Option<String>,
    },
    /// The server gave TLS up.
    #[error("it broke TLS off: {0}")]
    TlsAlert(String),
    /// TLS failed in another way.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// A broker stands between, and wants other credentials.
    #[error("the broker refuses: {0}")]
    BrokerCredentials(&'static str),
    /// A broker stands between, and does not let us in for another reason.
    #[error("the broker refuses: {0}")]
    BrokerRefused(&'static str),
    /// The broker does not let us read the topic on which the answers come.
    #[error("the broker refuses a subscription to `{0}`")]
    SubscriptionRefused(String),
    /// The broker closes the connection when a request is published, so that no device gets one.
    #[error("it closes the connection when a request is published to {}", either_of(.topics))]
    PublishRefused {
        /// The topics that were tried.
        topics: Vec<String>,
    },
    /// The broker closes the connection when the topic on which the answers come is subscribed to.
    #[error("it closes the connection on a subscription to {}", either_of(.topics))]
    SubscriptionCloses {
        /// The topics that were to be subscribed to, together.
        topics: Vec<String>,
    },
    /// What answers is no broker.
    #[error("what answers there is not an MQTT broker: {0}")]
    NotABroker(String),
    /// There is no such serial port.
    #[error("there is no such port")]
    PortMissing {
        /// Those that there are.
        available: Vec<String>,
    },
    /// Somebody else uses the serial port.
    #[error("it is held by {}", .by.as_deref().unwrap_or("another program"))]
    PortHeld {
        /// Name and number of the program, where the system tells.
        by: Option<String>,
    },
    /// The user may not open the serial port.
    #[error("no permission to open it")]
    PortDenied {
        /// The group whose members may.
        group: Option<String>,
    },
    /// The path is that of something else.
    #[error("it is not a serial port")]
    NotASerialPort,
    /// Anything else.
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
