//! TLS over a connection that is already open.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client_auth::ClientAuth;
use super::config::{SetupError, TlsSettings, client_config};
use crate::rpc::{DialError, DialFailure};

/// Opens TLS connections to one server.
pub struct Connector {
    connector: TlsConnector,
    client_auth: Arc<ClientAuth>,
}

impl Connector {
    /// Creates a connector. Reads the files that `settings` names, and the system's root certificates if they are used.
    pub fn new(settings: &TlsSettings) -> Result<Self, SetupError> {
        let mut config = client_config(true, settings)?;
        let client_auth = ClientAuth::watch(&mut config);
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), client_auth })
    }

    /// Performs the TLS handshake over `stream`. `host` is a name or an IP address.
    pub async fn connect<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, DialFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|e| DialFailure::new(DialError::Tls(e.to_string()), e))?;
        self.connector.connect(name, stream).await.map_err(|e| self.client_auth.explain_handshake(e))
    }

    /// Returns what is known about the server's request for a client certificate.
    #[must_use]
    pub fn client_auth(&self) -> &ClientAuth {
        &self.client_auth
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("client_auth", &self.client_auth).finish_non_exhaustive()
    }
}
