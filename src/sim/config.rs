//! The properties and the faults of a simulated device.

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
use crate::sim::service_set::Services;
use crate::sim::signing::UpdateConfig;

/// The properties and the faults of a simulated device.
#[derive(Debug, Clone)]
pub struct Config {
    /// The generation of the update service.
    pub generation: Generation,
    /// The services of the device.
    pub services: Services,
    /// Whether the device has a licence. Since 2019, a device without a licence refuses every URL.
    pub licensed: bool,
    /// The files in the device's file system, by name: bundles for `OTA.Update {file}`.
    pub files: BTreeMap<String, Bytes>,
    /// The device id, such as `esp32_AABBCC`.
    pub id: String,
    /// The firmware in the factory state. Its platform is the platform of the device.
    pub factory: Firmware,
    /// The duration of a reboot: the time in which the device does not answer.
    pub reboot_delay: Duration,
    /// The directory in which the flash is saved. `None`: the flash is lost when the process ends.
    pub state: Option<PathBuf>,
    /// The credentials that calls need. `None`: calls need no credentials.
    pub auth: Option<auth::Auth>,
    /// The signatures that a bundle needs.
    pub update: UpdateConfig,
    /// The Unix time at which the device's clock stands still. `None`: the clock of this machine.
    pub clock: Option<u64>,
    /// The pause between a lost connection of a pull and the request for the rest (since 2019).
    pub retry_after: Duration,
    /// The time that the device needs for each `OTA.Write` before it replies. Calls are processed one after another.
    pub write_time: Duration,
    /// The transmission time of every reply. It does not delay the next reply.
    pub reply_delay: Duration,
    /// The uptime when the device is switched on.
    ///
    /// `Sys.GetInfo` reports the uptime in whole seconds. A reboot is therefore visible only if the device has been
    /// running for some seconds.
    pub running_for: Duration,
    /// The faults of the device. If several faults match, the first one is triggered.
    pub faults: Vec<Fault>,
    /// The network over which the device reaches servers.
    pub network: Arc<dyn DeviceNetwork>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            services: Services::default(),
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
