//! [`Peer`], the other end of a connection.

use std::fmt;

/// The other end of a connection, by its address without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// The device itself.
    Device(String),
    /// A broker, which passes messages on to the device.
    Broker(String),
}

/// Shows the peer as messages name it.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(address) => f.write_str(address),
            Self::Broker(address) => write!(f, "the broker {address}"),
        }
    }
}

/// Names a device by its address.
impl From<String> for Peer {
    fn from(address: String) -> Self {
        Self::Device(address)
    }
}

/// Names a device by its address.
impl From<&str> for Peer {
    fn from(address: &str) -> Self {
        Self::Device(address.into())
    }
}
