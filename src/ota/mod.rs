//! The services of a device that an update needs, as typed methods: `device.call(ota::GetBootState {}).await?`.
//!
//! Arguments and replies have the form that was recorded in `tests/wire/ws.json`. Fields that are not known are
//! ignored. Fields that old firmware does not send have a default, if the reply is usable without them.

mod engine;
mod error_codes;
mod refusals;
mod types;

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::rpc::Method;
pub use engine::Engine;
pub use error_codes::{Meaning, explain_code};
pub use refusals::explain_refusal;
pub use types::{BootState, Eth, MethodDescription, Slot, Snapshot, Status, SystemInfo, UpdateState, Wifi, slot_name};

/// Implements [`Method`] for each line: the type, the method's name, whether it is idempotent, and the type of the
/// reply.
macro_rules! methods {
    ($($method:ty: $name:literal, $idempotent:expr => $reply:ty;)*) => {
        $(impl Method for $method {
            const NAME: &'static str = $name;
            const IDEMPOTENT: bool = $idempotent;
            type Reply = $reply;
        })*

        /// Tells whether a second execution of the method does no harm. False for methods that otactl does not know.
        #[must_use]
        pub fn may_be_called_twice(method: &str) -> bool {
            match method {
                $($name => $idempotent,)*
                _ => false,
            }
        }
    };
}

const IDEMPOTENT: bool = true;
const NOT_IDEMPOTENT: bool = false;

methods! {
    Update: "OTA.Update", NOT_IDEMPOTENT => Value;
    Commit: "OTA.Commit", NOT_IDEMPOTENT => IgnoredAny;
    Revert: "OTA.Revert", NOT_IDEMPOTENT => IgnoredAny;
    CreateSnapshot: "OTA.CreateSnapshot", NOT_IDEMPOTENT => Snapshot;
    Begin: "OTA.Begin", NOT_IDEMPOTENT => IgnoredAny;
    Write: "OTA.Write", NOT_IDEMPOTENT => Value;
    End: "OTA.End", NOT_IDEMPOTENT => Value;
    GetBootState: "OTA.GetBootState", IDEMPOTENT => BootState;
    SetBootState: "OTA.SetBootState", IDEMPOTENT => IgnoredAny;
    GetStatus: "OTA.Status", IDEMPOTENT => Status;
    GetInfo: "Sys.GetInfo", IDEMPOTENT => SystemInfo;
    Reboot: "Sys.Reboot", NOT_IDEMPOTENT => IgnoredAny;
    ListMethods: "RPC.List", IDEMPOTENT => Vec<String>;
    Describe: "RPC.Describe", IDEMPOTENT => MethodDescription;
    Ping: "RPC.Ping", IDEMPOTENT => Value;
    GetConfig: "Config.Get", IDEMPOTENT => Value;
}

/// Returns a timeout in the form that a device expects: whole seconds, from 1 to `i32::MAX`.
///
/// A device stores the number in a signed 32-bit integer. The result is never 0: a commit timeout of 0 would disable
/// the rollback.
#[must_use]
pub fn in_seconds(timeout: Duration) -> u64 {
    timeout.as_secs().clamp(1, i32::MAX.unsigned_abs().into())
}

/// Returns the number of slots of a platform such as `esp32`, or `None` if it is not known. Slots are numbered from 0.
#[must_use]
pub fn slots(platform: &str) -> Option<u8> {
    /// The prefixes of the platforms with two slots.
    const TWO_SLOTS: [&str; 2] = ["esp", "cc32"];

    let platform = platform.to_ascii_lowercase();
    TWO_SLOTS.iter().any(|known| platform.starts_with(known)).then_some(2)
}

/// `OTA.Update`: downloads a bundle, writes it to the inactive slot and reboots into that slot.
///
/// The device replies when the download has ended. The reply may be lost in the reboot. A success is an object with
/// code 0 and a message (2018), or the string `true` (since 2019). Devices since 2019 answer `true` after a 304 too.
#[derive(Clone, Serialize)]
pub struct Update {
    /// The URL of the bundle.
    pub url: String,
    /// The time in seconds after the reboot within which the new firmware has to be committed. With 0, the new firmware
    /// commits itself at its first boot.
    pub commit_timeout: u64,
    /// The time in seconds after which the device cancels the update, counted from the last progress (since 2019) or
    /// from the start (2018).
    pub timeout: u64,
}

/// Leaves out the URL, which may contain a password. The path of the firmware server must stay unknown to others.
impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, commit_timeout, timeout } = self;
        f.debug_struct("Update")
            .field("commit_timeout", commit_timeout)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// `OTA.Begin`: starts a push. Available since 2019.
///
/// The device answers -1 `Update failed to start` if an update runs or the firmware is uncommitted (as recorded in
/// wire/ota2022-ws.json, case `begin_all_arguments`).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Begin {
    /// The time in seconds without progress after which the device cancels the push.
    pub timeout: u64,
    /// See [`Update::commit_timeout`].
    pub commit_timeout: u64,
    /// The size of the whole bundle in bytes.
    pub size: u64,
}

/// `OTA.Write`: sends the next piece of the bundle.
///
/// The device answers `null` after the updater has taken the piece (as recorded in wire/ota2022-ws.json, case
/// `push_success`).
#[derive(Debug, Clone, Serialize)]
pub struct Write {
    /// The offset of the piece in the bundle, in bytes.
    ///
    /// Without an offset, a device answers `null` and writes nothing (as recorded in wire/ota2022-ws.json, case
    /// `write_without_offset`).
    pub offset: u64,
    /// The piece, in base64.
    pub data: String,
}

/// `OTA.End`: ends a push, even one that another client began.
///
/// The device cancels an incomplete push. A pull continues (as recorded in wire/ota2022-ws.json, cases `end_complete`,
/// `end_incomplete` and `end_while_pull_runs`).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct End {}

/// `OTA.Commit`: keeps the running firmware. The device answers -1 if there is nothing to commit.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Commit {}

/// `OTA.Revert`: reboots into the other slot, 100 ms after the reply. The device answers -1 if there is nothing to
/// revert.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Revert {}

/// `OTA.CreateSnapshot`: copies the running firmware to the other slot.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CreateSnapshot {
    /// Whether the copy becomes the revert slot, and the running firmware uncommitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_as_revert: Option<bool>,
    /// The time in seconds within which the running firmware has to be committed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_timeout: Option<u64>,
}

/// `OTA.GetBootState`: returns the active slot, and whether it is committed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GetBootState {}

/// `OTA.SetBootState`: sets fields of the boot state.
///
/// The device answers -2 if no field is given, and -3 for an active slot that does not exist. A device of 2019 to 2022
/// stores that active slot nevertheless. It stores any revert slot without an error (as recorded in
/// wire/ota2022-ws.json, cases `setbootstate_bad_slot` and `setbootstate_all`).
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct SetBootState {
    /// The slot that boots next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_slot: Option<u8>,
    /// Whether that slot is committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_committed: Option<bool>,
    /// The slot that a rollback boots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revert_slot: Option<u8>,
    /// The time in seconds after a boot within which the firmware has to be committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_timeout: Option<u64>,
}

/// `OTA.Status`: returns the state and the progress of an update. Available since 2019; older firmware answers 404.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GetStatus {}

/// `Sys.GetInfo`: returns the identity of the device, its firmware and its uptime.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GetInfo {}

/// `Sys.Reboot`: reboots the device. An uncommitted device rolls back.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Reboot {
    /// The time in milliseconds from the reply to the reboot. Default: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
}

/// `RPC.List`: returns the names of all methods.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ListMethods {}

/// `RPC.Describe`: returns the arguments of one method.
#[derive(Debug, Clone, Serialize)]
pub struct Describe {
    /// The method's full name.
    pub name: String,
}

/// `Config.Get`: returns a setting or a group of settings. The device answers 404 if the setting does not exist.
#[derive(Debug, Clone, Serialize)]
pub struct GetConfig {
    /// The name of the setting or the group, such as `update.commit_timeout` or `update`.
    pub key: String,
}

/// Tells from the settings `device` whether the device has a licence key. `None`: the settings do not have that key.
///
/// An empty key does not prove that the device refuses a pull.
#[must_use]
pub fn has_license(settings: &Value) -> Option<bool> {
    Some(!settings["license"].as_str()?.is_empty())
}

/// `RPC.Ping`: checks that the device answers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ping {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_in_seconds_is_never_zero() {
        for (timeout, expected) in [
            (Duration::ZERO, 1),
            (Duration::from_millis(250), 1),
            (Duration::from_millis(1900), 1),
            (Duration::from_secs(300), 300),
            (Duration::MAX, 2_147_483_647),
        ] {
            assert_eq!(in_seconds(timeout), expected, "{timeout:?}");
        }
    }
}
