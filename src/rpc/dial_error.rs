//! [`DialError`] and [`DialFailure`], the errors of an attempt to connect.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::cause::Cause;
use crate::text::{for_humans, printable};

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
    /// The port speaks TLS, and the URL is one without TLS.
    #[error("the port speaks TLS")]
    TlsPort,
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

/// A failed attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct DialFailure {
    /// Why the connection failed.
    pub cause: DialError,
    /// The error of the system or of a library that says so.
    pub source: Option<Cause>,
}

impl DialFailure {
    /// Creates the failure that `source` has caused.
    pub fn new(cause: DialError, source: impl Error + Send + Sync + 'static) -> Self {
        Self { cause, source: Some(Cause::new(source)) }
    }
}

/// Creates a failure without an error of the system below it.
impl From<DialError> for DialFailure {
    fn from(cause: DialError) -> Self {
        Self { cause, source: None }
    }
}

impl From<io::Error> for DialFailure {
    fn from(error: io::Error) -> Self {
        Self::new(DialError::from(&error), error)
    }
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

/// Lists topics in a message: `` `a` or `b` ``.
fn either_of(topics: &[String]) -> String {
    topics.iter().map(|topic| format!("`{}`", printable(topic))).collect::<Vec<_>>().join(" or ")
}

/// Returns `why` as the end of a message, after a colon. Empty if there is nothing to add.
pub(super) fn after_colon(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}
