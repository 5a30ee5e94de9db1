//! A simulated Mongoose OS device. It stands in for the silicon only: sockets, downloads and zips
//! are real, and it answers as the recorded bytes in `tests/wire/` do.
//!
//! - [`config`]: what the device is, and what goes wrong on it;
//! - [`ports`]: one server per transport;
//! - [`board`]: the device with its clock, its power, its flash file and its downloads;
//! - [`services`]: the methods, and the exact text of their replies;
//! - [`device`]: the state machine: slots, boot state, reboots, timers, bundles; pure, the clock is an argument;
//! - [`fault`]: what can go wrong, and when it does; pure too;
//! - [`wire`]: requests as the device's lenient scanner reads them, replies as it writes them;
//! - [`auth`]: which calls need credentials; [`signing`]: whose bundles the device takes; [`http_client`]: its HTTP client;
//! - [`generation`]: the generation of its OTA service: 2018, 2019 or 2022; [`firmware`]: a firmware; [`mac`](mod@mac): its MAC address;
//!   [`update_error`]: the reasons to refuse a bundle.
//!
//! Nothing here uses the client's side of otactl, so that a mistake there cannot hide itself.

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
pub mod services;
pub mod signing;
pub mod update_error;
pub mod wire;

pub use config::Config;
pub use fault::Fault;
pub use firmware::Firmware;
pub use generation::Generation;
pub use ports::server::Simulator;
pub use signing::UpdateConfig;
