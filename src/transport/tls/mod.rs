//! TLS: which certificates count, and what a failure means.
//!
//! - [`Settings`] and [`client_config`]: what the user wants, as rustls takes it; [`server_config`]: the
//!   other side;
//! - [`Connector`]: TLS over a connection that stands;
//! - [`pem`]: certificates and keys from files;
//! - [`ClientAuth`]: whether a server hangs up for want of a client certificate;
//! - [`explain`]: an error of a library's becomes a [`DialError`](crate::rpc::DialError);
//! - `verified`: the checks of a server's certificate; `unverified`: what `--insecure` means;
//! - `limits`: what there is about a certificate or a key that is not supported.

mod client_auth;
mod connector;
mod explain;
mod limits;
pub mod pem;
mod unverified;
mod verified;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_platform_verifier::Verifier;

pub use client_auth::ClientAuth;
pub use connector::Connector;
pub use explain::{explain, explain_handshake};
use pem::{PemError, PemFault};
use unverified::Unverified;
use verified::Verified;

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
    let pair = Pair::read(cert_file, key_file)?;
    let (chain, key) = pair.parts();
    builder.with_client_auth_cert(chain, key).map_err(|error| pair.unusable(&error).into())
}

fn verifier(settings: &Settings, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    if settings.insecure {
        return Ok(Arc::new(Unverified(provider)));
    }
    let Some(path) = &settings.ca_cert_file else {
        return Ok(Arc::new(Verified(Arc::new(Verifier::new(provider)?))));
    };
    let unusable = || PemError::new(path, PemFault::Unusable("none of its certificates can be used".into()));
    let mut roots = RootCertStore::empty();
    // The bundle of a whole system may hold some that are too old.
    let (usable, _) = roots.add_parsable_certificates(pem::certificates(path)?);
    if usable == 0 {
        return Err(unusable().into());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(Arc::new(Verified(verifier.map_err(|_| unusable())?)))
}

/// The TLS side of a server that asks nobody for a certificate, from PEM files: what a test and a
/// simulated device need.
pub fn server_config(cert_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, SetupError> {
    let pair = Pair::read(cert_file, key_file)?;
    let (chain, key) = pair.parts();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| pair.unusable(&error))?;
    Ok(Arc::new(config))
}

/// A certificate, with those that lead to its authority, and its key, as they stand in files.
struct Pair<'a> {
    cert_file: &'a Path,
    key_file: &'a Path,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl<'a> Pair<'a> {
    fn read(cert_file: &'a Path, key_file: &'a Path) -> Result<Self, PemError> {
        Ok(Self { cert_file, key_file, chain: pem::certificates(cert_file)?, key: pem::private_key(key_file)? })
    }

    fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.clone_key())
    }

    /// Which of the files it is that rustls does not take, and why.
    fn unusable(&self, error: &rustls::Error) -> PemError {
        let (path, what, limit) = match error {
            rustls::Error::InconsistentKeys(_) => {
                let what = format!("it is not the key of the certificate in {}", self.cert_file.display());
                return PemError::new(self.key_file, PemFault::Unusable(what));
            }
            rustls::Error::InvalidCertificate(_) => {
                let limit = self.chain.first().and_then(|der| limits::of_holder(der));
                (self.cert_file, "its certificate cannot be used", limit)
            }
            _ => (self.key_file, "its private key cannot be used", limits::of_private_key(&self.key)),
        };
        let what = limit.map_or_else(|| what.to_owned(), |limit| format!("it has {limit}"));
        PemError::new(path, PemFault::Unusable(what))
    }
}
