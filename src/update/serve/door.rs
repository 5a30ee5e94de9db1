//! Who comes in, and how long he may stay.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::PIECE;
use super::allow::Allowed;
use super::listen::{Listener, Stream};
use super::patient::{Flushed, Patient};
use super::places::Places;
use super::site::{Asked, Site};

/// What the clients of a server may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all; a device uses one. When they are taken, those make room that have not asked for the firmware.
    pub connections: usize,
    /// Connections from one address.
    pub per_address: usize,
    /// How long the handshake of TLS may take, and then the head of a request.
    pub head: Duration,
    /// How long a peer may take nothing during a transfer.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 64, per_address: 4, head: seconds(10), stall: seconds(60) }
    }
}

/// The way to a site.
#[derive(Debug)]
pub(super) struct Door {
    site: Arc<Site>,
    allowed: Allowed,
    limits: Limits,
    places: Mutex<Places>,
}

impl Door {
    pub(super) fn new(site: Arc<Site>, allowed: Allowed, limits: Limits) -> Self {
        let places = Mutex::new(Places::new(limits.connections, limits.per_address));
        Self { site, allowed, limits, places }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets them in, for as long as nobody drops it.
pub(super) async fn accept(listener: Box<dyn Listener>, tls: Option<TlsAcceptor>, door: Arc<Door>) {
    let mut connections = JoinSet::new();
    // Of those that run: to end them when another needs their place.
    let mut handles: HashMap<u64, AbortHandle> = HashMap::new();
    loop {
        let accepted = tokio::select! {
            Some(ended) = connections.join_next() => {
                if let Ok(number) = ended {
                    handles.remove(&number);
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file handles, most likely; asking again at once would not find more.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // On a socket for both kinds of address, IPv4 ones come written as IPv6.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if !door.allowed.admits(peer.ip()) {
            // Closed without a word, before anything is read.
            drop(stream);
            door.site.turned_away(peer.ip());
            continue;
        }
        // One too many is dropped rather than kept waiting.
        let Some(given) = door.places().take(peer.ip()) else { continue };
        if let Some(handle) = given.left.and_then(|number| handles.remove(&number)) {
            handle.abort();
        }
        let (door, tls, number) = (Arc::clone(&door), tls.clone(), given.number);
        let handle = connections.spawn(async move {
            connection(stream, peer, tls, &door, number).await;
            door.places().leave(number);
            number
        });
        handles.insert(number, handle);
    }
}

async fn connection(stream: Box<dyn Stream>, peer: SocketAddr, tls: Option<TlsAcceptor>, door: &Door, number: u64) {
    let Some(acceptor) = tls else {
        let flushed = Flushed::default();
        let stream = Patient::new(stream, door.limits.stall, flushed.clone());
        return talk(stream, &flushed, peer, door, number).await;
    };
    let handshake = acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(PIECE)));
    match tokio::time::timeout(door.limits.head, handshake).await {
        Ok(Ok(stream)) => {
            let flushed = Flushed::default();
            let stream = Patient::new(stream, door.limits.stall, flushed.clone()).in_small_pieces();
            talk(stream, &flushed, peer, door, number).await;
        }
        Ok(Err(error)) => door.site.not_shaken(peer.ip(), &error.to_string()),
        Err(_) => door.site.not_shaken(peer.ip(), "it took too long"),
    }
}

/// One request and its answer.
pub(super) async fn talk<S>(stream: S, flushed: &Flushed, peer: SocketAddr, door: &Door, number: u64)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let said: Mutex<Option<Asked>> = Mutex::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        let (response, asked) = door.site.respond(&request, peer, flushed);
        if asked.knows_the_path() {
            door.places().prove(number);
        }
        *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(door.limits.head)
        .max_buf_size(PIECE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = &served {
        tracing::debug!(%peer, %error, "firmware server");
    }
    let asked = said.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(asked) = asked {
        // Not whether it was closed well: a peer that has all that it wants may be gone before that.
        door.site.finished(asked, flushed.get());
    }
}
