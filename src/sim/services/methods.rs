//! The methods of a device, with their arguments, in the order of `RPC.List`.

use crate::sim::device::SimulatedDevice;

/// The name and the arguments of a method.
type MethodEntry = (&'static str, &'static str);

const SET_BOOT_STATE: MethodEntry =
    ("OTA.SetBootState", "{active_slot: %d, is_committed: %B, revert_slot: %d, commit_timeout: %d}");
const CREATE_SNAPSHOT: MethodEntry = ("OTA.CreateSnapshot", "{set_as_revert: %B, commit_timeout: %d}");

/// Not recorded: the arguments of this method.
const SET_DEBUG: MethodEntry = ("Sys.SetDebug", "{udp_log_addr: %Q, level: %d, filter: %Q}");

/// The methods of 2018, as recorded in wire/ws.json, case `rpc_list`. A real device of 2018 has no `OTA.Status`. The
/// recorder had added this method.
const OF_2018: &[MethodEntry] = &[
    ("OTA.Status", ""),
    SET_BOOT_STATE,
    ("OTA.GetBootState", ""),
    CREATE_SNAPSHOT,
    ("OTA.Revert", ""),
    ("OTA.Commit", ""),
    ("OTA.Update", "{url: %T, commit_timeout: %d, timeout: %d}"),
    ("Config.Get", "{key: %Q}"),
    SET_DEBUG,
    ("Sys.GetInfo", ""),
    ("Sys.Reboot", "{delay_ms: %d}"),
    ("RPC.Ping", ""),
    ("RPC.Describe", "{name: %T}"),
    ("RPC.List", ""),
];

/// The methods since 2019, as recorded in wire/ota2022-ws.json, cases `rpc_list` and `rpc_describe`.
const SINCE_2019: &[MethodEntry] = &[
    ("Sys.GetUID", ""),
    SET_BOOT_STATE,
    ("OTA.GetBootState", ""),
    ("OTA.Status", ""),
    ("OTA.End", ""),
    ("OTA.Write", "{offset: %ld, data: %V}"),
    ("OTA.Begin", "{timeout: %d, commit_timeout: %d, size: %d}"),
    CREATE_SNAPSHOT,
    ("OTA.Revert", ""),
    ("OTA.Commit", ""),
    ("OTA.Update", "{file: %Q, url: %Q, timeout: %d, commit_timeout: %d, ignore_same_version: %B}"),
    ("Config.Save", "{try_once: %B, reboot: %B}"),
    ("Config.Set", "{config: %M}"),
    ("Config.Get", "{key: %Q}"),
    SET_DEBUG,
    ("Sys.GetInfo", ""),
    ("Sys.Reboot", "{abort: %B, delay_ms: %d}"),
    ("RPC.Ping", ""),
    ("RPC.Describe", "{name: %T}"),
    ("RPC.List", ""),
];

/// Returns the methods of this device.
pub(super) fn methods(device: &SimulatedDevice) -> impl Iterator<Item = MethodEntry> {
    let all = if device.generation().is_compiled() { SINCE_2019 } else { OF_2018 };
    all.iter().copied().filter(|(name, _)| !device.faults().removes(name))
}
