//! What the methods answer.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The number of a flash slot.
pub type Slot = u8;

/// Which slot runs, and whether it stays (as recorded in wire/ws.json, case `ota_getbootstate`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootState {
    /// The slot that runs. `None`: the device reports no slot, such as -1.
    #[serde(default, deserialize_with = "slot_if_any", skip_serializing_if = "Option::is_none")]
    pub active_slot: Option<Slot>,
    /// Whether the firmware stays after the next reboot. This alone says whether a commit is pending.
    pub is_committed: bool,
    /// The slot that a rollback boots. `None`: the device reports no slot, as STM32 and RS14100 report -1 when committed.
    #[serde(default, deserialize_with = "slot_if_any", skip_serializing_if = "Option::is_none")]
    pub revert_slot: Option<Slot>,
    /// Seconds within which a commit has to come. After a rollback the old value still stands here
    /// (as recorded in wire/ws.json, case `ota_after_commit_timeout`). 0: none, as for a device that reports no number of
    /// seconds, such as -1.
    #[serde(default, deserialize_with = "seconds_if_any")]
    pub commit_timeout: u64,
}

impl BootState {
    /// Returns whether both states name an active slot, and not the same one. A state without a slot says nothing.
    #[must_use]
    pub fn is_in_another_slot(&self, other: &Self) -> bool {
        matches!((self.active_slot, other.active_slot), (Some(slot), Some(other)) if slot != other)
    }
}

/// Returns the name of a slot for a sentence: `slot 1`, or `an unknown slot` if the device reports none.
#[must_use]
pub fn slot_name(slot: Option<Slot>) -> String {
    slot.map_or_else(|| "an unknown slot".into(), |slot| format!("slot {slot}"))
}

/// What it means, in a sentence.
impl fmt::Display for BootState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { active_slot, is_committed, revert_slot, commit_timeout } = self;
        let active_slot = slot_name(*active_slot);
        if *is_committed {
            return write!(f, "{active_slot} runs, committed; it stays after a reboot");
        }
        write!(f, "{active_slot} runs uncommitted; a reboot goes back to ")?;
        match revert_slot {
            Some(slot) => write!(f, "slot {slot}")?,
            None => f.write_str("the old firmware")?,
        }
        match commit_timeout {
            0 => Ok(()),
            seconds => write!(f, ", and so does the device by itself {seconds} s after its start"),
        }
    }
}

/// How far an update is (as recorded in wire/ws.json, cases `ota_status` and
/// `ota_update_concurrent`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// What goes on.
    pub state: UpdateState,
    /// The same in the device's words.
    #[serde(default)]
    pub message: String,
    /// How much of the bundle has been written, as it says: in percent.
    #[serde(default)]
    pub progress_percent: i64,
}

impl Status {
    /// The same, from 0 to 100 whatever it says.
    #[must_use]
    pub fn percent(&self) -> u8 {
        u8::try_from(self.progress_percent.clamp(0, 100)).unwrap_or_default()
    }
}

/// The states of the device's updater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "i64")]
pub enum UpdateState {
    /// No update runs.
    Idle,
    /// One runs.
    Progress,
    /// One failed.
    Error,
    /// One has succeeded, and the reboot is near.
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

/// The answer of `OTA.CreateSnapshot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// The slot that holds the copy. `None`: the device reports no slot.
    #[serde(default, deserialize_with = "slot_if_any")]
    pub slot: Option<Slot>,
}

/// What the device is and what it runs (as recorded in wire/ws.json, case `sys_getinfo`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SystemInfo {
    /// The device's id, such as `esp32_AABBCC`.
    #[serde(default)]
    pub id: String,
    /// Its MAC address in hex, which no firmware changes.
    #[serde(default)]
    pub mac: String,
    /// The app's name, the manifest's `name`.
    #[serde(default)]
    pub app: String,
    /// The firmware's version, the manifest's `version`.
    pub fw_version: String,
    /// The build, the manifest's `build_id`.
    pub fw_id: String,
    /// The platform, the manifest's `platform`.
    #[serde(default)]
    pub arch: String,
    /// Seconds since the device started.
    #[serde(deserialize_with = "seconds")]
    pub uptime: u64,
    /// What its file system holds when it is empty, in bytes, if it says so.
    #[serde(default, deserialize_with = "bytes")]
    pub fs_size: Option<u64>,
    /// How much of that is free, in bytes, if it says so.
    #[serde(default, deserialize_with = "bytes")]
    pub fs_free: Option<u64>,
    /// Its addresses over Wi-Fi.
    #[serde(default, deserialize_with = "if_usable")]
    pub wifi: Option<Wifi>,
    /// Its address over Ethernet.
    #[serde(default, deserialize_with = "if_usable")]
    pub eth: Option<Eth>,
}

/// The `wifi` of [`SystemInfo`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Wifi {
    /// Its address in the network that it has joined; empty or absent without one.
    #[serde(default)]
    pub sta_ip: Option<String>,
    /// Its address in the network that it offers.
    #[serde(default)]
    pub ap_ip: Option<String>,
}

/// The `eth` of [`SystemInfo`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Eth {
    /// Its address; empty or absent without one.
    #[serde(default)]
    pub ip: Option<String>,
}

impl SystemInfo {
    /// Whether both are of one device. An address may be handed on to another one while its owner reboots.
    #[must_use]
    pub fn is_same_device(&self, other: &Self) -> bool {
        if self.mac.is_empty() || other.mac.is_empty() {
            return self.id == other.id;
        }
        self.mac.eq_ignore_ascii_case(&other.mac)
    }

    /// The address under which the device says it can be reached: Ethernet, the Wi-Fi it joined,
    /// the Wi-Fi it offers.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.addresses().into_iter().next()
    }

    /// All addresses that it reports, in that order.
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
        // So some networks say that they have none.
        .filter(|ip: &IpAddr| !ip.is_unspecified())
        .collect()
    }
}

/// The answer of `RPC.Describe` (as recorded in wire/ws.json, case `rpc_describe`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MethodDescription {
    /// The method's name.
    pub name: String,
    /// Its arguments in the notation of the device's JSON scanner, such as `{url: %T}`.
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

/// A size that is only good to know: whatever else stands there is none.
fn bytes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_u64())
}

/// Some ports print the uptime with a fraction. More than thirty thousand years are no uptime.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match f64::deserialize(deserializer)? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        uptime if (0.0..1e12).contains(&uptime) => Ok(uptime as u64),
        _ => Err(serde::de::Error::custom("an uptime in seconds was expected")),
    }
}

/// What is good to know, and nothing more, is no reason to take the rest for unusable.
fn if_usable<'de, D: serde::Deserializer<'de>, T: serde::de::DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(d)?).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_boot_state_says_what_a_reboot_does() {
        let state = |committed, timeout| {
            BootState { active_slot: Some(1), is_committed: committed, revert_slot: Some(0), commit_timeout: timeout }
                .to_string()
        };
        assert_eq!(state(true, 4), "slot 1 runs, committed; it stays after a reboot");
        assert_eq!(state(false, 0), "slot 1 runs uncommitted; a reboot goes back to slot 0");
        assert_eq!(
            state(false, 300),
            "slot 1 runs uncommitted; a reboot goes back to slot 0, and so does the device by itself 300 s after its start"
        );
    }

    /// STM32 and RS14100 have no revert slot once they are committed.
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
    fn unknown_slot_is_not_another_one() {
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
    fn an_uptime_may_have_a_fraction() {
        for (uptime, expected) in
            [(json!(5), Some(5)), (json!(5.9), Some(5)), (json!(-1), None), (json!("5"), None), (json!(u64::MAX), None)]
        {
            let info = json!({"fw_version": "1", "fw_id": "b", "uptime": uptime});
            let info = serde_json::from_value::<SystemInfo>(info);
            assert_eq!(info.ok().map(|info| info.uptime), expected, "{uptime}");
        }
    }

    #[test]
    fn a_device_is_known_by_its_mac_address_or_by_its_id() {
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
    fn the_address_is_the_first_that_is_one() {
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
        assert_eq!(info(json!({"wifi": {"sta_ip": 5}, "eth": "x"})), None, "and is usable otherwise");
        assert_eq!(
            info(json!({"eth": {"ip": "0.0.0.0"}, "wifi": {"ap_ip": "192.168.4.1"}})),
            Some("192.168.4.1".into())
        );
    }
}
