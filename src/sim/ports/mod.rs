//! The ports of a simulated device: one server per transport.
//!
//! - [`server`]: starts a device and all of its ports;
//! - [`http`], [`websocket`], [`tcp`], [`udp`]: the listening ports;
//! - [`tls`]: TLS for HTTP and WebSocket; [`stream`]: the byte streams that carry HTTP and WebSocket;
//! - [`mqtt`]: the device as a client of an MQTT broker;
//! - `serial`: a pseudo terminal; [`uart`]: a serial line with limited speed and small buffers;
//! - [`line_session`]: requests and replies on a serial line or a TCP connection; [`uart_protocol`]: their framing;
//! - [`replies`]: the replies of one port that are sent later.

pub mod http;
pub mod line_session;
pub mod mqtt;
pub mod replies;
#[cfg(unix)]
pub mod serial;
pub mod server;
pub mod stream;
pub mod tcp;
pub mod tls;
pub mod uart;
pub mod uart_protocol;
pub mod udp;
pub mod websocket;
