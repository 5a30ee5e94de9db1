//! What a simulated device is, and what goes wrong on it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Bytes;

use crate::sim::auth;
use crate::sim::fault::Fault;
use crate::sim::firmware::Firmware;
use crate::sim::generation::Generation;
use crate::sim::http_client::{DeviceNetwork, Sockets};
use crate::sim::signing::UpdateConfig;

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
