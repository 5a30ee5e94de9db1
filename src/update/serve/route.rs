//! The addresses of the device, and the local address that it can reach.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;

use super::error::ServeError;
use super::listen::ServeNetwork;
use crate::ota::SystemInfo;

/// The longest look-up of the device's name. The link to the device has looked it up before.
const MAX_LOOK_UP: Duration = Duration::from_secs(10);

/// The known addresses of the device.
#[derive(Debug)]
pub(super) struct DeviceAddresses {
    /// The host of the link to the device, if it has one, and the addresses of that host.
    host: Option<(String, io::Result<Vec<SocketAddr>>)>,
    /// The addresses that the device reports.
    reported: Vec<IpAddr>,
}

impl DeviceAddresses {
    /// Looks up the host, and takes the addresses in `info`.
    pub(super) async fn find(host: Option<&(String, u16)>, info: &SystemInfo) -> Self {
        let host = match host {
            Some((host, port)) => Some((host.clone(), look_up(host, *port).await)),
            None => None,
        };
        Self { host, reported: info.addresses() }
    }

    /// Returns the addresses from which the device may connect.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let found = self.host.iter().filter_map(|(_, found)| found.as_ref().ok()).flatten().map(SocketAddr::ip);
        found.chain(self.reported.iter().copied()).collect()
    }

    /// Returns the local address from which packets to the device leave, so that the device can reach it. It has port 0, and the scope that
    /// a link-local address needs.
    pub(super) async fn local_address(&self, network: &dyn ServeNetwork) -> Result<SocketAddr, ServeError> {
        let unroutable = |device: &str, error| ServeError::Unroutable { device: device.into(), error };
        let (device, mut targets) = match (&self.host, self.reported.first()) {
            (Some((host, Ok(found))), _) => (host.clone(), found.clone()),
            (Some((host, Err(error))), _) => {
                return Err(unroutable(host, io::Error::new(error.kind(), error.to_string())));
            }
            (None, Some(&ip)) => (ip.to_string(), vec![SocketAddr::new(ip, 80)]),
            (None, None) => return Err(ServeError::NoRoute),
        };
        // A device with both kinds of address is sure to download over IPv4.
        targets.sort_by_key(SocketAddr::is_ipv6);
        let mut failure = ServeError::NoRoute;
        for target in targets {
            match network.route_to(target).await {
                Ok(address) => return Ok(address),
                Err(error) => failure = unroutable(&device, error),
            }
        }
        Err(failure)
    }
}

async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    match tokio::time::timeout(MAX_LOOK_UP, lookup_host((host, port))).await {
        Ok(found) => found.map(Iterator::collect),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "its name is not found in time")),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;
    use crate::update::serve::listen::LocalSockets;

    /// Returns a link-local address of this machine, if the system lists one.
    fn link_local() -> Option<SocketAddrV6> {
        let table = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
        let fields = table.lines().find(|line| line.starts_with("fe80"))?;
        let mut fields = fields.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let scope = u32::from_str_radix(fields.next()?, 16).ok()?;
        Some(SocketAddrV6::new(address.into(), 80, 0, scope))
    }

    #[tokio::test]
    async fn link_local_address_can_be_listened_on() {
        // Not every machine has one.
        let Some(device) = link_local() else { return };
        let device = DeviceAddresses { host: Some(("device".into(), Ok(vec![device.into()]))), reported: Vec::new() };
        let address = device.local_address(&LocalSockets).await.expect("a route");
        let listener = LocalSockets.listen(address).expect("an address of this machine");
        assert_eq!(listener.local_addr().expect("an address").ip(), address.ip());
    }
}
