//! The device as a state machine.
//!
//! Every method that needs the time takes it as an argument. Nothing here waits, sends or stores.
//!
//! - [`SimulatedDevice`] holds the state of one device, and `flash` the part of the state that a power loss does not change;
//! - `boot` implements reboots, boots and timers; `slots` implements commit, revert and snapshots;
//! - `update` implements the update service of 2018, and the steps that all generations share;
//! - `ota` implements the update service since 2019 on the state in `ota_state`, with the sources in `push` and `pull`;
//! - [`updater`] reads a bundle, and `zip_directory` the end of its archive;
//! - [`config_tree`] holds the settings, `config_acl` tells which can be changed, and `settings` loads and saves them;
//! - [`files`] is a file system; `log_settings` is what the log is set to.

mod boot;
mod config_acl;
pub mod config_tree;
pub mod files;
mod flash;
mod log_settings;
mod ota;
mod ota_state;
mod pull;
mod push;
mod settings;
mod slots;
mod state_machine;
mod update;
pub mod updater;
mod zip_directory;

#[cfg(test)]
mod tests;

pub use flash::{Flash, Slot, StoredBootState};
pub use log_settings::LogSettings;
pub use ota_state::{FeedResult, PushReply, UpdateTimeouts};
pub use settings::USER_LEVEL;
pub use state_machine::{DeviceRefusal, Power, SimulatedDevice, Update2018};
