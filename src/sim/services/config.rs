//! The methods for settings, as in the published library `rpc-service-config`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sim::device::{SimulatedDevice, USER_LEVEL};
use crate::sim::services::args;
use crate::sim::services::replies::null;
use crate::sim::wire::{MethodError, Outcome};

/// The time between a save and its reboot.
const SAVE_REBOOT_DELAY: Duration = Duration::from_millis(500);

/// Returns a setting or a group of settings: those of the boot, or those of a level.
pub(super) fn get(device: &SimulatedDevice, params: &Value) -> Outcome {
    let key = args::text(&params["key"]).unwrap_or_default();
    let level = args::integer(&params["level"]).filter(|_| has_levels(device));
    let settings = match level.and_then(|level| u8::try_from(level).ok()).filter(|&level| level < USER_LEVEL) {
        Some(level) => device.level_settings(level),
        None => device.settings().clone(),
    };
    settings.get(&key).ok_or_else(invalid_key)
}

/// Changes settings: those of the boot, which can be saved too, or those that are saved in a level.
pub(super) fn set(device: &mut SimulatedDevice, params: &Value, now: Instant) -> Outcome {
    if !has_levels(device) {
        // The old library ignores what it cannot set.
        let _ = device.change_settings("", &params["config"]);
        return Ok(null(()));
    }
    let value = new_value(params).ok_or_else(|| MethodError::new(400, "value is required"))?;
    let level = args::integer(&params["level"]).unwrap_or(-1);
    if level == 0 {
        return Err(MethodError::new(400, "not allowed"));
    }
    let level = u8::try_from(level).ok().filter(|&level| level < USER_LEVEL);
    let key = args::text(&params["key"]).unwrap_or_default();
    if !device.settings().contains(&key) {
        return Err(invalid_key());
    }
    let invalid_value = |reason| MethodError::new(400, format!("invalid config value: {reason}"));
    let mut settings = level.map(|level| device.level_settings(level));
    match &mut settings {
        Some(settings) => settings.set(&key, value, device.settings().text("conf_acl")),
        None => device.change_settings(&key, value),
    }
    .map_err(invalid_value)?;
    if !is_true(&params["save"]) {
        return Ok(saved(false));
    }
    let settings = settings.unwrap_or_else(|| device.settings().clone());
    let saving = device.save_level(&settings, level.unwrap_or(USER_LEVEL), is_true(&params["try_once"]));
    finish(device, saving, params, now)
}

/// Saves the settings of the boot.
pub(super) fn save(device: &mut SimulatedDevice, params: &Value, now: Instant) -> Outcome {
    let saving = device.save_settings(is_true(&params["try_once"]));
    finish(device, saving, params, now)
}

/// Answers after a save, and reboots if the call says so.
fn finish(device: &mut SimulatedDevice, saving: Result<(), String>, params: &Value, now: Instant) -> Outcome {
    saving.map_err(|reason| MethodError::new(-1, format!("error saving config: {reason}")))?;
    if is_true(&params["reboot"]) {
        device.reboot(SAVE_REBOOT_DELAY, now);
    }
    Ok(if has_levels(device) { saved(true) } else { null(()) })
}

/// Returns the value that `Config.Set` sets. `config` and `value` mean the same: the last one counts.
fn new_value(params: &Value) -> Option<&Value> {
    let last = params.as_object()?.iter().rev().find(|(name, _)| ["config", "value"].contains(&name.as_str()));
    // The device does not tell an empty string from a missing value.
    last.map(|(_, value)| value).filter(|value| value.as_str() != Some(""))
}

/// Tells whether the library knows levels, and saves in `Config.Set`: since Mongoose OS 2.12.
fn has_levels(device: &SimulatedDevice) -> bool {
    device.generation().is_compiled()
}

fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true)
}

fn saved(saved: bool) -> String {
    format!(r#"{{"saved": {saved}}}"#)
}

fn invalid_key() -> MethodError {
    MethodError::new(404, "invalid config key")
}
