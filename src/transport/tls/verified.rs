//! The certificate verifier that is used by default. Its failures name what is not supported.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::unsupported::{self, Unsupported};

/// Signature schemes that otactl offers although it cannot verify them.
///
/// A server whose key supports no other scheme would otherwise end the handshake before it sends its certificate,
/// and otactl could not tell what is wrong with the certificate.
const UNVERIFIABLE_SCHEMES: [SignatureScheme; 2] = [SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::ED448];

/// Verifies as the wrapped verifier does, and explains its failures.
#[derive(Debug)]
pub(super) struct Verified(pub(super) Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now).map_err(|error| {
            let mut chain = std::iter::once(end_entity).chain(intermediates);
            explained(error, || chain.find_map(|der| unsupported::in_certificate(der)))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = self.0.verify_tls12_signature(message, cert, signature);
        verified.map_err(|error| explained(error, || unsupported::in_certificate_key(cert)))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = self.0.verify_tls13_signature(message, cert, signature);
        verified.map_err(|error| explained(error, || unsupported::in_certificate_key(cert)))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        with_unverifiable(self.0.supported_verify_schemes())
    }
}

/// Appends the signature schemes that cannot be verified.
pub(super) fn with_unverifiable(mut schemes: Vec<SignatureScheme>) -> Vec<SignatureScheme> {
    schemes.extend(UNVERIFIABLE_SCHEMES);
    schemes
}

/// Returns the failure itself, or what is not supported about the certificate if that may be its cause.
fn explained(error: rustls::Error, find: impl FnOnce() -> Option<Unsupported>) -> rustls::Error {
    use CertificateError as E;

    let is_specific = matches!(
        error,
        rustls::Error::InvalidCertificate(
            E::Expired
                | E::ExpiredContext { .. }
                | E::NotValidYet
                | E::NotValidYetContext { .. }
                | E::NotValidForName
                | E::NotValidForNameContext { .. }
                | E::UnknownIssuer
                | E::Revoked
        )
    );
    match (!is_specific).then(find).flatten() {
        Some(unsupported) => E::Other(OtherError(Arc::new(unsupported))).into(),
        None => error,
    }
}
