//! How a frame reaches the device.
//!
//! - [`target`]: a device's address, parsed;
//! - [`link`]: [`Link`](link::Link), frames in both directions, and [`Connect`](link::Connect), what
//!   makes one;
//! - [`session`]: makes an [`RpcClient`] of any `Connect`: it matches replies to calls (`calls`,
//!   `pending`), keeps deadlines, dials again (`backoff`);
//! - [`reach`]: a TCP connection to one of a host's addresses;
//! - `variant`: which of two ways of asking a device understands;
//! - [`framing`]: frames and console text in a stream of bytes, for TCP and UART;
//! - [`serial`], [`mqtt`], [`websocket`], [`tcp`], [`udp`]: a `Connect` each;
//! - [`http`]: an [`RpcClient`] of its own, since HTTP matches replies to requests by itself;
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

/// What the user may set about a connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long it may take until a connection stands.
    pub connect_timeout: Duration,
    /// What concerns TLS only.
    pub tls: tls::Settings,
    /// What concerns serial ports only.
    pub serial: serial::Settings,
    /// What concerns brokers only.
    pub mqtt: mqtt::Settings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            tls: tls::Settings::default(),
            serial: serial::Settings::default(),
            mqtt: mqtt::Settings::default(),
        }
    }
}

/// The one match on the kind of a target. Nothing is dialled before the first call; what TLS needs is
/// read here, so that a file that is not there is found out before.
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
        Target::Sim(_) => Err(ConnectError::NotYet("sim: (other than from the command line)")),
    }
}
