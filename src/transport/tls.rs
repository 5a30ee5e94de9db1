//! TLS: which certificates count, and what a failure means.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, InvalidMessage, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::rpc::DialError;

/// Which certificates are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that the operating system trusts. Its roots are loaded, which costs some time.
    System,
    /// Any: `--insecure`.
    Anything,
    /// None, since no TLS will be spoken. Loads nothing.
    Nothing,
}

impl Trust {
    /// What is to be trusted by whoever speaks TLS, or does not.
    #[must_use]
    pub fn new(is_tls: bool, insecure: bool) -> Self {
        match (is_tls, insecure) {
            (false, _) => Self::Nothing,
            (true, true) => Self::Anything,
            (true, false) => Self::System,
        }
    }
}

/// The TLS side of a client.
pub fn client_config(trust: Trust) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    Ok(match trust {
        Trust::System => builder.with_platform_verifier()?.with_no_client_auth(),
        Trust::Nothing => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        Trust::Anything => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider))).with_no_client_auth()
        }
    })
}

/// Finds what went wrong in a chain of errors, as HTTP and WebSocket libraries wrap them: the first
/// that tells of TLS or of names, else the innermost.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> DialError {
    let mut cause = Some(error);
    let mut innermost = DialError::Other(error.to_string());
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return explain_tls(tls);
        }
        let text = error.to_string();
        if text.contains("failed to lookup address") || text.starts_with("dns error") {
            return DialError::UnknownHost;
        }
        innermost = io.map_or(DialError::Other(text), DialError::from);
        // What an io::Error wraps is not its source, but what it wraps.
        let wrapped = io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
        cause = wrapped.or_else(|| error.source());
    }
    innermost
}

/// The same for what went wrong while TLS was being set up: a port that hangs up on the first words of
/// TLS has not understood them.
#[must_use]
pub fn explain_handshake(error: &(dyn Error + 'static)) -> DialError {
    match explain(error) {
        DialError::HungUp => DialError::PlainPort,
        other => other,
    }
}

fn explain_tls(error: &rustls::Error) -> DialError {
    match error {
        // What comes back is no TLS record: the other side speaks plain HTTP.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            DialError::PlainPort
        }
        other => DialError::Tls(other.to_string()),
    }
}

/// Takes any certificate, but still checks that the peer holds its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
