//! A simulated Mongoose OS device. It stands in for the silicon only: sockets, downloads and zips
//! are real, and it answers as the recorded bytes in `tests/wire/` do.
//!
//! - [`device`]: the state machine: slots, boot state, reboots, timers; the clock is an argument;
//! - [`services`]: the methods, and the exact words of their answers;
//! - [`auth`]: who may call them;
//! - [`wire`]: requests as the device's lenient scanner reads them, replies as it writes them;
//! - [`updater`]: the bundle, as the device takes it from a stream; pure as well;
//! - [`signing`]: whose bundles it takes;
//! - [`push`]: feeds the updater with what a caller sends;
//! - [`download`]: fetches a bundle over HTTP and feeds the updater;
//! - [`fault`]: what can go wrong, and its names; [`faults`]: whether it does; pure too, and
//!   [`delivery`]: what that means for the replies;
//! - [`board`]: the device with its clock, its power and its downloads;
//! - [`server`]: the ports, served by [`http`] and [`websocket`], by [`tcp`] with [`lines`], and by [`udp`];
//! - [`replies`]: replies at once or later, on all of these; [`talk`]: what is said on a line;
//! - [`mqtt`]: the device as a client of a broker;
//! - [`tls`]: TLS below HTTP and WebSocket, which run over any [`stream`];
//! - [`uart`]: a line of real speed with small buffers; `serial`: the same on a pseudo terminal;
//! - [`storage`]: what outlives the process.
//!
//! Nothing here uses the client's side of otactl, so that a mistake there cannot hide itself.

pub mod auth;
pub mod board;
pub mod delivery;
pub mod device;
pub mod download;
pub mod fault;
pub mod faults;
pub mod http;
pub mod lines;
pub mod mqtt;
pub mod push;
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
pub mod updater;
pub mod websocket;
pub mod wire;

use std::path::PathBuf;
use std::time::Duration;

pub use device::Firmware;
pub use fault::Fault;
pub use push::Push;
pub use server::Simulator;
pub use signing::UpdateConfig;

/// What a simulated device is.
#[derive(Debug, Clone)]
pub struct Config {
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
    /// Whether a caller can send it an update, and how.
    pub push: Push,
    /// How long it is busy with each `OTA.Write`, one after another; the reply comes after that.
    pub write_time: Duration,
    /// How long every reply is on its way. The next one does not wait for it.
    pub reply_delay: Duration,
    /// How long it has been running when it is switched on. `Sys.GetInfo` tells the uptime in whole seconds, so that
    /// a reboot shows only on a device that has been running for some.
    pub running_for: Duration,
    /// What goes wrong, in this order.
    pub faults: Vec<Fault>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
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
            push: Push::default(),
            write_time: Duration::ZERO,
            reply_delay: Duration::ZERO,
            running_for: Duration::ZERO,
            faults: Vec::new(),
        }
    }
}
