//! Whether it is for want of a client certificate that a server hangs up.
//!
//! With TLS 1.3 the client takes the handshake for done before the server has looked at its
//! certificate, so that a refusal comes at the first read: as an alert or, if the server does not wait
//! for what it has not read, as a reset that has swallowed the alert. What is certain is whether the
//! server has asked.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};

use super::explain::explain;
use crate::rpc::DialError;

/// What the server at the other end of a configuration's connections has wanted to know of us.
#[derive(Debug)]
pub struct ClientAuth {
    inner: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
    admitted: AtomicBool,
}

impl ClientAuth {
    /// Watches the connections that are made with `config` from now on, which all go to one server.
    #[must_use]
    pub fn watch(config: &mut ClientConfig) -> Arc<Self> {
        let inner = Arc::clone(&config.client_auth_cert_resolver);
        let watch = Arc::new(Self { inner, asked: AtomicBool::new(false), admitted: AtomicBool::new(false) });
        config.client_auth_cert_resolver = Arc::<Self>::clone(&watch);
        watch
    }

    /// The server has answered; from now on a connection that breaks does so for another reason.
    pub fn admitted(&self) {
        self.admitted.store(true, Ordering::Relaxed);
    }

    /// Why the server does not let us in, if that is what a connection that broke with `cause` means:
    /// it has asked for a client certificate, and never answered anything.
    #[must_use]
    pub fn refusal(&self, cause: &DialError) -> Option<DialError> {
        if !self.asked.load(Ordering::Relaxed) || self.admitted.load(Ordering::Relaxed) {
            return None;
        }
        Some(match cause {
            _ if !self.inner.has_certs() => DialError::ClientCertWanted,
            DialError::TlsAlert(alert) => DialError::ClientCertRefused { alert: Some(alert.clone()) },
            _ => DialError::ClientCertRefused { alert: None },
        })
    }

    /// As [`explain_handshake`](super::explain_handshake) does it, with what is known here.
    #[must_use]
    pub fn explain_handshake(&self, error: &(dyn Error + 'static)) -> DialError {
        let cause = explain(error);
        match cause {
            DialError::HungUp => self.refusal(&cause).unwrap_or(DialError::PlainPort),
            DialError::TlsAlert(_) => self.refusal(&cause).unwrap_or(cause),
            cause => cause,
        }
    }
}

impl ResolvesClientCert for ClientAuth {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.inner.resolve(issuers, schemes)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.inner.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
