//! The TLS configurations of clients and servers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_platform_verifier::Verifier;

use super::pem::{self, PemError, PemFault};
use super::unsupported;
use super::unverified::Unverified;
use super::verified::Verified;

/// The settings of TLS that the user can choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Accepts any certificate. `ca_cert_file` has no effect then.
    pub insecure: bool,
    /// A PEM file with the certificate authorities to trust, instead of those of the system.
    pub ca_cert_file: Option<PathBuf>,
    /// The PEM files of the client certificate and of its private key, for servers that request a certificate.
    ///
    /// The first file may hold the intermediate certificates, too.
    pub client_cert: Option<(PathBuf, PathBuf)>,
}

/// The reason why TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] PemError),
    /// Any other reason, such as a system without root certificates.
    #[error("cannot set up TLS: {0}")]
    Other(String),
}

impl From<rustls::Error> for SetupError {
    fn from(error: rustls::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// Creates the TLS configuration of a client.
///
/// If `is_tls` is false, no file is read and no certificate is trusted.
pub fn client_config(is_tls: bool, settings: &TlsSettings) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    if !is_tls {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier(settings, provider)?);
    let Some((cert_file, key_file)) = &settings.client_cert else {
        return Ok(builder.with_no_client_auth());
    };
    let pair = CertifiedPair::read(cert_file, key_file)?;
    let (chain, key) = pair.parts();
    builder.with_client_auth_cert(chain, key).map_err(|error| pair.unusable(&error).into())
}

/// Creates the verifier of server certificates that `settings` asks for.
fn verifier(settings: &TlsSettings, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    if settings.insecure {
        return Ok(Arc::new(Unverified(provider)));
    }
    let Some(path) = &settings.ca_cert_file else {
        return Ok(Arc::new(Verified(Arc::new(Verifier::new(provider)?))));
    };
    let unusable = || PemError::new(path, PemFault::Unusable("none of its certificates can be used".into()));
    let mut roots = RootCertStore::empty();
    // The file of a whole system may hold certificates that are too old to be parsed.
    let (usable, _) = roots.add_parsable_certificates(pem::certificates(path)?);
    if usable == 0 {
        return Err(unusable().into());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(Arc::new(Verified(verifier.map_err(|_| unusable())?)))
}

/// Creates the TLS configuration of a server from PEM files. The server requests no client certificate.
pub fn server_config(cert_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, SetupError> {
    let pair = CertifiedPair::read(cert_file, key_file)?;
    let (chain, key) = pair.parts();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| pair.unusable(&error))?;
    Ok(Arc::new(config))
}

/// A certificate with its intermediate certificates, its private key, and the files they were read from.
struct CertifiedPair<'a> {
    cert_file: &'a Path,
    key_file: &'a Path,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl<'a> CertifiedPair<'a> {
    fn read(cert_file: &'a Path, key_file: &'a Path) -> Result<Self, PemError> {
        Ok(Self { cert_file, key_file, chain: pem::certificates(cert_file)?, key: pem::private_key(key_file)? })
    }

    fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.clone_key())
    }

    /// Returns which of the two files rustls does not accept, and why.
    fn unusable(&self, error: &rustls::Error) -> PemError {
        let (path, what, unsupported) = match error {
            rustls::Error::InconsistentKeys(_) => {
                let what = format!("it is not the key of the certificate in {}", self.cert_file.display());
                return PemError::new(self.key_file, PemFault::Unusable(what));
            }
            rustls::Error::InvalidCertificate(_) => {
                let unsupported = self.chain.first().and_then(|der| unsupported::in_certificate_key(der));
                (self.cert_file, "its certificate cannot be used", unsupported)
            }
            _ => (self.key_file, "its private key cannot be used", unsupported::in_private_key(&self.key)),
        };
        let what = unsupported.map_or_else(|| what.to_owned(), |unsupported| format!("it has {unsupported}"));
        PemError::new(path, PemFault::Unusable(what))
    }
}
