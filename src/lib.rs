//! otactl takes a Mongoose OS device to a new firmware and proves that it got there.
//!
//! The rooms, from the wire up:
//!
//! - [`rpc`]: the protocol: frames, typed calls, errors; no I/O;
//! - [`transport`]: how a frame reaches the device: WebSocket, HTTP, MQTT, TCP, UDP, serial ports; TLS below them;
//! - [`ota`]: the OTA, Sys and RPC services of a device as typed methods;
//! - [`bundle`]: the firmware zip: manifest, signatures, reading, checking, writing;
//! - [`update`]: the update of one device, from the preflight to the commit or the way back, and its verdict;
//! - [`sim`]: a simulated device;
//! - [`text`]: text from outside, made fit to be shown; [`mod@read_file`]: files that the user names;
//! - [`secrets`]: what is masked in all that is shown.
//!
//! `update` uses `ota`, which uses `rpc`, and `bundle`; `transport` uses `rpc`; nothing runs backwards. The
//! command line lives in the binary and is the only one that dials or writes to the terminal.

pub mod bundle;
pub mod ota;
pub mod read_file;
pub mod rpc;
pub mod secrets;
pub mod sim;
pub mod text;
pub mod transport;
pub mod update;
