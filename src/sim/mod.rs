//! A simulated Mongoose OS device. It stands in for the silicon only: sockets, downloads and zips
//! are real, and it answers as the recorded bytes in `tests/wire/` do.
//!
//! - [`device`]: the state machine: slots, boot state, reboots, timers; the clock is an argument;
//! - [`generation`]: the generation of its update service: 2018, 2019 or 2022;
//! - [`services`]: the methods, and the exact words of their answers; [`args`]: their arguments, leniently read;
//! - [`config_tree`]: its settings;
//! - [`auth`]: who may call them;
//! - [`wire`]: requests as the device's lenient scanner reads them, replies as it writes them;
//! - [`updater`]: the bundle, as the device takes it from a stream; pure as well. [`zip_directory`] finds the end of the
//!   bundle, [`update_error`] lists the reasons to refuse it;
//! - [`signing`]: whose bundles it takes;
//! - [`download`] (2018) and `pull` (since 2019): fetch a bundle over HTTP by [`http_client`], and feed the updater;
//! - [`fault`]: what can go wrong, and its names; [`faults`]: whether it does; pure too, and
//!   [`delivery`]: what that means for the replies;
//! - [`board`]: the device with its clock, its power and its downloads;
//! - [`server`]: the ports, served by [`http`] and [`websocket`], by [`tcp`] with [`lines`], and by [`udp`];
//! - [`replies`]: replies at once, in the next turn or later, on all of these; [`talk`]: what is said on a line;
//! - [`mqtt`]: the device as a client of a broker;
//! - [`tls`]: TLS below HTTP and WebSocket, which run over any [`stream`];
//! - [`uart`]: a line of real speed with small buffers; `serial`: the same on a pseudo terminal;
//! - [`storage`]: what outlives the process.
//!
//! Nothing here uses the client's side of otactl, so that a mistake there cannot hide itself.

pub mod args;
pub mod auth;
pub mod board;
pub mod config_tree;
pub mod delivery;
pub mod device;
pub mod download;
pub mod fault;
pub mod faults;
pub mod firmware;
pub mod generation;
pub mod http;
pub mod http_client;
pub mod lines;
pub mod mqtt;
mod pull;
pub mod replies;
#[cfg(unix)]
pub mod serial;
pub mod server;
pub mod services;
pub mod signing;
pub mod storage;
pub mod stream;
pub mod talk;
pub mod tcp;
pub mod tls;
pub mod uart;
pub mod udp;
pub mod update_error;
pub mod updater;
pub mod websocket;
pub mod wire;
pub mod zip_directory;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Bytes;

pub use fault::Fault;
pub use firmware::Firmware;
pub use generation::Generation;
use http_client::{DeviceNetwork, Sockets};
pub use server::Simulator;
pub use signing::UpdateConfig;

/// What a simulated device is.
#[derive(Debug, Clone)]
pub struct Config {
    /// The generation of its update service.
    pub generation: Generation,
    /// Whether it takes firmware from any URL. Since 2019, a device needs a licence for that.
    pub licensed: bool,
    /// The files in its file system, by name: bundles for `OTA.Update {file}`.
    pub files: BTreeMap<String, Bytes>,
    /// Its id, such as `esp32_AABBCC`.
    pub id: String,
    /// What it runs from the factory; its platform is the device's.
    pub factory: Firmware,
    /// How long a reboot takes, from silence to the first answer.
    pub reboot_delay: Duration,
    /// Where its flash is kept; `None` forgets it with the process.
    pub state: Option<PathBuf>,
    /// Who may talk to it; `None`: everybody.
    pub auth: Option<auth::Auth>,
    /// Whose firmware it takes.
    pub update: UpdateConfig,
    /// The unix time at which its clock stands still; `None`: that of this machine.
    pub clock: Option<u64>,
    /// The pause between a lost connection of a pull and the request for the rest (since 2019).
    pub retry_after: Duration,
    /// How long it is busy with each `OTA.Write`, one after another; the reply comes after that.
    pub write_time: Duration,
    /// How long every reply is on its way. The next one does not wait for it.
    pub reply_delay: Duration,
    /// How long it has been running when it is switched on. `Sys.GetInfo` tells the uptime in whole seconds, so that
    /// a reboot shows only on a device that has been running for some.
    pub running_for: Duration,
    /// What goes wrong, in this order.
    pub faults: Vec<Fault>,
    /// The network over which it reaches servers.
    pub network: Arc<dyn DeviceNetwork>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            licensed: true,
            files: BTreeMap::new(),
            id: "esp32_AABBCC".into(),
            factory: Firmware {
                app: "demo".into(),
                version: "1.0.0".into(),
                build_id: "20240101-000000/g0000000-factory".into(),
                platform: "esp32".into(),
            },
            reboot_delay: Duration::from_secs(1),
            state: None,
            auth: None,
            update: UpdateConfig::default(),
            clock: None,
            retry_after: Duration::from_secs(3),
            write_time: Duration::ZERO,
            reply_delay: Duration::ZERO,
            running_for: Duration::ZERO,
            faults: Vec::new(),
            network: Arc::new(Sockets),
        }
    }
}
