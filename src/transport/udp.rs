//! UDP: one frame per datagram.
//!
//! A datagram may be lost without an error. The session sends an idempotent request again, and any other request once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::{UdpSocket, lookup_host};
use tracing::Instrument as _;

use super::link::{Connect, Link, LinkDriver};
use super::target::Endpoint;
use crate::rpc::client::Links;
use crate::rpc::{Cause, DialError, DialFailure, LostReason};

/// The size of the largest datagram that otactl receives, in bytes: the maximum of UDP.
const MAX_RECEIVED: usize = 64 << 10;

/// The size of the largest datagram that otactl sends, in bytes.
///
/// A device reads only this much of a datagram. It drops the rest without an error, and parses what it has read.
pub const MAX_SENT: usize = 1460;

/// How long to wait for a reply before an idempotent request is sent again.
const RESEND_AFTER: Duration = Duration::from_millis(300);

/// Connects to a device over UDP.
#[derive(Debug)]
pub struct Udp {
    endpoint: Endpoint,
    peer: String,
}

impl Udp {
    /// Creates a client of the device at `endpoint`.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), peer: endpoint.to_string() }
    }
}

#[async_trait]
impl Connect for Udp {
    /// Connects a socket. Sends nothing.
    ///
    /// A connected socket receives datagrams from the device only, and fails if the host reports a closed port.
    async fn dial(&self) -> Result<Link, DialFailure> {
        let host = (self.endpoint.host(), self.endpoint.port());
        let mut found = lookup_host(host).await.map_err(|e| DialFailure::new(DialError::UnknownHost, e))?;
        let address = found.next().ok_or(DialError::UnknownHost)?;
        let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(address).await?;
        let (link, driver) = Link::pair();
        tokio::spawn(drive(socket, driver).in_current_span());
        Ok(link)
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn max_request(&self) -> usize {
        MAX_SENT + 1
    }

    fn links(&self) -> Links {
        Links::Lasting
    }

    fn may_execute_twice(&self) -> bool {
        true
    }

    fn resends_after(&self) -> Option<Duration> {
        Some(RESEND_AFTER)
    }

    fn may_lose_requests(&self) -> bool {
        true
    }

    /// Returns 1. One datagram may overtake another, and a device has room for few.
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
        io::ErrorKind::ConnectionRefused => LostReason::NoListener(Cause::new(error)),
        _ => error.into(),
    });
}

/// Carries frames until the socket fails. Returns the error.
async fn carry(socket: &UdpSocket, driver: &mut LinkDriver) -> io::Error {
    let mut buffer = vec![0; MAX_RECEIVED];
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rpc::{CallError, Request, RpcClient as _};
    use crate::transport::session::Session;
    use crate::transport::target::Target;

    /// Returns a session over UDP, and the socket of the device.
    async fn session() -> (Session, UdpSocket) {
        let device = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let port = format!("udp://{}", device.local_addr().expect("an address"));
        let Ok(Target::Udp(endpoint)) = port.parse() else { panic!("{port}") };
        (Session::new(Udp::new(&endpoint)), device)
    }

    fn padded(len: usize) -> Request {
        Request::new("M", Duration::from_secs(20)).with_params(json!({"pad": "x".repeat(len)}))
    }

    #[tokio::test]
    async fn request_of_1460_bytes_is_sent_and_of_1461_bytes_is_refused() {
        let (session, device) = session().await;
        let (size, limit) = match session.call(padded(2000)).await {
            Err(CallError::TooLarge { size, limit, .. }) => (size, limit),
            other => panic!("{other:?}"),
        };
        assert_eq!(limit, 1461);
        let fitting = 2000 - (size - 1460);
        let too_large = session.call(padded(fitting + 1)).await;
        assert!(matches!(too_large, Err(CallError::TooLarge { size: 1461, limit: 1461, .. })), "{too_large:?}");
        let mut buffer = vec![0; MAX_RECEIVED];
        let answer = async {
            let (len, host) = device.recv_from(&mut buffer).await.expect("a datagram");
            let request: serde_json::Value = serde_json::from_slice(&buffer[..len]).expect("a whole frame");
            let reply = json!({"id": request["id"], "result": true}).to_string();
            device.send_to(reply.as_bytes(), host).await.expect("sent");
            len
        };
        let (result, len) = tokio::join!(session.call(padded(fitting)), answer);
        assert_eq!((result.ok(), len), (Some(json!(true)), 1460), "the first datagram is the one that fits");
    }

    #[tokio::test]
    async fn params_of_maximum_size_fit_into_a_datagram() {
        let (session, _device) = session().await;
        let room = session.max_params(&padded(0));
        let frame = padded(room).encode(crate::rpc::client::LONGEST_ID, None);
        assert_eq!(frame.len(), MAX_SENT);
    }

    /// The refusal repeats the method of the request, which may be long.
    #[tokio::test]
    async fn refusal_of_long_device_request_is_not_sent() {
        let (session, device) = session().await;
        let mut buffer = vec![0; MAX_RECEIVED];
        let play = async {
            let (len, host) = device.recv_from(&mut buffer).await.expect("a datagram");
            let request: serde_json::Value = serde_json::from_slice(&buffer[..len]).expect("a frame");
            for method in ["x".repeat(1500), "short".into()] {
                let own = json!({"id": 7, "src": "dev", "method": method}).to_string();
                device.send_to(own.as_bytes(), host).await.expect("sent");
            }
            let (len, _) = device.recv_from(&mut buffer).await.expect("a datagram");
            let refusal = String::from_utf8_lossy(&buffer[..len]).into_owned();
            let reply = json!({"id": request["id"], "result": null}).to_string();
            device.send_to(reply.as_bytes(), host).await.expect("sent");
            refusal
        };
        let (result, refusal) = tokio::join!(session.call(padded(0)), play);
        assert!(result.is_ok(), "{result:?}");
        assert!(refusal.contains("short"), "the first datagram after the request: {refusal}");
    }
}
