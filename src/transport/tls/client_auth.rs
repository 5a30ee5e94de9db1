//! Detects that a server closes a connection because of a client certificate.
//!
//! With TLS 1.3, the client finishes the handshake before the server has checked the client's certificate. A refusal
//! therefore arrives at the first read. It arrives as an alert, or as a reset: a server that closes without reading
//! all received bytes causes a reset, which discards the alert. Only one fact is certain: whether the server has
//! requested a certificate.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};

use super::explain::explain;
use crate::rpc::{DialError, DialFailure};

/// Records whether a server requests a client certificate, and whether it has answered since.
#[derive(Debug)]
pub struct ClientAuth {
    inner: Arc<dyn ResolvesClientCert>,
    is_requested: AtomicBool,
    is_admitted: AtomicBool,
}

impl ClientAuth {
    /// Watches all connections that are made with `config` from now on.
    ///
    /// All of them have to go to the same server.
    #[must_use]
    pub fn watch(config: &mut ClientConfig) -> Arc<Self> {
        let inner = Arc::clone(&config.client_auth_cert_resolver);
        let watch = Arc::new(Self { inner, is_requested: AtomicBool::new(false), is_admitted: AtomicBool::new(false) });
        config.client_auth_cert_resolver = Arc::<Self>::clone(&watch);
        watch
    }

    /// Records that the server has answered. A connection that breaks later breaks for another reason.
    pub fn admitted(&self) {
        self.is_admitted.store(true, Ordering::Relaxed);
    }

    /// Returns why the server refuses this client, for a connection that broke with `cause`.
    ///
    /// The result is `None` unless the server has requested a client certificate and has never answered.
    #[must_use]
    pub fn refusal(&self, cause: &DialError) -> Option<DialError> {
        if !self.is_requested.load(Ordering::Relaxed) || self.is_admitted.load(Ordering::Relaxed) {
            return None;
        }
        Some(match cause {
            _ if !self.inner.has_certs() => DialError::ClientCertWanted,
            DialError::TlsAlert(alert) => DialError::ClientCertRefused { alert: Some(alert.clone()) },
            _ => DialError::ClientCertRefused { alert: None },
        })
    }

    /// Explains a failed handshake, as [`explain_handshake`](super::explain_handshake) does.
    ///
    /// Recognises a refused or missing client certificate, too.
    #[must_use]
    pub fn explain_handshake(&self, error: impl Error + Send + Sync + 'static) -> DialFailure {
        let cause = match explain(&error) {
            hung_up @ DialError::HungUp => self.refusal(&hung_up).unwrap_or(DialError::PlainPort),
            alert @ DialError::TlsAlert(_) => self.refusal(&alert).unwrap_or(alert),
            cause => cause,
        };
        DialFailure::new(cause, error)
    }
}

impl ResolvesClientCert for ClientAuth {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.is_requested.store(true, Ordering::Relaxed);
        self.inner.resolve(issuers, schemes)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.inner.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
