//! Which of this machine's addresses the device can reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;

use super::plan::Serving;
use super::serve::ServeError;
use crate::ota::SystemInfo;

/// The address of ours from which packets to the device leave, and which it can therefore answer to.
pub(super) async fn local_address(serving: &Serving, info: &SystemInfo) -> Result<IpAddr, ServeError> {
    let (device, mut targets) = match (&serving.device_host, info.address()) {
        (Some((host, port)), _) => {
            let unroutable = |error| ServeError::Unroutable { device: host.clone(), error };
            let found = tokio::net::lookup_host((host.as_str(), *port)).await.map_err(unroutable)?;
            (host.clone(), found.collect::<Vec<_>>())
        }
        (None, Some(ip)) => (ip.to_string(), vec![SocketAddr::new(ip, 80)]),
        (None, None) => return Err(ServeError::NoRoute),
    };
    // A device that has both kinds of address downloads over IPv4 for certain.
    targets.sort_by_key(SocketAddr::is_ipv6);
    let mut failure = ServeError::NoRoute;
    for target in targets {
        match route_to(target).await {
            Ok(address) => return Ok(address),
            Err(error) => failure = ServeError::Unroutable { device: device.clone(), error },
        }
    }
    Err(failure)
}

/// Connecting a UDP socket sends nothing, but makes the system choose a way.
async fn route_to(target: SocketAddr) -> io::Result<IpAddr> {
    let any = if target.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(target).await?;
    Ok(socket.local_addr()?.ip())
}
