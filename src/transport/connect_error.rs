//! [`ConnectError`], the error of [`connect`](super::connect).

use super::tls;

/// The error of a target that no client can be created for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// TLS could not be set up, for example since a certificate file is missing.
    #[error(transparent)]
    Tls(#[from] tls::SetupError),
}
