//! The methods that differ since 2019, as recorded in `tests/wire/ota2022-*.json`.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_tungstenite::tungstenite::Bytes;

use crate::sim::device::{PushReply, SimulatedDevice, Slot, StoredBootState, UpdateTimeouts};
use crate::sim::mac::mac;
use crate::sim::services::answer::{CallAnswer, CallContext};
use crate::sim::services::replies::null;
use crate::sim::services::{args, replies};
use crate::sim::wire::{MethodError, Outcome, quoted};
use crate::text::hex;

/// The bits of a slot number in the boot state.
const SLOT_MASK: i64 = 0xf;

/// The number of slots.
const SLOTS: i64 = 2;

/// Starts a pull, installs a file, or waits for the update that already runs.
pub(super) fn update(
    device: &mut SimulatedDevice,
    params: &Value,
    context: &CallContext<'_>,
    now: Instant,
) -> CallAnswer {
    let (file, url) = (args::text(&params["file"]), args::text(&params["url"]));
    let has_one_source = file.is_some() != url.is_some();
    if !has_one_source {
        return CallAnswer::Now(Err(MethodError::new(-1, "either file or url is required")));
    }
    if !context.licensed {
        return CallAnswer::Now(Err(free_version(context.id)));
    }
    if device.is_waiting() {
        return CallAnswer::Now(Err(MethodError::new(-1, "Update is already in progress")));
    }
    if device.wait_for_update() {
        return CallAnswer::Waits;
    }
    let timeouts = read_timeouts(device, params);
    match (file, url) {
        (Some(file), _) => {
            let in_file_system = || device.files().get(&file).map(Bytes::copy_from_slice);
            CallAnswer::Now(match context.files.get(file.as_ref()).cloned().or_else(in_file_system) {
                Some(bundle) => device.update_from_file(&bundle, timeouts, now),
                None => Err(MethodError::new(-1, "failed to start update")),
            })
        }
        (None, url) => {
            CallAnswer::Pull { url: url.unwrap_or_default().into_owned(), timeouts, number: device.register_pull() }
        }
    }
}

pub(super) fn begin(device: &mut SimulatedDevice, params: &Value, now: Instant) -> Outcome {
    let size = args::natural(&params["size"]).filter(|&size| size > 0);
    device.begin_push(read_timeouts(device, params), size, now).map(null)
}

pub(super) fn write(device: &mut SimulatedDevice, params: &Value) -> CallAnswer {
    let piece = params["data"].as_str().map(args::base64).unwrap_or_default();
    answer(device.write_push(args::natural(&params["offset"]), piece), device)
}

pub(super) fn end(device: &mut SimulatedDevice) -> CallAnswer {
    answer(device.end_push(), device)
}

fn answer(step: PushReply, device: &SimulatedDevice) -> CallAnswer {
    match step {
        PushReply::Now(outcome) => CallAnswer::Now(outcome.map(null)),
        PushReply::Applied => CallAnswer::Now(Ok(status(device))),
        PushReply::Pending => CallAnswer::Pending,
        PushReply::Replaces => CallAnswer::Replaces,
        PushReply::Never => CallAnswer::Never,
    }
}

/// Reads the timeouts of an update. A timeout that the call omits comes from the settings.
fn read_timeouts(device: &SimulatedDevice, params: &Value) -> UpdateTimeouts {
    let timeout = |name: &str, default: u64| {
        let setting = || device.settings().number(&format!("update.{name}"));
        args::natural(&params[name]).or_else(setting).unwrap_or(default)
    };
    UpdateTimeouts {
        commit_timeout: timeout("commit_timeout", 0),
        timeout: Duration::from_secs(timeout("timeout", 600)),
    }
}

pub(super) fn status(device: &SimulatedDevice) -> String {
    let (state, message, percent) = match device.ota_percent() {
        Some(percent) => (1, "Waiting for data", percent),
        None => (0, "idle", 0),
    };
    replies::status(device, state, message, percent, device.flash().boot.active_slot)
}

/// Stores the given fields unchecked, then answers with error -3 if the active slot does not exist.
pub(super) fn set_boot_state(device: &mut SimulatedDevice, params: &Value) -> Outcome {
    let StoredBootState { active_slot, is_committed, revert_slot, commit_timeout } = device.flash().boot;
    let [active, revert, timeout] =
        ["active_slot", "revert_slot", "commit_timeout"].map(|name| args::integer(&params[name]));
    let committed = params.get("is_committed").map(|value| *value == Value::Bool(true));
    if active.is_none() && revert.is_none() && timeout.is_none() && committed.is_none() {
        return Err(MethodError::bare(-2));
    }
    device.store_boot_state(StoredBootState {
        active_slot: active.map_or(active_slot, slot),
        is_committed: committed.unwrap_or(is_committed),
        revert_slot: revert.map_or(revert_slot, slot),
        commit_timeout: timeout.map_or(commit_timeout, |timeout| timeout.try_into().unwrap_or(0)),
    });
    if active.is_none_or(|slot| (0..SLOTS).contains(&slot)) { Ok(null(())) } else { Err(MethodError::bare(-3)) }
}

/// Returns the part of a slot number that the boot state can store.
fn slot(value: i64) -> Slot {
    Slot::try_from(value & SLOT_MASK).unwrap_or_default()
}

pub(super) fn get_uid(device: &SimulatedDevice, context: &CallContext<'_>) -> String {
    format!(r#"{{"pid": "mos", "app": {}, "uid": "{}"}}"#, quoted(&device.firmware().app), uid(context.id))
}

/// Returns the error of a device without a licence.
fn free_version(id: &str) -> MethodError {
    MethodError::new(
        -1,
        format!(
            "Free version can only perform OTA from mDash (https://dash.mongoose-os.com). In order to OTA from any \
             location, license your device by following \
             https://mongoose-os.com/docs/mongoose-os/userguide/licensing.md (PID: mos, UID: {})",
            uid(id)
        ),
    )
}

/// Returns the number that identifies a device in a licence. The number of one MAC address is recorded. All other
/// numbers are hashes.
fn uid(id: &str) -> String {
    match mac(id).as_str() {
        "240AC4AABBCC" => "0f9cfbd49486c466".into(),
        other => hex(&other.bytes().fold(0xcbf2_9ce4_8422_2325_u64, fnv).to_be_bytes()),
    }
}

/// Adds a byte to an FNV-1a hash.
fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
}
