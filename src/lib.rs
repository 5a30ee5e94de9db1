//! Updates the firmware of Mongoose OS devices over the air, and verifies the result.
//!
//! A Mongoose OS device offers an OTA service over its RPC protocol. This library contains
//! - a client for that protocol over serial ports, HTTP, WebSocket, MQTT, TCP and UDP;
//! - typed calls of the OTA service and of the other services that an update needs;
//! - a complete update. It checks the device and the bundle, transfers the bundle, waits for the reboot, runs health
//!   checks, and commits the new firmware or reverts to the old one;
//! - a simulated device, for tests without hardware.
//!
//! An update succeeds only if the device itself reports that the wanted build runs and is committed. The reply to a
//! single call is not taken as a proof.
//!
//! # Example
//!
//! Connects to a device and reads its boot state:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use otactl::ota::GetBootState;
//! use otactl::rpc::Device;
//! use otactl::transport::{self, Options, target::Target};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let target: Target = "ws://192.168.1.5".parse()?;
//! let client = transport::connect(&target, &Options::default())?;
//! let device = Device::new(client, Duration::from_secs(10));
//!
//! let state = device.call(GetBootState {}).await?;
//! if !state.is_committed {
//!     println!("the running firmware is not committed yet: {state}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`transport::connect`] only sets up the client. The connection is opened by the first call, and again after it was
//! lost. An update of the same `device` starts with [`update::run`]; `examples/update.rs` is a
//! whole program.
//!
//! # Modules
//!
//! - [`rpc`]: the RPC protocol: frames, typed calls, errors and authentication. It does no I/O.
//! - [`transport`]: the transports, which carry frames to a device. Contains TLS.
//! - [`ota`]: the OTA, Sys, RPC and Config services of a device as typed methods.
//! - [`bundle`]: the firmware bundle: reads, verifies and writes the zip with its manifest and signatures.
//! - `discover`: finds the serial ports of this machine, with their USB devices. Needs the feature `cli`.
//! - [`update`]: the update of one device, from the checks before it to the commit or the revert.
//! - `sim`: a simulated device, with one server per transport. Needs the feature `sim`.
//! - [`text`]: makes text from devices and servers safe to show.
//! - [`secrets`]: remembers passwords, and masks them in all text that is shown.
//! - [`mod@read_file`]: reads files that the user names, with limits of size and time.
//!
//! The modules depend on each other in one direction: `update` uses `ota` and `bundle`; `ota` and `transport` use
//! `rpc`. `sim` uses `bundle` and the framing of `transport`, and nothing else of the client, so that it does not share
//! the client's mistakes.
//!
//! # Features
//!
//! Both are on by default.
//!
//! - `cli`: the program `otactl` and its dependencies. It implies `sim`. A program that uses the library does not need it.
//! - `sim`: the simulated device. A program that only talks to devices does not need it.
//!
//! ```toml
//! [dependencies]
//! otactl = { version = "0.1", default-features = false }
//! ```
//!
//! Errors, events, targets and most other enums are `#[non_exhaustive]`: a match needs an arm for variants that a later
//! version adds. [`CallError::kind`](rpc::CallError::kind) and [`Failure::kind`](update::Failure::kind) sort the errors
//! into a few kinds that are exhaustive.
//!
//! # Runtime
//!
//! All I/O needs a [tokio](https://docs.rs/tokio) runtime with I/O and time enabled. The library writes nothing to the
//! terminal: an update reports [events](update::Event) to an [`Observer`](update::Observer), and diagnostics go to
//! `tracing`. The command line of otactl is part of the binary.

pub mod bundle;
#[cfg(feature = "cli")]
pub mod discover;
pub mod ota;
pub mod read_file;
pub mod rpc;
pub mod secrets;
#[cfg(feature = "sim")]
pub mod sim;
pub mod text;
pub mod transport;
pub mod update;
