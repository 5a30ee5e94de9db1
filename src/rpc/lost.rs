//! [`LostReason`], why a connection broke.

use std::io;
use std::time::Duration;

use super::cause::Cause;
use super::dial_error::DialFailure;

/// Why a connection broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LostReason {
    /// The device closed the connection.
    #[error("the device closed the connection")]
    ClosedByDevice,
    /// The device has read nothing for this time.
    #[error("the device has taken nothing for {} s", .0.as_secs())]
    NothingTaken(Duration),
    /// The device has sent nothing for this time, although it was pinged.
    #[error("the device has been silent for {} s", .0.as_secs())]
    Silent(Duration),
    /// The host of the device reports that the port is closed.
    #[error("no program listens on that port")]
    NoListener(#[source] Cause),
    /// The serial port does not exist any more.
    #[error("the port has vanished")]
    PortVanished,
    /// The serial port cannot be read or written.
    #[error("the port has failed: {0}")]
    PortFailed(#[source] Cause),
    /// The broker closed the connection.
    #[error("the broker closed the connection{}", ask_for_other_client(.client_id.as_deref()))]
    ClosedByBroker {
        /// The client id, if the user has chosen it: another client may use it, too.
        client_id: Option<String>,
        /// How the connection ended.
        #[source]
        cause: Cause,
    },
    /// The broker does not answer pings any more.
    #[error("the broker has stopped answering")]
    BrokerSilent,
    /// The connection to the broker failed in another way.
    #[error("{cause}{}", ask_for_other_client(.client_id.as_deref()))]
    BrokerFailed {
        /// The client id, if the user has chosen it: another client may use it, too.
        client_id: Option<String>,
        /// The error of the connection.
        #[source]
        cause: Cause,
    },
    /// An exchange over HTTP failed, for a reason that a failed attempt to connect can have, too.
    #[error(transparent)]
    Exchange(#[from] DialFailure),
    /// The connection failed with an error of the system or of a library.
    #[error("{0}")]
    Failed(#[source] Cause),
    /// The transport ended the link, and gave no reason.
    #[error("the connection was closed")]
    Closed,
    /// The caller dropped the link.
    #[error("the link was given up")]
    Dropped,
    /// The session was dropped, or its task has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// A reason in the words of its source, such as a transport outside of this library.
    #[error("{0}")]
    Other(String),
}

/// Asks for another client with the same id, which would be the reason. Empty if the id is a random one.
fn ask_for_other_client(client_id: Option<&str>) -> String {
    client_id.map(|id| format!("; does another client use the client id `{id}`?")).unwrap_or_default()
}

impl From<io::Error> for LostReason {
    fn from(error: io::Error) -> Self {
        Self::Failed(Cause::new(error))
    }
}

impl From<String> for LostReason {
    fn from(reason: String) -> Self {
        Self::Other(reason)
    }
}

impl From<&str> for LostReason {
    fn from(reason: &str) -> Self {
        Self::Other(reason.into())
    }
}
