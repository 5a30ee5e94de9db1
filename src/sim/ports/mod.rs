//! The ports of a simulated device: one server per transport.
//!
//! - [`server`]: all listening ports of one device, served by [`http`] and [`websocket`], by [`tcp`], and by [`udp`];
//! - [`tls`]: TLS below HTTP and WebSocket, which run over any [`stream`];
//! - [`mqtt`]: the device as a client of a broker;
//! - `serial`: a pseudo terminal, with [`uart`]: a line of real speed with small buffers;
//! - [`line_session`]: requests and replies on a serial line or a TCP connection, framed as [`uart_protocol`] says;
//! - [`replies`]: replies at once, in the next turn or later, on all of these.

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
