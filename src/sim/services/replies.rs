//! The exact text of the replies.

use std::fmt;
use std::time::Instant;

use serde_json::Value;

use crate::sim::device::files;
use crate::sim::device::{DeviceRefusal, SimulatedDevice, Slot};
use crate::sim::mac::mac;
use crate::sim::service_set::Service;
use crate::sim::services::answer::CallContext;
use crate::sim::services::methods::methods;
use crate::sim::services::wifi;
use crate::sim::wire::{MethodError, Outcome, Quoted};

/// The platforms on which a committed device reports the revert slot -1.
const WITHOUT_REVERT_SLOT: [&str; 2] = ["stm32", "rs14100"];

/// The usual size of a reply to `Sys.GetInfo`, in bytes.
const USUAL_INFO: usize = 512;

/// The free space of the recorded file system, in bytes.
const RECORDED_FREE: usize = 154_118;

/// Returns the reply to `OTA.GetBootState`.
pub(super) fn boot_state(device: &SimulatedDevice) -> String {
    let boot = device.flash().boot;
    let platform = device.firmware().platform.to_ascii_lowercase();
    let has_no_revert_slot = boot.is_committed && WITHOUT_REVERT_SLOT.iter().any(|name| platform.starts_with(name));
    let revert_slot = if has_no_revert_slot { -1 } else { i16::from(boot.revert_slot) };
    let value = |name: &str, real: &dyn fmt::Display| {
        device.faults().boot_state(name).map_or_else(|| real.to_string(), Value::to_string)
    };
    format!(
        r#"{{"active_slot": {}, "is_committed": {}, "revert_slot": {}, "commit_timeout": {}}}"#,
        value("active_slot", &boot.active_slot),
        value("is_committed", &boot.is_committed),
        value("revert_slot", &revert_slot),
        value("commit_timeout", &boot.commit_timeout),
    )
}

/// Returns the reply to `OTA.Status`.
pub(super) fn status(device: &SimulatedDevice, state: u8, message: &str, percent: u8, partition: Slot) -> String {
    let boot = device.flash().boot;
    format!(
        r#"{{"state": {state}, "message": "{message}", "is_committed": {}, "progress_percent": {percent}, "commit_timeout": {}, "partition": {partition}}}"#,
        boot.is_committed, boot.commit_timeout
    )
}

/// Returns the reply to `Sys.GetInfo`.
pub(super) fn info(device: &SimulatedDevice, context: CallContext<'_>, now: Instant) -> String {
    let (firmware, services) = (device.firmware(), device.services());
    let mut text = String::with_capacity(USUAL_INFO);
    let mut add = |before: &str, value: &str| {
        text.push_str(before);
        Quoted(value).push_to(&mut text);
    };
    add(r#"{"id": "#, context.id);
    add(r#", "app": "#, &firmware.app);
    add(r#", "fw_version": "#, &firmware.version);
    add(r#", "fw_id": "#, &firmware.build_id);
    add(r#", "mg_version": "2.20.0", "mg_id": "20230111-000000/simulated", "mac": "#, &mac(context.id));
    add(r#", "arch": "#, &firmware.platform);
    let free = if services.has(Service::Fs) { device.files().free() } else { RECORDED_FREE };
    let (uptime, size, free) = (device.uptime(now).as_secs().to_string(), files::SIZE.to_string(), free.to_string());
    text.extend([r#", "uptime": "#, &uptime]);
    text.push_str(r#", "public_key": null, "ram_size": 295748, "ram_free": 227340, "ram_min_free": 216536, "#);
    text.extend([r#""fs_size": "#, &size, r#", "fs_free": "#, &free]);
    if services.has(Service::Wifi) {
        text.extend([r#","wifi": "#, &wifi::info(device, context.ip)]);
    }
    text.push_str(r#","eth": {"ip": "#);
    Quoted(context.ip).push_to(&mut text);
    text.push_str("}}");
    text
}

/// Returns the reply to `RPC.List`.
pub(super) fn list(device: &SimulatedDevice) -> String {
    // No name has a character that JSON escapes.
    let names = methods(device).map(|(name, _)| name).collect::<Vec<_>>().join(r#"",""#);
    format!(r#"["{names}"]"#)
}

/// Returns the reply to `RPC.Describe`.
pub(super) fn describe(device: &SimulatedDevice, params: &Value) -> Outcome {
    let name = params["name"].as_str().ok_or_else(|| MethodError::new(400, "name is required"))?;
    match methods(device).find(|(method, _)| *method == name) {
        Some((method, args)) => Ok(format!(r#"{{"name": {}, "args_fmt": {}}}"#, Quoted(method), Quoted(args))),
        None => Err(MethodError::new(404, "name not found")),
    }
}

/// Returns the error for a call that the device refuses.
pub(super) fn refused(refusal: DeviceRefusal) -> MethodError {
    MethodError::bare(match refusal {
        DeviceRefusal::NothingPending | DeviceRefusal::Busy => -1,
        DeviceRefusal::BadSlot => -3,
    })
}

/// Returns the result of a success without a value.
pub(super) fn null((): ()) -> String {
    "null".into()
}
