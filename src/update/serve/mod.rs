//! The temporary firmware server: one bundle in memory, one secret path, GET and HEAD, on the local address that routes to the device.
//! Dropping it stops it.
//!
//! - `route`: the addresses of the device, and the local address that it can reach;
//! - [`allow`]: which clients are served; `connection_slots`: which connection is evicted when all slots are taken;
//! - [`listen`]: the network that the server listens on;
//! - `accept`: accepts connections and enforces their limits;
//! - `routes`: the bundles of one listener; [`SharedServers`]: the listeners that several updates share;
//! - `handler`: answers requests and logs them; `transfer_log`: the progress of the transfers;
//! - `error`: why the server did not start;
//! - `range`: the requested part of the bundle; `bundle_body`: its bytes; `write_timeout`: ends a transfer whose client takes no bytes.

mod accept;
pub mod allow;
mod bundle_body;
mod connection_slots;
mod error;
mod handler;
pub mod listen;
mod range;
mod route;
mod routes;
mod shared;
#[cfg(test)]
mod tests;
mod transfer_log;
mod write_timeout;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};

use super::delivery_report::DeliveryReport;
use super::event::{Event, Observer};
use crate::bundle::Bundle;
use crate::ota::SystemInfo;
use crate::text::hex;
use accept::Listening;
pub use accept::ServeLimits;
use allow::{AllowFrom, Allowed};
pub use error::ServeError;
use handler::Handler;
use listen::{LocalSockets, ServeNetwork};
use route::DeviceAddresses;
pub use shared::SharedServers;
pub use transfer_log::Fetched;

/// Where and how the firmware server listens.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The address to listen on. `None`: the one that routes to the device, with any free port.
    pub listen: Option<SocketAddr>,
    /// The host under which the device reaches the server, and the port if it differs.
    pub advertise: Option<(String, Option<u16>)>,
    /// The host and port of the link to the device, if it has one. The local address that the device can reach follows from it; otherwise from
    /// the address that the device reports.
    pub device_host: Option<(String, u16)>,
    /// Clients that are served in addition to the device. If no address of the device is known and this is empty, every client that knows the
    /// path is served.
    pub allow_from: Vec<AllowFrom>,
    /// The limits that the clients share.
    pub limits: ServeLimits,
    /// The certificate for TLS; `None`: plain HTTP. The device verifies it with its `update.ssl_ca_file`.
    pub tls: Option<Arc<ServerConfig>>,
    /// The listeners that this update shares with others. `None`: it has one of its own.
    pub shared: Option<SharedServers>,
    /// The network to listen on.
    pub network: Arc<dyn ServeNetwork>,
}

/// Serves only the device, on this machine's network.
impl Default for Serving {
    fn default() -> Self {
        Self {
            listen: None,
            advertise: None,
            device_host: None,
            allow_from: Vec::new(),
            limits: ServeLimits::default(),
            tls: None,
            shared: None,
            network: Arc::new(LocalSockets),
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct FirmwareServer {
    scheme: &'static str,
    advertised: String,
    handler: Arc<Handler>,
    fetched: watch::Receiver<Fetched>,
    events: Option<mpsc::Receiver<Event>>,
    listening: Arc<Listening>,
}

/// Ends the transfers, and stops to serve the bundle.
impl Drop for FirmwareServer {
    fn drop(&mut self) {
        self.listening.acceptor.remove(&self.handler.path);
    }
}

impl FirmwareServer {
    /// Starts a server for the device with this `info`, at an address that the device can reach. If addresses of the device are known, only
    /// those and the allowed ones are served.
    pub async fn start(bundle: &Bundle, serving: &Serving, info: &SystemInfo) -> Result<Self, ServeError> {
        let device = DeviceAddresses::find(serving.device_host.as_ref(), info).await;
        let bind = match serving.listen {
            Some(address) => address,
            None => device.local_address(serving.network.as_ref()).await?,
        };
        let listen = || {
            let listener = serving.network.listen(bind)?;
            let address = listener.local_addr()?;
            let tls = serving.tls.clone().map(Into::into);
            io::Result::Ok(Listening::start(listener, address, tls, serving.limits))
        };
        let listening = match &serving.shared {
            Some(shared) => shared.get(bind, listen),
            None => listen().map(Arc::new),
        };
        let listening = listening.map_err(|error| ServeError::Bind { address: bind, error })?;
        let bound = listening.address;
        let advertised = match &serving.advertise {
            Some((host, port)) => {
                let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
                format!("{host}:{}", port.unwrap_or(bound.port()))
            }
            None if bound.ip().is_unspecified() => {
                SocketAddr::new(device.local_address(serving.network.as_ref()).await?.ip(), bound.port()).to_string()
            }
            // The scope of an address has a meaning on this machine only.
            None => SocketAddr::new(bound.ip(), bound.port()).to_string(),
        };
        let allowed = Allowed::new(&device.addresses(), &serving.allow_from);
        tracing::debug!(?allowed, %advertised, "firmware server");
        let scheme = if serving.tls.is_some() { "https" } else { "http" };
        let bundle = (bundle.bytes().clone(), bundle.sha256().to_owned());
        Ok(Self::serve(bundle, listening, scheme, advertised, allowed))
    }

    /// Serves a bundle with this SHA-256 digest.
    fn serve(
        bundle: (Bytes, String),
        listening: Arc<Listening>,
        scheme: &'static str,
        advertised: String,
        allowed: Allowed,
    ) -> Self {
        let (handler, fetched, events) = Handler::new(format!("/{}/firmware.zip", token()), bundle);
        let handler = Arc::new(handler);
        listening.acceptor.add(Arc::clone(&handler), allowed);
        Self { scheme, advertised, handler, fetched, events: Some(events), listening }
    }

    /// Returns the host and port for the device.
    #[must_use]
    pub fn advertised(&self) -> &str {
        &self.advertised
    }

    /// Returns the URL for the device. Its path is a secret.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.advertised, self.handler.path)
    }

    /// Returns the size of the bundle in bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.handler.total()
    }

    /// Returns the progress of the download, now and as it changes.
    #[must_use]
    pub fn fetched(&self) -> watch::Receiver<Fetched> {
        self.fetched.clone()
    }

    /// Returns the first addresses that were refused because they are not the device's, each once.
    #[must_use]
    pub fn rejected_clients(&self) -> Vec<IpAddr> {
        self.handler.rejected_clients()
    }

    /// Returns the first addresses that opened too many connections without a request, each once.
    #[must_use]
    pub fn crowding(&self) -> Vec<IpAddr> {
        self.handler.crowding()
    }

    /// Returns what the server can prove of the delivery so far.
    #[must_use]
    pub fn delivery_report(&self) -> DeliveryReport {
        self.handler.delivery_report()
    }

    /// Takes the events of the server, for an observer. A second call returns none.
    pub fn take_events(&mut self) -> ServerEvents {
        ServerEvents(self.events.take())
    }
}

/// The events of a server: requests, refused clients, and transfers.
#[derive(Debug)]
pub struct ServerEvents(Option<mpsc::Receiver<Event>>);

impl ServerEvents {
    /// Reports the events to the observer until `work` has ended, then those that are still queued. Returns the result of `work`.
    pub async fn report_during<T>(mut self, observer: &dyn Observer, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let result = loop {
            tokio::select! {
                // Biased so that `work` reports the last bytes before the end of their transfer. The events are few.
                biased;
                result = &mut work => break result,
                event = next(&mut self.0) => observer.on(&event),
            }
        };
        while let Some(Ok(event)) = self.0.as_mut().map(mpsc::Receiver::try_recv) {
            observer.on(&event);
        }
        result
    }
}

async fn next(events: &mut Option<mpsc::Receiver<Event>>) -> Event {
    if let Some(events) = events
        && let Some(event) = events.recv().await
    {
        return event;
    }
    std::future::pending().await
}

/// Returns 128 random bits in hex. The URL has to be short: some devices keep it in 128 bytes.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    hex(&bytes)
}
