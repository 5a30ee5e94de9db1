//! What `otactl show` tells about a device: its facts as lines for people, or as JSON. Pure.

#[cfg(test)]
mod tests;

use std::time::Duration;

use otactl::ota::{BootState, Engine, Slot, Status, SystemInfo, UpdateState};
use otactl::text::device_text;
use serde::Serialize;

use super::clock::{brief, milliseconds};
use super::wrap::wrap;

/// The column at which the text of a line begins, after its name.
const TEXT_COLUMN: usize = 14;

/// The services of most devices. Those that a device lacks are named.
const COMMON_SERVICES: [&str; 5] = ["Config", "FS", "OTA", "Sys", "Wifi"];

/// What a device reports about itself. Fields without a value are left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct DeviceFacts {
    id: String,
    platform: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mongoose_os_version: String,
    /// The address of the device, without secrets.
    port: String,
    round_trip_ms: f64,
    app: String,
    version: String,
    build_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<Slot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert_slot: Option<Slot>,
    /// Seconds until the device rolls back by itself, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<UpdateFacts>,
    /// The update service of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<UpdateService>,
    /// Whether the device has a licence key, if it needs one for a pull.
    #[serde(skip_serializing_if = "Option::is_none")]
    licensed: Option<bool>,
    /// Seconds since the boot.
    uptime: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ram_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ram_free: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fs_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fs_free: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network: Vec<NetworkFacts>,
    /// The number of methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<usize>,
    /// The common services that the device lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_services: Option<Vec<&'static str>>,
}

/// The state of the updater.
#[derive(Debug, Serialize)]
struct UpdateFacts {
    state: String,
    message: String,
    progress_percent: u8,
}

/// The generations of the update service that the methods of a device distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum UpdateService {
    #[serde(rename = "2018")]
    Y2018,
    #[serde(rename = "2019")]
    Since2019,
}

/// An address of the device.
#[derive(Debug, PartialEq, Serialize)]
struct NetworkFacts {
    interface: &'static str,
    /// The name of the Wi-Fi network.
    #[serde(skip_serializing_if = "Option::is_none")]
    ssid: Option<String>,
    ip: String,
}

impl DeviceFacts {
    /// Returns the facts in the reply to `Sys.GetInfo` of the device at `port`, which took `round_trip`.
    pub(crate) fn new(info: &SystemInfo, port: String, round_trip: Duration) -> Self {
        Self {
            id: info.id.clone(),
            platform: info.arch.clone(),
            mongoose_os_version: info.mg_version.clone(),
            port,
            round_trip_ms: (round_trip.as_secs_f64() * 1e6).round() / 1e3,
            app: info.app.clone(),
            version: info.fw_version.clone(),
            build_id: info.fw_id.clone(),
            uptime: info.uptime,
            ram_size: info.ram_size,
            ram_free: info.ram_free,
            fs_size: info.fs_size,
            fs_free: info.fs_free,
            network: network(info),
            ..Self::default()
        }
    }

    /// Adds the boot state, and the time until the rollback.
    pub(crate) fn with_boot_state(self, boot: &BootState, reverts_in: Option<Duration>) -> Self {
        Self {
            slot: boot.active_slot,
            committed: Some(boot.is_committed),
            revert_slot: boot.revert_slot,
            reverts_in: reverts_in.map(|left| left.as_secs()),
            ..self
        }
    }

    /// Adds the state of the updater.
    pub(crate) fn with_update(self, status: &Status) -> Self {
        let state = match status.state {
            UpdateState::Idle => "idle".into(),
            UpdateState::Progress => "progress".into(),
            UpdateState::Error => "error".into(),
            UpdateState::Success => "success".into(),
            UpdateState::Unknown(number) => number.to_string(),
            other => format!("{other:?}").to_lowercase(),
        };
        let update = UpdateFacts { state, message: status.message.clone(), progress_percent: status.percent() };
        Self { update: Some(update), ..self }
    }

    /// Adds the methods.
    pub(crate) fn with_methods(self, methods: &[String]) -> Self {
        let has = |service: &str| {
            methods.iter().any(|method| method.strip_prefix(service).is_some_and(|name| name.starts_with('.')))
        };
        let missing = COMMON_SERVICES.into_iter().filter(|service| !has(service)).collect();
        let generation = has("OTA").then(|| match Engine::of(Some(methods), false) {
            Engine::OneShot => UpdateService::Y2018,
            _ => UpdateService::Since2019,
        });
        Self { methods: Some(methods.len()), missing_services: Some(missing), generation, ..self }
    }

    /// Tells whether the device refuses a pull without a licence key.
    pub(crate) fn may_need_license(&self) -> bool {
        self.generation == Some(UpdateService::Since2019)
    }

    /// Adds whether the device has a licence key. `None`: the device does not report it.
    pub(crate) fn with_license(self, licensed: Option<bool>) -> Self {
        Self { licensed, ..self }
    }

    /// Returns the lines for people, of at most `columns` characters. `at` formats the time in a number of seconds.
    ///
    /// `addressed` lets the commands in a text name the device.
    pub(crate) fn text(
        &self,
        columns: Option<usize>,
        at: impl Fn(u64) -> String,
        addressed: impl Fn(&str) -> String,
    ) -> String {
        let mut text = String::new();
        for (name, line) in self.lines(at) {
            let line = addressed(&line);
            let name = format!("{name:<width$}  ", width = TEXT_COLUMN - 2);
            let column = name.chars().count();
            let line = columns.map_or_else(|| line.clone(), |columns| wrap(&line, column, TEXT_COLUMN, columns));
            text.extend([name.as_str(), line.as_str(), "\n"]);
        }
        text
    }

    /// Returns the names and the texts of the lines.
    fn lines(&self, at: impl Fn(u64) -> String) -> Vec<(String, String)> {
        let id = if self.id.is_empty() { "device".into() } else { device_text(&self.id) };
        let mut lines = vec![(id, self.about()), ("runs".into(), self.firmware())];
        let mut add = |name: &str, text: String| lines.push((name.into(), text));
        match self.committed {
            Some(true) => add("committed", "it stays after a reboot".into()),
            Some(false) => {
                add("uncommitted", self.rollback(at));
                add("", "`otactl commit` keeps it, `otactl revert` goes back".into());
            }
            None => add("committed", "unknown: the device does not report it".into()),
        }
        if let Some(update) = &self.update {
            add("update", update.to_string());
        }
        if let Some(generation) = self.generation {
            add("updater", updater(generation, self.licensed));
        }
        let uptime = Some(brief(Duration::from_secs(self.uptime)));
        let (ram, files) = (free("RAM", self.ram_free, self.ram_size), free("files", self.fs_free, self.fs_size));
        add("up", [uptime, ram, files].into_iter().flatten().collect::<Vec<_>>().join("; "));
        if !self.network.is_empty() {
            add("network", self.network.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        }
        if let Some(count) = self.methods {
            let missing = self.missing_services.clone().unwrap_or_default().join(", ");
            let missing = if missing.is_empty() { missing } else { format!("; without {missing}") };
            add("methods", format!("{count}{missing}"));
        }
        lines
    }

    fn about(&self) -> String {
        let mut parts = Vec::new();
        if !self.platform.is_empty() {
            parts.push(device_text(&self.platform));
        }
        if !self.mongoose_os_version.is_empty() {
            parts.push(format!("Mongoose OS {}", device_text(&self.mongoose_os_version)));
        }
        let round_trip = Duration::try_from_secs_f64(self.round_trip_ms / 1e3).unwrap_or_default();
        parts.push(format!("at {} ({})", self.port, milliseconds(round_trip)));
        parts.join(", ")
    }

    fn firmware(&self) -> String {
        let app = if self.app.is_empty() { String::new() } else { format!("{} ", device_text(&self.app)) };
        let slot = self.slot.map(|slot| format!(" in slot {slot}")).unwrap_or_default();
        format!("{app}{} ({}){slot}", device_text(&self.version), device_text(&self.build_id))
    }

    fn rollback(&self, at: impl Fn(u64) -> String) -> String {
        let to = self.revert_slot.map_or_else(|| "the old firmware".into(), |slot| format!("slot {slot}"));
        match self.reverts_in {
            None => format!("rolls back to {to} at its next reboot"),
            Some(0) => format!("rolls back to {to} at any moment"),
            Some(left) => format!("rolls back to {to} in {}, {}", brief(Duration::from_secs(left)), at(left)),
        }
    }
}

impl std::fmt::Display for UpdateFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message = device_text(&self.message);
        match self.state.as_str() {
            "idle" => f.write_str("idle"),
            "progress" => write!(f, "the device receives a firmware, {} %", self.progress_percent),
            "success" => f.write_str("the device has a new firmware, and is about to reboot"),
            "error" if message.is_empty() => f.write_str("the last one failed"),
            "error" => write!(f, "the last one failed: {message}"),
            state => write!(f, "state {state} {message}"),
        }
    }
}

impl std::fmt::Display for NetworkFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ssid = self.ssid.as_deref().map(|ssid| format!("{} ", device_text(ssid))).unwrap_or_default();
        write!(f, "{} {ssid}{}", self.interface, device_text(&self.ip))
    }
}

/// Describes how the device takes a firmware. An empty licence key does not prove that the device refuses a pull.
fn updater(generation: UpdateService, licensed: Option<bool>) -> String {
    match (generation, licensed) {
        (UpdateService::Y2018, _) => "of 2018: downloads the firmware itself",
        (UpdateService::Since2019, Some(true)) => "since 2019, licensed: downloads the firmware itself, or is sent it",
        (UpdateService::Since2019, Some(false)) => {
            "since 2019, without a licence key: probably refuses to download the firmware; is sent it"
        }
        (UpdateService::Since2019, None) => "since 2019: downloads the firmware itself, or is sent it",
    }
    .into()
}

/// Describes what is free of a memory, if the device reports it.
fn free(name: &str, free: Option<u64>, size: Option<u64>) -> Option<String> {
    let free = free? / 1024;
    let size = size.map(|size| format!(" of {}", size / 1024)).unwrap_or_default();
    Some(format!("{name} {free}{size} KiB free"))
}

/// Returns the addresses of the device.
fn network(info: &SystemInfo) -> Vec<NetworkFacts> {
    let wifi = info.wifi.as_ref();
    let ssid = wifi.and_then(|wifi| wifi.ssid.clone()).filter(|ssid| !ssid.is_empty());
    [
        ("ethernet", None, info.eth.as_ref().and_then(|eth| eth.ip.as_ref())),
        ("wifi", ssid, wifi.and_then(|wifi| wifi.sta_ip.as_ref())),
        ("access point", None, wifi.and_then(|wifi| wifi.ap_ip.as_ref())),
    ]
    .into_iter()
    .filter_map(|(interface, ssid, ip)| {
        // Some devices report 0.0.0.0 for an interface without an address.
        let ip = ip.filter(|ip| !ip.is_empty() && *ip != "0.0.0.0")?.clone();
        Some(NetworkFacts { interface, ssid, ip })
    })
    .collect()
}
