//! The transports: how a frame reaches the device.
//!
//! [`connect`] makes an [`RpcClient`] for a [`Target`].
//!
//! - [`target`]: the address of a device;
//! - [`link`]: [`Link`](link::Link), one connection that carries frames, and [`Connect`](link::Connect), the trait that
//!   opens it;
//! - [`session`]: makes an [`RpcClient`] of any `Connect`. It matches replies to calls (`calls`, `pending`), enforces
//!   deadlines, and connects again (`backoff`);
//! - [`serial`], [`mqtt`], [`websocket`], [`tcp`], [`udp`]: one `Connect` each;
//! - [`http`]: an [`RpcClient`] of its own, since HTTP matches replies to requests itself;
//! - [`framing`]: frames and console text in a stream of bytes, for TCP and serial ports;
//! - `variant`: finds out which of two variants of the protocol a device understands;
//! - [`reach`]: opens a TCP connection to one of a host's addresses;
//! - [`tls`]: certificates and their errors.

mod backoff;
mod calls;
mod connect_error;
pub mod framing;
pub mod http;
pub mod link;
pub mod mqtt;
mod pending;
pub mod reach;
pub mod serial;
pub mod session;
pub mod target;
pub mod tcp;
pub mod tls;
pub mod udp;
mod variant;
pub mod websocket;

use std::time::Duration;

use crate::rpc::RpcClient;
pub use connect_error::ConnectError;
use http::Http;
use mqtt::Mqtt;
use serial::Serial;
use session::Session;
use target::Target;
use tcp::Tcp;
use udp::Udp;
use websocket::WebSocket;

/// The options of a connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// The maximum time to connect. Default: 10 s.
    pub connect_timeout: Duration,
    /// The options of TLS.
    pub tls: tls::TlsSettings,
    /// The options of serial ports.
    pub serial: serial::SerialSettings,
    /// The options of MQTT.
    pub mqtt: mqtt::MqttSettings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            tls: tls::TlsSettings::default(),
            serial: serial::SerialSettings::default(),
            mqtt: mqtt::MqttSettings::default(),
        }
    }
}

/// Creates the client for `target`. The client connects at the first call.
///
/// The files that TLS needs are read here, so that a missing file is reported before the first call.
pub fn connect(target: &Target, options: &Options) -> Result<Box<dyn RpcClient>, ConnectError> {
    let timeout = options.connect_timeout;
    match target {
        Target::WebSocket(endpoint) => Ok(Box::new(Session::new(WebSocket::new(endpoint, timeout, &options.tls)?))),
        Target::Http(endpoint) => Ok(Box::new(Http::new(endpoint, timeout, &options.tls)?)),
        Target::Serial(path) => Ok(Box::new(Session::new(Serial::new(path, &options.serial)))),
        Target::Mqtt(endpoint) => {
            Ok(Box::new(Session::new(Mqtt::new(endpoint, timeout, &options.tls, &options.mqtt)?)))
        }
        Target::Tcp(endpoint) => Ok(Box::new(Session::new(Tcp::new(endpoint, timeout)))),
        Target::Udp(endpoint) => Ok(Box::new(Session::new(Udp::new(endpoint)))),
    }
}
