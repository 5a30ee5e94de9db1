//! Who comes in, and how long he may stay.

use std::collections::HashMap;
use std::convert::Infallible;
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
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::PIECE;
use super::allow::Allowed;
use super::connection_slots::ConnectionSlots;
use super::handler::{Asked, Handler};
use super::listen::{Listener, Stream};
use super::write_timeout::{Outflow, WriteTimeout};

/// What the clients of a server may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all; a device uses one. When they are taken, those make room that have not asked for the firmware.
    pub connections: usize,
    /// Connections from one address. More are taken while they are new, and there is room.
    pub per_address: usize,
    /// How long the handshake of TLS may take, and then the head of a request.
    pub head: Duration,
    /// How long a peer may take nothing during a transfer.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 128, per_address: 4, head: seconds(10), stall: seconds(60) }
    }
}

/// The way to a handler.
#[derive(Debug)]
pub(super) struct Acceptor {
    handler: Arc<Handler>,
    allowed: Allowed,
    limits: Limits,
    places: Mutex<ConnectionSlots>,
}

impl Acceptor {
    pub(super) fn new(handler: Arc<Handler>, allowed: Allowed, limits: Limits) -> Self {
        let places = Mutex::new(ConnectionSlots::new(limits.connections, limits.per_address));
        Self { handler, allowed, limits, places }
    }

    fn places(&self) -> MutexGuard<'_, ConnectionSlots> {
        self.places.lock()
    }
}

/// The place of a connection. It is left when the connection ends in any way, a panic included.
struct Seat {
    acceptor: Arc<Acceptor>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.acceptor.places().leave(self.number);
    }
}

/// The peer as this machine names it. On a socket for both kinds of address, IPv4 ones come written as IPv6; an IPv6
/// address keeps its scope.
fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, peer.port()),
        IpAddr::V6(_) => peer,
    }
}

/// Lets them in, for as long as nobody drops it.
pub(super) async fn accept(listener: Box<dyn Listener>, tls: Option<TlsAcceptor>, acceptor: Arc<Acceptor>) {
    let mut connections = JoinSet::new();
    // Of those that run: to end them when another needs their place.
    let mut handles: HashMap<u64, AbortHandle> = HashMap::new();
    loop {
        let accepted = tokio::select! {
            Some(ended) = connections.join_next() => {
                match ended {
                    Ok(number) => drop(handles.remove(&number)),
                    // It does not say which it was.
                    Err(_) => handles.retain(|_, handle| !handle.is_finished()),
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
        let peer = canonical(peer);
        if !acceptor.allowed.admits(peer.ip()) {
            // Closed without a word, before anything is read.
            drop(stream);
            acceptor.handler.turned_away(peer.ip());
            continue;
        }
        // One too many is dropped rather than kept waiting.
        let given = acceptor.places().take(peer.ip(), Instant::now());
        let Some(given) = given else {
            acceptor.handler.crowded(peer.ip());
            continue;
        };
        if let Some((number, address)) = given.left {
            acceptor.handler.crowded(address);
            if let Some(handle) = handles.remove(&number) {
                handle.abort();
            }
        }
        let (seat, tls) = (Seat { acceptor: Arc::clone(&acceptor), number: given.number }, tls.clone());
        let number = given.number;
        let handle = connections.spawn(async move {
            connection(stream, peer, tls, &seat.acceptor, number).await;
            number
        });
        handles.insert(number, handle);
    }
}

async fn connection(
    stream: Box<dyn Stream>,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    acceptor: &Acceptor,
    number: u64,
) {
    let Some(tls_acceptor) = tls else {
        let outflow = Outflow::default();
        let stream = WriteTimeout::new(stream, acceptor.limits.stall, outflow.clone());
        return talk(stream, &outflow, peer, acceptor, number).await;
    };
    let handshake = tls_acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(PIECE)));
    match tokio::time::timeout(acceptor.limits.head, handshake).await {
        Ok(Ok(stream)) => {
            let outflow = Outflow::default();
            let stream = WriteTimeout::new(stream, acceptor.limits.stall, outflow.clone()).in_small_pieces();
            talk(stream, &outflow, peer, acceptor, number).await;
        }
        Ok(Err(error)) => acceptor.handler.not_shaken(peer.ip(), &error.to_string()),
        Err(_) => acceptor.handler.not_shaken(peer.ip(), "it took too long"),
    }
}

/// One request and its answer.
pub(super) async fn talk<S>(stream: S, outflow: &Outflow, peer: SocketAddr, acceptor: &Acceptor, number: u64)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let said: Mutex<Option<Asked>> = Mutex::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        let (response, asked) = acceptor.handler.respond(&request, peer, outflow);
        if asked.knows_the_path() {
            acceptor.places().prove(number);
        }
        *said.lock() = Some(asked);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(acceptor.limits.head)
        .max_buf_size(PIECE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = &served {
        tracing::debug!(%peer, %error, "firmware server");
    }
    let asked = said.lock().take();
    if let Some(asked) = asked {
        // Not whether it was closed well: a peer that has all that it wants may be gone before that.
        acceptor.handler.finished(asked, outflow.is_flushed());
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn place_of_a_connection_that_panics_is_free_again() {
        let (handler, _fetched, _told) = Handler::new("/x".into(), Bytes::new());
        let limits = Limits { connections: 1, ..Limits::default() };
        let acceptor = Arc::new(Acceptor::new(Arc::new(handler), Allowed::Everybody, limits));
        let address = IpAddr::from([127, 0, 0, 1]);
        let take = || acceptor.places().take(address, Instant::now());
        let number = take().expect("a place").number;
        let seat = Seat { acceptor: Arc::clone(&acceptor), number };
        assert_eq!(take(), None);
        let panics = tokio::spawn(async move {
            let _seat = seat;
            panic!("as a test does");
        });
        assert!(panics.await.is_err());
        assert!(take().is_some());
    }

    #[test]
    fn peer_keeps_the_scope_of_its_address() {
        let scoped = SocketAddr::V6(std::net::SocketAddrV6::new("fe80::1".parse().expect("an address"), 80, 0, 4));
        assert_eq!(canonical(scoped).to_string(), "[fe80::1%4]:80");
        assert_eq!(canonical("[::ffff:10.0.0.7]:80".parse().expect("an address")).to_string(), "10.0.0.7:80");
    }
}
