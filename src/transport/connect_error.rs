//! Why there is no client for a target.

use super::tls;

/// Why there is no client for a target.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The scheme is known, but this version of otactl cannot speak it.
    #[error("`{0}` is not supported yet")]
    NotYet(&'static str),
    /// The HTTP client could not be set up.
    #[error("cannot set up the connection: {0}")]
    Setup(String),
    /// TLS is to be spoken, and something that it needs is not there.
    #[error(transparent)]
    Tls(#[from] tls::SetupError),
}
