//! What a failure of TLS means.

use std::error::Error;
use std::io;

use rustls::{CertificateError, InvalidMessage};

use super::limits::Limit;
use crate::rpc::DialError;

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
        let here = io.map_or(DialError::Other(text), DialError::from);
        // A text without a kind of its own, such as `tls handshake eof`, says no more than the kind around it.
        if matches!(innermost, DialError::Other(_)) || !matches!(here, DialError::Other(_)) {
            innermost = here;
        }
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
        CertificateError::Other(other) if other.0.is::<Limit>() => {
            DialError::CertUnsupported { why: other.to_string() }
        }
        // rustls has no name for this one, and webpki's is behind a trait object.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => DialError::CertOfAuthority,
        other => DialError::Tls(other.to_string()),
    }
}
