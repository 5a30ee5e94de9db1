//! TLS: which certificates count, and what a failure means.
//!
//! - [`Settings`] and [`client_config`]: what the user wants, as rustls takes it; [`server_config`]: the
//!   other side;
//! - [`Connector`]: TLS over a connection that stands;
//! - [`pem`]: certificates and keys from files;
//! - [`ClientAuth`]: whether a server hangs up for want of a client certificate;
//! - [`explain`]: an error of a library's becomes a [`DialError`](crate::rpc::DialError);
//! - `unverified`: what `--insecure` means.

mod client_auth;
mod connector;
mod explain;
pub mod pem;
mod unverified;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_platform_verifier::Verifier;

pub use client_auth::ClientAuth;
pub use connector::Connector;
pub use explain::{explain, explain_handshake};
use pem::{PemError, PemFault};
use unverified::Unverified;

/// What the user may set about TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Take any certificate. The authorities do not matter then.
    pub insecure: bool,
    /// The authorities to trust, instead of those of the system: a PEM file.
    pub ca_cert_file: Option<PathBuf>,
    /// The certificate to show to servers that ask for one, with those that lead to its authority, and
    /// its private key: PEM files.
    pub client_cert: Option<(PathBuf, PathBuf)>,
}

/// Why TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// One of the files.
    #[error(transparent)]
    File(#[from] PemError),
    /// Anything else, such as a system without root certificates.
    #[error("cannot set up TLS: {0}")]
    Other(String),
}

impl From<rustls::Error> for SetupError {
    fn from(error: rustls::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// The TLS side of a client. Where no TLS is spoken, no file is read, and nothing is trusted.
pub fn client_config(is_tls: bool, settings: &Settings) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    if !is_tls {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier(settings, provider)?);
    let Some((cert_file, key_file)) = &settings.client_cert else {
        return Ok(builder.with_no_client_auth());
    };
    let (chain, key) = (pem::certificates(cert_file)?, pem::private_key(key_file)?);
    builder.with_client_auth_cert(chain, key).map_err(|error| unusable_pair(&error, cert_file, key_file).into())
}

fn verifier(settings: &Settings, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    if settings.insecure {
        return Ok(Arc::new(Unverified(provider)));
    }
    let Some(path) = &settings.ca_cert_file else {
        return Ok(Arc::new(Verifier::new(provider)?));
    };
    let unusable = || PemError::new(path, PemFault::Unusable("none of its certificates can be used".into()));
    let mut roots = RootCertStore::empty();
    // The bundle of a whole system may hold some that are too old.
    let (usable, _) = roots.add_parsable_certificates(pem::certificates(path)?);
    if usable == 0 {
        return Err(unusable().into());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(verifier.map_err(|_| unusable())?)
}

/// The TLS side of a server that asks nobody for a certificate, from PEM files: what a test and a
/// simulated device need.
pub fn server_config(cert_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, SetupError> {
    let (chain, key) = (pem::certificates(cert_file)?, pem::private_key(key_file)?);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unusable_pair(&error, cert_file, key_file))?;
    Ok(Arc::new(config))
}

/// Which of the files it is that rustls does not take.
fn unusable_pair(error: &rustls::Error, cert_file: &Path, key_file: &Path) -> PemError {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            let what = format!("it is not the key of the certificate in {}", cert_file.display());
            PemError::new(key_file, PemFault::Unusable(what))
        }
        rustls::Error::InvalidCertificate(_) => {
            PemError::new(cert_file, PemFault::Unusable("its certificate cannot be used".into()))
        }
        _ => PemError::new(key_file, PemFault::Unusable("its private key cannot be used".into())),
    }
}
