//! Accepts connections and enforces the per-connection limits.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::allow::Allowed;
use super::connection_slots::ConnectionSlots;
use super::handler::{Handler, ServedRequest};
use super::listen::{BUFFER_SIZE, Listener, Stream};
use super::routes::Routes;
use super::write_timeout::{Outflow, WriteTimeout};

/// The limits that the clients of a firmware server share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeLimits {
    /// The largest number of connections; a device uses one. At the limit, a new connection replaces one that has not requested the firmware.
    pub connections: usize,
    /// The largest number of connections from one address, for each bundle that it may request: several devices may be behind one NAT.
    /// New ones may exceed it while slots are free.
    pub per_address: usize,
    /// How long the TLS handshake may take, and after it the head of a request.
    pub head: Duration,
    /// How long a client may take no bytes during a transfer.
    pub stall: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 128, per_address: 4, head: seconds(10), stall: seconds(60) }
    }
}

/// Lets allowed clients reach their handlers, within the limits.
#[derive(Debug)]
pub(super) struct Acceptor {
    routes: Routes,
    limits: ServeLimits,
    slots: Mutex<ConnectionSlots>,
}

impl Acceptor {
    pub(super) fn new(limits: ServeLimits) -> Self {
        let slots = Mutex::new(ConnectionSlots::new(limits.connections, limits.per_address));
        Self { routes: Routes::default(), limits, slots }
    }

    /// Serves one more bundle.
    pub(super) fn add(&self, handler: Arc<Handler>, allowed: Allowed) {
        self.routes.add(handler, allowed);
    }

    /// Stops to serve the bundle at `path`, and ends its transfers.
    pub(super) fn remove(&self, path: &str) {
        self.routes.remove(path);
        for connection in self.slots().take_all_of(path) {
            connection.end();
        }
    }

    fn crowded(&self, client: IpAddr) {
        self.routes.of_client(client).iter().for_each(|handler| handler.crowded(client));
    }

    fn handshake_failed(&self, client: IpAddr, reason: &str) {
        self.routes.of_client(client).iter().for_each(|handler| handler.handshake_failed(client, reason));
    }

    fn slots(&self) -> MutexGuard<'_, ConnectionSlots> {
        self.slots.lock()
    }
}

/// A listener that accepts connections until it is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) address: SocketAddr,
    pub(super) acceptor: Arc<Acceptor>,
    _tasks: JoinSet<()>,
}

impl Listening {
    /// Accepts the connections of `listener`, with TLS if `tls` is given.
    pub(super) fn start(
        listener: Box<dyn Listener>,
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        limits: ServeLimits,
    ) -> Self {
        let acceptor = Arc::new(Acceptor::new(limits));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, Arc::clone(&acceptor)));
        Self { address, acceptor, _tasks: tasks }
    }
}

/// The slot of one connection. Dropping it frees the slot, also after a panic.
struct SlotGuard {
    acceptor: Arc<Acceptor>,
    number: u64,
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.acceptor.slots().free(self.number);
    }
}

/// Returns the address of a client in its usual form. A dual-stack socket reports IPv4 addresses as IPv6; an IPv6 address keeps its
/// scope.
fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, peer.port()),
        IpAddr::V6(_) => peer,
    }
}

/// Accepts connections until the future is dropped.
async fn accept(listener: Box<dyn Listener>, tls: Option<TlsAcceptor>, acceptor: Arc<Acceptor>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Most likely the process is out of file handles, which an immediate retry would not change.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Frees the memory of the connections that have ended.
        while connections.try_join_next().is_some() {}
        let peer = canonical(peer);
        let bundles = acceptor.routes.of_client(peer.ip()).len();
        if bundles == 0 {
            // Closed before anything is read.
            drop(stream);
            acceptor.routes.all().iter().for_each(|handler| handler.refused(peer.ip()));
            continue;
        }
        let Some(slot) = acceptor.slots().take(peer.ip(), bundles, Instant::now()) else {
            acceptor.crowded(peer.ip());
            continue;
        };
        if let Some(evicted) = slot.evicted {
            acceptor.crowded(evicted.address);
            evicted.end();
        }
        let number = slot.number;
        let (guard, tls) = (SlotGuard { acceptor: Arc::clone(&acceptor), number }, tls.clone());
        let task = connections.spawn(async move { serve(stream, peer, tls, &guard.acceptor, number).await });
        acceptor.slots().set_task(number, task);
    }
}

/// Serves one connection, with TLS if `tls` is given.
async fn serve(stream: Box<dyn Stream>, peer: SocketAddr, tls: Option<TlsAcceptor>, acceptor: &Acceptor, number: u64) {
    let Some(tls_acceptor) = tls else {
        let outflow = Outflow::default();
        let stream = WriteTimeout::new(stream, acceptor.limits.stall, outflow.clone());
        return serve_request(stream, &outflow, peer, acceptor, number).await;
    };
    let handshake = tls_acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(BUFFER_SIZE)));
    match tokio::time::timeout(acceptor.limits.head, handshake).await {
        Ok(Ok(stream)) => {
            let outflow = Outflow::default();
            let stream = WriteTimeout::new(stream, acceptor.limits.stall, outflow.clone()).in_tls_records();
            serve_request(stream, &outflow, peer, acceptor, number).await;
        }
        Ok(Err(error)) => acceptor.handshake_failed(peer.ip(), &error.to_string()),
        Err(_) => acceptor.handshake_failed(peer.ip(), "it took too long"),
    }
}

/// Serves the one request of a connection.
pub(super) async fn serve_request<S>(stream: S, outflow: &Outflow, peer: SocketAddr, acceptor: &Acceptor, number: u64)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let served: Mutex<Option<(Arc<Handler>, ServedRequest)>> = Mutex::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        let response = acceptor.routes.of_request(request.uri().path(), peer.ip()).map(|handler| {
            let (response, request) = handler.respond(&request, peer, outflow);
            if request.knows_path() {
                acceptor.slots().prove(number, &handler.path);
            }
            *served.lock() = Some((handler, request));
            response
        });
        // Without a handler, the bundle has just been taken away.
        async move { response.ok_or(Gone) }
    });
    let result = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(acceptor.limits.head)
        .max_buf_size(BUFFER_SIZE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = &result {
        tracing::debug!(%peer, %error, "firmware server");
    }
    let served = served.lock().take();
    if let Some((handler, served)) = served {
        // The result does not count: a client that has every byte may close the connection first.
        handler.finished(served, outflow.is_flushed());
    }
}

/// No bundle is served to the client any more.
#[derive(Debug, thiserror::Error)]
#[error("no bundle is served to this client any more")]
struct Gone;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slot_of_a_panicking_connection_is_freed() {
        let limits = ServeLimits { connections: 1, ..ServeLimits::default() };
        let acceptor = Arc::new(Acceptor::new(limits));
        let address = IpAddr::from([127, 0, 0, 1]);
        let take = || acceptor.slots().take(address, 1, Instant::now());
        let number = take().expect("a slot").number;
        let guard = SlotGuard { acceptor: Arc::clone(&acceptor), number };
        assert!(take().is_none());
        let panics = tokio::spawn(async move {
            let _guard = guard;
            panic!("as a test does");
        });
        assert!(panics.await.is_err());
        assert!(take().is_some());
    }

    #[test]
    fn ipv6_client_address_keeps_its_scope() {
        let scoped = SocketAddr::V6(std::net::SocketAddrV6::new("fe80::1".parse().expect("an address"), 80, 0, 4));
        assert_eq!(canonical(scoped).to_string(), "[fe80::1%4]:80");
        assert_eq!(canonical("[::ffff:10.0.0.7]:80".parse().expect("an address")).to_string(), "10.0.0.7:80");
    }
}
