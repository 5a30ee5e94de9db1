//! `Sys.SetDebug`.

use std::net::SocketAddrV4;

use serde_json::Value;

use crate::sim::device::{LogSettings, SimulatedDevice};
use crate::sim::service_set::Service;
use crate::sim::services::args;
use crate::sim::wire::MethodError;

/// The levels: nothing, errors, warnings, information, and two levels of details.
const LEVELS: std::ops::RangeInclusive<i64> = -1..=4;

/// The level that stands for no change.
const NO_LEVEL: i64 = -2;

/// The longest text about the levels of source files, in bytes. A guess.
const MAX_FILE_LEVEL: usize = 1024;

/// Sets the log until the next reboot. What can be set is set, even if something else is refused. Code 0 is a success.
pub(super) fn set_debug(device: &mut SimulatedDevice, params: &Value) -> MethodError {
    let mut settings: LogSettings = device.log_settings().clone();
    let mut refusal = None;
    if let Some(address) = args::text(&params["udp_log_addr"]) {
        if !device.services().has(Service::Debug) {
            refusal = Some(MethodError::new(501, "MGOS_ENABLE_DEBUG_UDP is not enabled"));
        } else if address.parse::<SocketAddrV4>().is_ok() {
            settings.udp_addr = address.into_owned();
        } else {
            refusal = Some(MethodError::new(400, "invalid udp_log_addr"));
        }
    }
    if let Some(file_level) = args::text(&params["file_level"]).filter(|text| text.len() <= MAX_FILE_LEVEL) {
        settings.file_level = file_level.into_owned();
    }
    match args::integer(&params["level"]).unwrap_or(NO_LEVEL) {
        level if LEVELS.contains(&level) => settings.level = level,
        NO_LEVEL => {}
        _ => refusal = Some(MethodError::new(400, "invalid level")),
    }
    device.set_log(settings);
    refusal.unwrap_or_else(|| MethodError::bare(0))
}
