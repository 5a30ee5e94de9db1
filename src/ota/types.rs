//! The types of the replies.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The number of a flash slot.
pub type Slot = u8;

/// The boot state: the active slot, and whether it is committed (as recorded in wire/ws.json, case `ota_getbootstate`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootState {
    /// The slot that runs. `None` if the device reports a number that is not a slot, such as -1.
    #[serde(default, deserialize_with = "slot_if_any", skip_serializing_if = "Option::is_none")]
    pub active_slot: Option<Slot>,
    /// Whether the active slot stays active after the next reboot. Only this field tells whether a commit is pending.
    pub is_committed: bool,
    /// The slot that a rollback boots. `None` if the device reports a number that is not a slot: committed STM32 and
    /// RS14100 devices report -1.
    #[serde(default, deserialize_with = "slot_if_any", skip_serializing_if = "Option::is_none")]
    pub revert_slot: Option<Slot>,
    /// The time in seconds within which the firmware has to be committed. 0 means no limit, also if the device reports
    /// a number that cannot be a time, such as -1.
    ///
    /// After a rollback, the old value is still present (as recorded in wire/ws.json, case `ota_after_commit_timeout`).
    #[serde(default, deserialize_with = "seconds_if_any")]
    pub commit_timeout: u64,
}

impl BootState {
    /// Tells whether both states have an active slot, and the slots differ. False if one of the active slots is not
    /// known.
    #[must_use]
    pub fn is_in_another_slot(&self, other: &Self) -> bool {
        matches!((self.active_slot, other.active_slot), (Some(slot), Some(other)) if slot != other)
    }
}

/// Returns the name of a slot for a message: `slot 1`, or `an unknown slot` for `None`.
#[must_use]
pub fn slot_name(slot: Option<Slot>) -> String {
    slot.map_or_else(|| "an unknown slot".into(), |slot| format!("slot {slot}"))
}

/// Describes the boot state and the effect of a reboot in one sentence.
impl fmt::Display for BootState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { active_slot, is_committed, revert_slot, commit_timeout } = self;
        let active_slot = slot_name(*active_slot);
        if *is_committed {
            return write!(f, "{active_slot} runs, committed; it stays after a reboot");
        }
        write!(f, "{active_slot} runs uncommitted; the device rolls back to ")?;
        match revert_slot {
            Some(slot) => write!(f, "slot {slot}")?,
            None => f.write_str("the old firmware")?,
        }
        f.write_str(" at the next reboot")?;
        match commit_timeout {
            0 => Ok(()),
            seconds => write!(f, ", or {seconds} s after its start"),
        }
    }
}

/// The state and the progress of an update (as recorded in wire/ws.json, cases `ota_status` and
/// `ota_update_concurrent`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// The state of the updater.
    pub state: UpdateState,
    /// The device's description of the state.
    #[serde(default)]
    pub message: String,
    /// The progress in percent, as the device reports it. May be out of range.
    #[serde(default)]
    pub progress_percent: i64,
}

impl Status {
    /// Tells whether the device receives a firmware.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        self.state == UpdateState::Progress
    }

    /// Tells whether the updater is occupied: it receives a firmware, or it has one and the device is about to reboot.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state, UpdateState::Progress | UpdateState::Success)
    }

    /// Returns the progress in percent, limited to 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        u8::try_from(self.progress_percent.clamp(0, 100)).unwrap_or_default()
    }
}

/// The states of the device's updater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "i64")]
#[non_exhaustive]
pub enum UpdateState {
    /// No update runs.
    Idle,
    /// An update runs.
    Progress,
    /// The last update failed.
    Error,
    /// The update succeeded. The device is about to reboot.
    Success,
    /// A state that this version of otactl does not know.
    Unknown(i64),
}

impl From<i64> for UpdateState {
    fn from(state: i64) -> Self {
        match state {
            0 => Self::Idle,
            1 => Self::Progress,
            2 => Self::Error,
            3 => Self::Success,
            other => Self::Unknown(other),
        }
    }
}

/// The reply of `OTA.CreateSnapshot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// The slot that holds the copy. `None` if the device reports a number that is not a slot.
    #[serde(default, deserialize_with = "slot_if_any")]
    pub slot: Option<Slot>,
}

/// The identity of the device, its firmware and its uptime (as recorded in wire/ws.json, case `sys_getinfo`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SystemInfo {
    /// The device's id, such as `esp32_AABBCC`.
    #[serde(default)]
    pub id: String,
    /// The MAC address in hexadecimal digits, which no firmware changes.
    #[serde(default)]
    pub mac: String,
    /// The name of the app: `name` in the manifest.
    #[serde(default)]
    pub app: String,
    /// The version of the firmware: `version` in the manifest.
    pub fw_version: String,
    /// The build id of the firmware: `build_id` in the manifest.
    pub fw_id: String,
    /// The platform: `platform` in the manifest.
    #[serde(default)]
    pub arch: String,
    /// The version of Mongoose OS, if the device reports it.
    #[serde(default)]
    pub mg_version: String,
    /// The time since the last boot in seconds.
    #[serde(deserialize_with = "seconds")]
    pub uptime: u64,
    /// The size of the RAM in bytes, if the device reports it.
    #[serde(default, deserialize_with = "bytes_if_any")]
    pub ram_size: Option<u64>,
    /// The free RAM in bytes, if the device reports it.
    #[serde(default, deserialize_with = "bytes_if_any")]
    pub ram_free: Option<u64>,
    /// The size of the file system in bytes, if the device reports it.
    #[serde(default, deserialize_with = "bytes_if_any")]
    pub fs_size: Option<u64>,
    /// The free space of the file system in bytes, if the device reports it.
    #[serde(default, deserialize_with = "bytes_if_any")]
    pub fs_free: Option<u64>,
    /// The Wi-Fi addresses.
    #[serde(default, deserialize_with = "if_usable")]
    pub wifi: Option<Wifi>,
    /// The Ethernet address.
    #[serde(default, deserialize_with = "if_usable")]
    pub eth: Option<Eth>,
}

/// The field `wifi` of [`SystemInfo`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Wifi {
    /// The address in the network that the device has joined. Empty or absent without one.
    #[serde(default)]
    pub sta_ip: Option<String>,
    /// The name of the network that the device has joined.
    #[serde(default)]
    pub ssid: Option<String>,
    /// The address in the network that the device offers as an access point.
    #[serde(default)]
    pub ap_ip: Option<String>,
}

/// The field `eth` of [`SystemInfo`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Eth {
    /// The address. Empty or absent without one.
    #[serde(default)]
    pub ip: Option<String>,
}

impl SystemInfo {
    /// Tells whether both replies come from the same device: by MAC address, or else by id.
    ///
    /// While a device reboots, the network may give its address to another device.
    #[must_use]
    pub fn is_same_device(&self, other: &Self) -> bool {
        if self.mac.is_empty() || other.mac.is_empty() {
            return self.id == other.id;
        }
        self.mac.eq_ignore_ascii_case(&other.mac)
    }

    /// Returns the first address that the device reports: Ethernet, the Wi-Fi that it joined, or the Wi-Fi that it
    /// offers.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.addresses().into_iter().next()
    }

    /// Returns all addresses that the device reports, in the order of [`Self::address`].
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        let wifi = self.wifi.as_ref();
        [
            self.eth.as_ref().and_then(|eth| eth.ip.as_deref()),
            wifi.and_then(|wifi| wifi.sta_ip.as_deref()),
            wifi.and_then(|wifi| wifi.ap_ip.as_deref()),
        ]
        .into_iter()
        .flatten()
        .filter_map(|ip| ip.parse().ok())
        // Some devices report 0.0.0.0 for an interface without an address.
        .filter(|ip: &IpAddr| !ip.is_unspecified())
        .collect()
    }
}

/// The reply of `RPC.Describe` (as recorded in wire/ws.json, case `rpc_describe`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MethodDescription {
    /// The method's full name.
    pub name: String,
    /// The arguments in the notation of the device's JSON scanner, such as `{url: %T}`.
    #[serde(default)]
    pub args_fmt: String,
}

/// Reads a slot. A value that cannot be a slot, such as -1, becomes `None`.
fn slot_if_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Slot>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_u64().and_then(|slot| Slot::try_from(slot).ok()))
}

/// Reads a number of seconds. A value that cannot be one, such as -1, becomes 0.
fn seconds_if_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_u64().unwrap_or_default())
}

/// Reads a size in bytes. The size is optional, so that any other value becomes `None`.
fn bytes_if_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_u64())
}

/// Reads an uptime in seconds. Some platforms print it with a fraction. More than 30,000 years is an error.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match f64::deserialize(deserializer)? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        uptime if (0.0..1e12).contains(&uptime) => Ok(uptime as u64),
        _ => Err(serde::de::Error::custom("an uptime in seconds was expected")),
    }
}

/// Reads an optional value. A value of another type becomes `None`, so that the rest of the reply stays usable.
fn if_usable<'de, D: serde::Deserializer<'de>, T: serde::de::DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(d)?).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn boot_state_describes_the_effect_of_a_reboot() {
        let state = |committed, timeout| {
            BootState { active_slot: Some(1), is_committed: committed, revert_slot: Some(0), commit_timeout: timeout }
                .to_string()
        };
        assert_eq!(state(true, 4), "slot 1 runs, committed; it stays after a reboot");
        assert_eq!(state(false, 0), "slot 1 runs uncommitted; the device rolls back to slot 0 at the next reboot");
        assert_eq!(
            state(false, 300),
            "slot 1 runs uncommitted; the device rolls back to slot 0 at the next reboot, or 300 s after its start"
        );
    }

    /// Committed STM32 and RS14100 devices have no revert slot.
    #[test]
    fn value_that_cannot_be_a_slot_or_seconds_is_none() {
        for (text, slot, seconds) in [
            ("-1", None, 0),
            ("0", Some(0), 0),
            ("15", Some(15), 15),
            ("300", None, 300),
            ("1.5", None, 0),
            ("\"1\"", None, 0),
            ("null", None, 0),
            ("-9223372036854775809", None, 0),
            ("1e300", None, 0),
        ] {
            let state = format!(
                r#"{{"active_slot": {text}, "is_committed": true, "revert_slot": {text}, "commit_timeout": {text}}}"#
            );
            let state: BootState = serde_json::from_str(&state).unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected =
                BootState { active_slot: slot, is_committed: true, revert_slot: slot, commit_timeout: seconds };
            assert_eq!(state, expected, "{text}");
        }
    }

    #[test]
    fn unknown_slot_is_not_another_slot() {
        let state = |active_slot| BootState { active_slot, is_committed: true, revert_slot: None, commit_timeout: 0 };
        for (one, other, expected) in
            [(Some(0), Some(1), true), (Some(1), Some(1), false), (None, Some(1), false), (None, None, false)]
        {
            assert_eq!(state(one).is_in_another_slot(&state(other)), expected, "{one:?} {other:?}");
            assert_eq!(state(other).is_in_another_slot(&state(one)), expected, "{other:?} {one:?}");
        }
        let shown = state(None).to_string();
        assert_eq!(shown, "an unknown slot runs, committed; it stays after a reboot");
    }

    #[test]
    fn uptime_with_a_fraction_is_truncated() {
        for (uptime, expected) in
            [(json!(5), Some(5)), (json!(5.9), Some(5)), (json!(-1), None), (json!("5"), None), (json!(u64::MAX), None)]
        {
            let info = json!({"fw_version": "1", "fw_id": "b", "uptime": uptime});
            let info = serde_json::from_value::<SystemInfo>(info);
            assert_eq!(info.ok().map(|info| info.uptime), expected, "{uptime}");
        }
    }

    #[test]
    fn same_device_has_the_same_mac_address_or_id() {
        let info = |id: &str, mac: &str| {
            let info = json!({"id": id, "mac": mac, "fw_version": "1", "fw_id": "b", "uptime": 1});
            serde_json::from_value::<SystemInfo>(info).expect("an info")
        };
        assert!(info("a", "240AC4AABBCC").is_same_device(&info("renamed", "240ac4aabbcc")));
        assert!(!info("a", "240AC4AABBCC").is_same_device(&info("a", "240AC4000000")));
        assert!(info("a", "").is_same_device(&info("a", "240AC4000000")));
        assert!(!info("a", "").is_same_device(&info("b", "")));
    }

    #[test]
    fn address_is_the_first_valid_one() {
        let info = |rest: serde_json::Value| {
            let mut info = json!({"fw_version": "1", "fw_id": "b", "uptime": 1});
            info.as_object_mut().expect("object").extend(rest.as_object().expect("object").clone());
            serde_json::from_value::<SystemInfo>(info).expect("an info").address().map(|ip| ip.to_string())
        };
        assert_eq!(info(json!({})), None);
        assert_eq!(
            info(json!({"eth": {"ip": ""}, "wifi": {"sta_ip": "10.0.0.7", "ap_ip": ""}})),
            Some("10.0.0.7".into())
        );
        assert_eq!(info(json!({"eth": {"ip": "127.0.0.1"}})), Some("127.0.0.1".into()));
        assert_eq!(info(json!({"wifi": null})), None);
        assert_eq!(info(json!({"wifi": {"sta_ip": 5}, "eth": "x"})), None, "the rest is usable");
        assert_eq!(
            info(json!({"eth": {"ip": "0.0.0.0"}, "wifi": {"ap_ip": "192.168.4.1"}})),
            Some("192.168.4.1".into())
        );
    }
}
