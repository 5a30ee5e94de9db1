//! The checks of a server's certificate, whose failures say what is not supported.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::limits::{self, Limit};

/// Signatures that are asked for although they cannot be verified. A server whose key makes no other would give TLS up
/// before it shows its certificate.
const UNVERIFIED: [SignatureScheme; 2] = [SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::ED448];

/// Does what the verifier within does.
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
            explained(error, || chain.find_map(|der| limits::of_certificate(der)))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = self.0.verify_tls12_signature(message, cert, signature);
        verified.map_err(|error| explained(error, || limits::of_holder(cert)))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = self.0.verify_tls13_signature(message, cert, signature);
        verified.map_err(|error| explained(error, || limits::of_holder(cert)))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        with_unverified(self.0.supported_verify_schemes())
    }
}

/// Those, and behind them the signatures that cannot be verified.
pub(super) fn with_unverified(mut schemes: Vec<SignatureScheme>) -> Vec<SignatureScheme> {
    schemes.extend(UNVERIFIED);
    schemes
}

/// The same failure, unless it is due to what is not supported.
fn explained(error: rustls::Error, limit: impl FnOnce() -> Option<Limit>) -> rustls::Error {
    use CertificateError as E;

    let is_plain = matches!(
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
    match (!is_plain).then(limit).flatten() {
        Some(limit) => E::Other(OtherError(Arc::new(limit))).into(),
        None => error,
    }
}
