//! [`ConnectError`], the error of [`connect`](super::connect).

use super::tls;

/// The error of a target that no client can be created for.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The scheme is known, but the library does not support it.
    #[error("`{0}` is not supported yet")]
    NotYet(&'static str),
    /// The HTTP client could not be set up.
    #[error("cannot set up the connection: {0}")]
    Setup(String),
    /// TLS could not be set up, for example since a certificate file is missing.
    #[error(transparent)]
    Tls(#[from] tls::SetupError),
}
