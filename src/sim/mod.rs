//! A simulated Mongoose OS device.
//!
//! The simulator replaces only the hardware. Its sockets, downloads and bundles are real, and its replies equal the
//! recorded bytes in `tests/wire/`.
//!
//! - [`config`]: the properties and the faults of a device;
//! - [`ports`]: one server per transport;
//! - [`board`]: a device in real time, with power, downloads and a flash file;
//! - [`services`]: the methods, and the exact text of their replies;
//! - [`device`]: the state machine: slots, boot state, reboots, timers and updates; no I/O, the clock is an argument;
//! - [`fault`]: what can go wrong, and when it does; no I/O;
//! - [`wire`]: requests as the device reads them, and replies as the device writes them;
//! - [`auth`]: the calls that need credentials; [`signing`]: the signatures that a bundle needs;
//!   [`http_client`]: the client for downloads;
//! - [`generation`]: the generation of the OTA service (2018, 2019 or 2022); [`firmware`]: a firmware;
//!   [`service_set`]: the services of a device; [`mac`](mod@mac): the MAC address; [`update_error`]: the reasons for which an update fails.
//!
//! This module shares no protocol code with the client's side of otactl. A mistake in the client is therefore not
//! repeated here and stays visible in tests.

pub mod auth;
pub mod board;
pub mod config;
pub mod device;
pub mod fault;
pub mod firmware;
pub mod generation;
pub mod http_client;
pub mod mac;
pub mod ports;
pub mod service_set;
pub mod services;
pub mod signing;
pub mod update_error;
pub mod wire;

pub use config::Config;
pub use fault::Fault;
pub use firmware::Firmware;
pub use generation::Generation;
pub use ports::server::Simulator;
pub use service_set::Services;
pub use signing::UpdateConfig;
