//! [`ServeError`], why a firmware server did not start.

use std::io;
use std::net::SocketAddr;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// No address of the device is known.
    #[error("cannot tell which of this machine's addresses the device reaches: it reports no address of its own")]
    NoRoute,
    /// No route leads to the device's address.
    #[error("cannot tell which of this machine's addresses reaches {device}: {error}")]
    Unroutable {
        /// The device's address.
        device: String,
        /// The error of the system.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot serve the firmware on {address}: {}", bind_error(.error))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
}

fn bind_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use by another program".into(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
        io::ErrorKind::PermissionDenied => "this user may not open the port".into(),
        _ => error.to_string(),
    }
}
