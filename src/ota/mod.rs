//! The services of a device that an update needs, as typed methods:
//! `device.call(ota::GetBootState {}).await?`.
//!
//! The shapes are those that were recorded, in `tests/wire/ws.json`. Fields that a device adds are ignored; fields that
//! old firmware lacks have a default where the rest makes sense without them.

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

/// One line per method: its name, whether it may be called twice, and what it answers.
macro_rules! methods {
    ($($method:ty: $name:literal, $idempotent:expr => $reply:ty;)*) => {
        $(impl Method for $method {
            const NAME: &'static str = $name;
            const IDEMPOTENT: bool = $idempotent;
            type Reply = $reply;
        })*

        /// Whether this method is known to do no harm if it is called twice. Of methods that do not stand here,
        /// nothing is known.
        #[must_use]
        pub fn may_be_called_twice(method: &str) -> bool {
            match method {
                $($name => $idempotent,)*
                _ => false,
            }
        }
    };
}

const TWICE: bool = true;
const ONCE: bool = false;

methods! {
    Update: "OTA.Update", ONCE => Value;
    Commit: "OTA.Commit", ONCE => IgnoredAny;
    Revert: "OTA.Revert", ONCE => IgnoredAny;
    CreateSnapshot: "OTA.CreateSnapshot", ONCE => Snapshot;
    Begin: "OTA.Begin", ONCE => IgnoredAny;
    Write: "OTA.Write", ONCE => Value;
    End: "OTA.End", ONCE => Value;
    GetBootState: "OTA.GetBootState", TWICE => BootState;
    SetBootState: "OTA.SetBootState", TWICE => IgnoredAny;
    GetStatus: "OTA.Status", TWICE => Status;
    GetInfo: "Sys.GetInfo", TWICE => SystemInfo;
    Reboot: "Sys.Reboot", ONCE => IgnoredAny;
    ListMethods: "RPC.List", TWICE => Vec<String>;
    Describe: "RPC.Describe", TWICE => MethodDescription;
    Ping: "RPC.Ping", TWICE => Value;
    GetConfig: "Config.Get", TWICE => Value;
}

/// A timeout as it is told to a device: in whole seconds, which it keeps in a signed number of 32 bits; and never 0,
/// which for a commit timeout would mean that there is no way back.
#[must_use]
pub fn in_seconds(timeout: Duration) -> u64 {
    timeout.as_secs().clamp(1, i32::MAX.unsigned_abs().into())
}

/// Returns the number of slots of a platform, such as `esp32`, or `None` if it is not known. Slots are numbered from 0.
#[must_use]
pub fn slots(platform: &str) -> Option<u8> {
    /// The prefixes of the platforms with two slots.
    const TWO_SLOTS: [&str; 2] = ["esp", "cc32"];

    let platform = platform.to_ascii_lowercase();
    TWO_SLOTS.iter().any(|known| platform.starts_with(known)).then_some(2)
}

/// `OTA.Update`: fetch a bundle into the inactive slot and reboot into it. The reply comes when the
/// download has ended, and may be lost in the reboot. A success is an object with code 0 and a message (2018), or the
/// string `true` (since 2019). Devices since 2019 answer `true` after a 304 too.
#[derive(Clone, Serialize)]
pub struct Update {
    /// Where the device finds the bundle.
    pub url: String,
    /// Seconds after the reboot, within which the new firmware has to be committed. 0 makes the new
    /// firmware commit itself at its first boot.
    pub commit_timeout: u64,
    /// Seconds until the device gives up the update. They count from the last progress (since 2019) or from the start (2018).
    pub timeout: u64,
}

/// Without the URL: it may hold a password, and ours has a path that nobody else is to know.
impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, commit_timeout, timeout } = self;
        f.debug_struct("Update")
            .field("commit_timeout", commit_timeout)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// `OTA.Begin`: start a push; available since 2019. The device answers -1 `Update failed to start` if an update runs or the
/// firmware is uncommitted (as recorded in wire/ota2022-ws.json, case `begin_all_arguments`).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Begin {
    /// Seconds without progress after which the device gives up the push.
    pub timeout: u64,
    /// As in [`Update`].
    pub commit_timeout: u64,
    /// Bytes of the whole bundle.
    pub size: u64,
}

/// `OTA.Write`: send the next piece of the bundle. The device answers `null` once the updater has taken the piece (as
/// recorded in wire/ota2022-ws.json, case `push_success`).
#[derive(Debug, Clone, Serialize)]
pub struct Write {
    /// The offset of the piece in the bundle, in bytes. Without an offset, a device answers `null` and writes nothing (as
    /// recorded in wire/ota2022-ws.json, case `write_without_offset`).
    pub offset: u64,
    /// The piece, in base64.
    pub data: String,
}

/// `OTA.End`: end a push, even one that another caller began. The device gives up an incomplete push. A pull goes on (as
/// recorded in wire/ota2022-ws.json, cases `end_complete`, `end_incomplete` and `end_while_pull_runs`).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct End {}

/// `OTA.Commit`: keep the running firmware. Error -1 if there is nothing to commit.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Commit {}

/// `OTA.Revert`: reboot into the other slot, 100 ms after the reply. Error -1 if there is nothing to
/// revert.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Revert {}

/// `OTA.CreateSnapshot`: copy the running firmware to the other slot.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CreateSnapshot {
    /// Make the copy what a rollback goes back to, and the running firmware uncommitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_as_revert: Option<bool>,
    /// Seconds within which the running firmware has to be committed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_timeout: Option<u64>,
}

/// `OTA.GetBootState`: which slot runs, and whether it is committed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GetBootState {}

/// `OTA.SetBootState`: set some fields of the boot state. The device answers -2 if no field is given, and -3 for an active
/// slot that does not exist. A device of 2019 to 2022 stores that active slot all the same. It stores any revert slot
/// without an error (as recorded in wire/ota2022-ws.json, cases `setbootstate_bad_slot` and `setbootstate_all`).
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct SetBootState {
    /// The slot that boots next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_slot: Option<u8>,
    /// Whether it is committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_committed: Option<bool>,
    /// The slot that a rollback goes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revert_slot: Option<u8>,
    /// Seconds within which the firmware has to be committed after a boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_timeout: Option<u64>,
}

/// `OTA.Status`: how far an update is. Newer firmware only; older answers 404.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GetStatus {}

/// `Sys.GetInfo`: what the device is, and what it runs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GetInfo {}

/// `Sys.Reboot`: reboot. While uncommitted, that is a rollback.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Reboot {
    /// Milliseconds from the reply to the reboot; 100 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
}

/// `RPC.List`: the names of all methods.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ListMethods {}

/// `RPC.Describe`: the arguments of one method.
#[derive(Debug, Clone, Serialize)]
pub struct Describe {
    /// The method's full name.
    pub name: String,
}

/// `Config.Get`: a setting, or a group of them. Error 404 for one that does not exist.
#[derive(Debug, Clone, Serialize)]
pub struct GetConfig {
    /// Its name, such as `update.commit_timeout` or `update`.
    pub key: String,
}

/// `RPC.Ping`: is anybody there.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ping {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_never_nothing_to_a_device() {
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
