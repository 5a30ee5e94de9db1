//! Translates errors of the TLS, HTTP and WebSocket libraries into a [`DialError`].

use std::error::Error;
use std::io;

use rustls::{CertificateError, InvalidMessage};

use super::unsupported::Unsupported;
use crate::rpc::DialError;
use crate::rpc::cause::chain;

/// Finds the cause of a failure in a chain of errors, as HTTP and WebSocket libraries wrap them.
///
/// Returns the first error of the chain that concerns TLS or the resolution of a host name, or else the innermost.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> DialError {
    let mut innermost = DialError::Other(error.to_string());
    for error in chain(error) {
        let io = error.downcast_ref::<io::Error>();
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return explain_tls(tls);
        }
        let text = error.to_string();
        if text.contains("failed to lookup address") || text.starts_with("dns error") {
            return DialError::UnknownHost;
        }
        let here = io.map_or(DialError::Other(text), DialError::from);
        // An error without a kind, such as `tls handshake eof`, adds nothing to the kind of the error around it.
        if matches!(innermost, DialError::Other(_)) || !matches!(here, DialError::Other(_)) {
            innermost = here;
        }
    }
    innermost
}

/// Finds the cause of a failed TLS handshake, as [`explain`] does.
///
/// A port that closes the connection during the handshake does not speak TLS: the result is [`DialError::PlainPort`].
#[must_use]
pub fn explain_handshake(error: &(dyn Error + 'static)) -> DialError {
    match explain(error) {
        DialError::HungUp => DialError::PlainPort,
        other => other,
    }
}

fn explain_tls(error: &rustls::Error) -> DialError {
    match error {
        // The received bytes are not a TLS record: the peer speaks plain HTTP.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            DialError::PlainPort
        }
        rustls::Error::InvalidCertificate(fault) => explain_certificate(fault),
        rustls::Error::AlertReceived(alert) => DialError::TlsAlert(format!("{alert:?}")),
        other => DialError::Tls(other.to_string()),
    }
}

fn explain_certificate(fault: &CertificateError) -> DialError {
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => DialError::CertExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => DialError::CertNotYetValid,
        CertificateError::NotValidForNameContext { expected, .. } => {
            DialError::CertWrongName { asked: expected.to_str().into_owned() }
        }
        CertificateError::UnknownIssuer => DialError::CertUntrusted,
        CertificateError::Other(other) if other.0.is::<Unsupported>() => {
            DialError::CertUnsupported { why: other.to_string() }
        }
        // rustls has no variant for this error, and webpki's error is hidden behind a trait object.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => DialError::CertOfAuthority,
        other => DialError::Tls(other.to_string()),
    }
}
