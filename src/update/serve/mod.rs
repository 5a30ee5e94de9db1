//! The temporary firmware server: one bundle in memory, one path that nobody can guess, GET and
//! HEAD, on the local address that routes to the device. It is gone when it is dropped.
//!
//! - `route`: where the device is, and which of our addresses it can reach;
//! - [`allow`]: who is served; `connection_slots`: and who has to go when all connections are taken;
//! - [`listen`]: the network that it listens on;
//! - `accept`: connections, from the first byte to the last;
//! - `handler`: the answers, and the book that is kept of them; `transfer_log`: the transfers in it;
//! - `range`, `transfer`, `write_timeout`: which part of the bundle, its bytes, and a peer that takes none.

mod accept;
pub mod allow;
mod connection_slots;
mod handler;
pub mod listen;
mod range;
mod route;
#[cfg(test)]
mod tests;
mod transfer;
mod transfer_log;
mod write_timeout;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::delivery_report::DeliveryReport;
use super::event::{Event, Observer};
use crate::bundle::Bundle;
use crate::ota::SystemInfo;
use crate::text::hex;
use accept::Acceptor;
pub use accept::Limits;
use allow::{AllowFrom, Allowed};
use handler::Handler;
use listen::{Listener, LocalSockets, ServeNetwork};
use route::Whereabouts;
pub use transfer_log::Fetched;

/// What is handed to the socket at a time, in bytes, what the kernel is told to hold of it, and the largest head of a
/// request. Small, so that what we count as sent is near what the device has taken.
const PIECE: usize = 16 << 10;

/// Where and how the firmware server serves.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The address to serve on; `None`: the one that routes to the device, any port.
    pub listen: Option<SocketAddr>,
    /// Host and, if it differs, port, under which the device reaches our server.
    pub advertise: Option<(String, Option<u16>)>,
    /// The device's host and port, where it has any: which of our addresses it can reach follows
    /// from that. Otherwise the address that it reports is taken.
    pub device_host: Option<(String, u16)>,
    /// Who is served beside the addresses of the device. Without any address, whoever knows the path.
    pub allow_from: Vec<AllowFrom>,
    /// What clients may use up.
    pub limits: Limits,
    /// Serve over TLS, with this certificate. The device checks it by its own `update.ssl_ca_file`.
    pub tls: Option<Arc<ServerConfig>>,
    /// The network to serve on.
    pub network: Arc<dyn ServeNetwork>,
}

/// Serves the device alone, on this machine's network.
impl Default for Serving {
    fn default() -> Self {
        Self {
            listen: None,
            advertise: None,
            device_host: None,
            allow_from: Vec::new(),
            limits: Limits::default(),
            tls: None,
            network: Arc::new(LocalSockets),
        }
    }
}

/// Why the server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The device has no address that we know of.
    #[error("cannot tell which of this machine's addresses the device reaches: it reports no address of its own")]
    NoRoute,
    /// There is no way to the device's address.
    #[error("cannot tell which of this machine's addresses reaches {device}: {error}")]
    Unroutable {
        /// The device's address.
        device: String,
        /// What the system says.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot serve the firmware on {address}: {}", bind_error(.error))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

fn bind_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use by another program".into(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
        io::ErrorKind::PermissionDenied => "the port is not ours to open".into(),
        _ => error.to_string(),
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct FirmwareServer {
    scheme: &'static str,
    advertised: String,
    handler: Arc<Handler>,
    fetched: watch::Receiver<Fetched>,
    told: Option<mpsc::Receiver<Event>>,
    _tasks: JoinSet<()>,
}

impl FirmwareServer {
    /// Serves the bundle where the device that says `info` of itself can reach it, and to nobody else if its addresses
    /// are known.
    pub async fn start(bundle: &Bundle, serving: &Serving, info: &SystemInfo) -> Result<Self, ServeError> {
        let device = Whereabouts::find(serving.device_host.as_ref(), info).await;
        let bind = match serving.listen {
            Some(address) => address,
            None => device.local_address(serving.network.as_ref()).await?,
        };
        let listener = serving.network.listen(bind).map_err(|error| ServeError::Bind { address: bind, error })?;
        let bound = listener.local_addr().map_err(|error| ServeError::Bind { address: bind, error })?;
        let advertised = match &serving.advertise {
            Some((host, port)) => {
                let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
                format!("{host}:{}", port.unwrap_or(bound.port()))
            }
            None if bound.ip().is_unspecified() => {
                SocketAddr::new(device.local_address(serving.network.as_ref()).await?.ip(), bound.port()).to_string()
            }
            // Without a scope, which is this machine's and means nothing to the device.
            None => SocketAddr::new(bound.ip(), bound.port()).to_string(),
        };
        let allowed = Allowed::new(&device.addresses(), &serving.allow_from);
        tracing::debug!(?allowed, %advertised, "firmware server");
        Ok(Self::serve(bundle.bytes().clone(), listener, advertised, allowed, serving.limits, serving.tls.clone()))
    }

    fn serve(
        bundle: Bytes,
        listener: Box<dyn Listener>,
        advertised: String,
        allowed: Allowed,
        limits: Limits,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let (handler, fetched, told) = Handler::new(format!("/{}/firmware.zip", token()), bundle);
        let handler = Arc::new(handler);
        let acceptor = Arc::new(Acceptor::new(Arc::clone(&handler), allowed, limits));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept::accept(listener, tls.map(Into::into), acceptor));
        Self { scheme, advertised, handler, fetched, told: Some(told), _tasks: tasks }
    }

    /// Host and port for the device.
    #[must_use]
    pub fn advertised(&self) -> &str {
        &self.advertised
    }

    /// The whole URL for the device. The path is a secret.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.advertised, self.handler.path)
    }

    /// The size of the bundle in bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.handler.total()
    }

    /// What has been seen of the download, now and as it changes.
    #[must_use]
    pub fn fetched(&self) -> watch::Receiver<Fetched> {
        self.fetched.clone()
    }

    /// Those who were turned away because they are not known to be the device: the first of them, each once.
    #[must_use]
    pub fn strangers(&self) -> Vec<IpAddr> {
        self.handler.strangers()
    }

    /// The addresses that opened more connections without a request than there is room for: the first of them, each once.
    #[must_use]
    pub fn crowding(&self) -> Vec<IpAddr> {
        self.handler.crowding()
    }

    /// What can be proved of the download by now.
    #[must_use]
    pub fn delivery_report(&self) -> DeliveryReport {
        self.handler.delivery_report()
    }

    /// What happens at the server, to be told to an observer. The second time there is nothing.
    pub fn happenings(&mut self) -> Happenings {
        Happenings(self.told.take())
    }
}

/// What happens at a server: who comes, what he asks for, and what he gets.
#[derive(Debug)]
pub struct Happenings(Option<mpsc::Receiver<Event>>);

impl Happenings {
    /// Tells the observer as it happens, for as long as `work` goes on, and what is left of it in the end.
    pub async fn tell_during<T>(mut self, observer: &dyn Observer, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let result = loop {
            tokio::select! {
                // Biased so that the last bytes are told before the end of their transfer; happenings are few.
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

async fn next(told: &mut Option<mpsc::Receiver<Event>>) -> Event {
    if let Some(told) = told
        && let Some(event) = told.recv().await
    {
        return event;
    }
    std::future::pending().await
}

/// 128 random bits. A URL is short on a device: some keep it in 128 bytes.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    hex(&bytes)
}
