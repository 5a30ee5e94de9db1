//! The methods that differ in 2018, as recorded in `tests/wire/ws.json`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sim::device::SimulatedDevice;
use crate::sim::mac::mac;
use crate::sim::services::answer::{CallAnswer, CallContext};
use crate::sim::services::replies::{self, null, refused};
use crate::sim::wire::{MethodError, Outcome};

pub(super) fn update(device: &mut SimulatedDevice, params: &Value) -> CallAnswer {
    let Some(url) = params["url"].as_str().filter(|url| !url.is_empty()) else {
        return CallAnswer::Now(Err(MethodError::new(-1, "Malformed request")));
    };
    match device.begin_update(params["commit_timeout"].as_u64().unwrap_or(0)) {
        Ok(number) => CallAnswer::AfterDownload {
            url: url.into(),
            timeout: Duration::from_secs(params["timeout"].as_u64().unwrap_or(600)),
            number,
        },
        Err(_) => CallAnswer::Now(Err(MethodError::new(-1, "Failed to init updater"))),
    }
}

pub(super) fn set_boot_state(device: &mut SimulatedDevice, params: &Value) -> Outcome {
    let mut boot = device.flash().boot;
    let slot = |value: &Value| value.as_i64().map(|slot| u8::try_from(slot).unwrap_or(u8::MAX));
    let mut has_any = false;
    let mut note = |found: bool| has_any |= found;
    note(slot(&params["active_slot"]).map(|slot| boot.active_slot = slot).is_some());
    note(params["is_committed"].as_bool().map(|committed| boot.is_committed = committed).is_some());
    note(slot(&params["revert_slot"]).map(|slot| boot.revert_slot = slot).is_some());
    note(params["commit_timeout"].as_u64().map(|timeout| boot.commit_timeout = timeout).is_some());
    if !has_any {
        return Err(MethodError::bare(-2));
    }
    device.set_boot_state(boot).map(null).map_err(refused)
}

pub(super) fn status(device: &SimulatedDevice) -> String {
    let (state, message, percent) = match device.update() {
        Some(update) => (1, "progress", update.percent),
        None => (0, "idle", 0),
    };
    replies::status(device, state, message, percent, device.running_slot())
}

/// Returns the value at a dotted key. The settings are a subset of those of a real device.
pub(super) fn config(params: &Value, context: &CallContext<'_>) -> Outcome {
    let config = json!({
        "device": {"id": context.id, "mac": mac(context.id)},
        "update": context.update.settings(),
    });
    let key = params["key"].as_str().unwrap_or_default();
    let path = if key.is_empty() { String::new() } else { format!("/{}", key.replace('.', "/")) };
    config.pointer(&path).map(Value::to_string).ok_or_else(|| MethodError::new(404, "invalid config key"))
}
