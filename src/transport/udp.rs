//! UDP: one frame per datagram. A datagram may be lost, and nobody notices: what may arrive twice is sent
//! again by the session, all else once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::{UdpSocket, lookup_host};

use super::link::{Connect, Link, LinkDriver};
use super::target::Endpoint;
use crate::rpc::DialError;

/// The largest datagram there is, in bytes.
const MAX_DATAGRAM: usize = 64 << 10;

/// How long an answer is waited for before the question is sent again.
const RESEND_AFTER: Duration = Duration::from_millis(300);

/// The way to a device over UDP.
#[derive(Debug)]
pub struct Udp {
    endpoint: Endpoint,
    peer: String,
}

impl Udp {
    /// A way to `endpoint`.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), peer: endpoint.to_string() }
    }
}

#[async_trait]
impl Connect for Udp {
    /// Sends nothing: a socket that is connected takes answers from the device only, and hears when the
    /// device's host says that nobody listens.
    async fn dial(&self) -> Result<Link, DialError> {
        let host = (self.endpoint.host(), self.endpoint.port());
        let address = lookup_host(host).await.ok().and_then(|mut found| found.next()).ok_or(DialError::UnknownHost)?;
        let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).await.map_err(|e| DialError::from(&e))?;
        socket.connect(address).await.map_err(|e| DialError::from(&e))?;
        let (link, driver) = Link::pair();
        tokio::spawn(drive(socket, driver));
        Ok(link)
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn resends_after(&self) -> Option<Duration> {
        Some(RESEND_AFTER)
    }

    /// One datagram may overtake another, and a device has room for few.
    fn window(&self) -> usize {
        1
    }
}

/// Carries frames between the socket and the link until one of them ends.
async fn drive(socket: UdpSocket, mut driver: LinkDriver) {
    let dropped = driver.dropped();
    let error = tokio::select! {
        () = dropped => return,
        error = carry(&socket, &mut driver) => error,
    };
    driver.close(match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens on that port".into(),
        _ => error.to_string(),
    });
}

/// Returns when the socket fails.
async fn carry(socket: &UdpSocket, driver: &mut LinkDriver) -> io::Error {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        tokio::select! {
            received = socket.recv(&mut buffer) => match received {
                Ok(len) => {
                    driver.deliver(buffer[..len].to_vec()).await;
                }
                Err(error) => return error,
            },
            Some(frame) = driver.outgoing.recv() => if let Err(error) = socket.send(&frame).await {
                return error;
            },
        }
    }
}
