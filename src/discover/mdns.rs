//! Devices that announce their web server on the local network (mDNS and DNS-SD).
//!
//! The `dns-sd` library of Mongoose OS announces the service `_http._tcp`, with the properties `id`, `arch` and `fw_id`. Firmware without that
//! library, or with `dns_sd.enable` off, announces nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent};
use tokio::time::{Instant, timeout_at};

use crate::text::device_text;

/// The service of a web server.
const SERVICE: &str = "_http._tcp.local.";

/// The port of a web server that a URL need not name.
const DEFAULT_PORT: u16 = 80;

/// A device that announces itself. The texts are safe to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Announced {
    /// The id of the device.
    pub id: String,
    /// The platform, such as `esp32`. Empty if the device does not announce it.
    pub platform: String,
    /// The build id. Empty if the device does not announce it.
    pub build_id: String,
    /// The IPv4 address of the web server.
    pub address: Ipv4Addr,
    /// The port of the web server.
    pub port: u16,
}

/// The local network cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot ask the local network for devices: {0}")]
pub struct MdnsError(#[from] mdns_sd::Error);

impl Announced {
    /// Returns the address of the device as a value of `--port`.
    #[must_use]
    pub fn target(&self) -> String {
        match self.port {
            DEFAULT_PORT => format!("ws://{}", self.address),
            port => format!("ws://{}:{port}", self.address),
        }
    }

    /// Returns the device of a service, or `None` if another program has announced it, or only for IPv6.
    fn of(service: &ResolvedService) -> Option<Self> {
        let property = |name| service.get_property_val_str(name).map(device_text).unwrap_or_default();
        let (id, platform, build_id) = (property("id"), property("arch"), property("fw_id"));
        let is_device = !id.is_empty() && (!platform.is_empty() || !build_id.is_empty());
        let addresses = service.get_addresses().iter().map(mdns_sd::ScopedIp::to_ip_addr);
        let address = addresses
            .filter_map(|address| match address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            })
            .min()?;
        is_device.then_some(Self { id, platform, build_id, address, port: service.get_port() })
    }
}

/// Asks the local network for `limit`, and calls `on_device` with each device, once for each of its addresses.
pub async fn announced(limit: Duration, mut on_device: impl FnMut(Announced)) -> Result<(), MdnsError> {
    let until = Instant::now() + limit;
    let daemon = ServiceDaemon::new()?;
    let events = daemon.browse(SERVICE)?;
    let mut known = Vec::new();
    // A flood of events never lets the timer end the wait for the next one.
    while Instant::now() < until
        && let Ok(Ok(event)) = timeout_at(until, events.recv_async()).await
    {
        if let ServiceEvent::ServiceResolved(service) = event
            && let Some(device) = Announced::of(&service)
            && !known.contains(&device)
        {
            known.push(device.clone());
            on_device(device);
        }
    }
    // The thread of the daemon ends with the process at the latest.
    let _ = daemon.shutdown();
    Ok(())
}
