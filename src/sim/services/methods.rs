//! The methods of a device, with their arguments, in the order of `RPC.List`.

use crate::sim::device::SimulatedDevice;
use crate::sim::service_set::{Service, Services};

/// The name and the arguments of a method.
type MethodEntry = (&'static str, &'static str);

/// The methods of a service.
type Group = (Service, &'static [MethodEntry]);

const SET_BOOT_STATE: MethodEntry =
    ("OTA.SetBootState", "{active_slot: %d, is_committed: %B, revert_slot: %d, commit_timeout: %d}");
const CREATE_SNAPSHOT: MethodEntry = ("OTA.CreateSnapshot", "{set_as_revert: %B, commit_timeout: %d}");

/// Not recorded: the arguments of this method.
const SET_DEBUG: MethodEntry = ("Sys.SetDebug", "{udp_log_addr: %Q, level: %d, file_level: %Q}");

/// The OTA service of 2018, as recorded in wire/ws.json, case `rpc_list`. A real device of 2018 has no `OTA.Status`. The
/// recorder had added this method.
const OTA_2018: &[MethodEntry] = &[
    ("OTA.Status", ""),
    SET_BOOT_STATE,
    ("OTA.GetBootState", ""),
    CREATE_SNAPSHOT,
    ("OTA.Revert", ""),
    ("OTA.Commit", ""),
    ("OTA.Update", "{url: %T, commit_timeout: %d, timeout: %d}"),
];

/// The OTA service since 2019, as recorded in wire/ota2022-ws.json, cases `rpc_list` and `rpc_describe`.
const OTA_SINCE_2019: &[MethodEntry] = &[
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
];

/// The methods for files. Their arguments are those of the published library.
const FILES: &[MethodEntry] = &[
    ("FS.Umount", "{path: %Q}"),
    ("FS.Mount", "{path: %Q, dev_name: %Q, dev_type: %Q, dev_opts: %Q, fs_type: %Q, fs_opts: %Q}"),
    ("FS.Mkfs", "{dev_name: %Q, dev_type: %Q, dev_opts: %Q, fs_type: %Q, fs_opts: %Q}"),
    ("FS.Rename", "{src: %Q, dst: %Q}"),
    ("FS.Remove", "{filename: %Q}"),
    ("FS.Put", "{filename: %Q, offset: %ld, data: %V, append: %B}"),
    ("FS.Get", "{filename: %Q, offset: %ld, len: %ld}"),
    ("FS.ListExt", "{path: %Q}"),
    ("FS.List", "{path: %Q}"),
];

/// The methods for files of a library of 2018.
const FILES_2018: &[MethodEntry] = &[
    ("FS.Umount", "{path: %Q}"),
    ("FS.Mount", "{path: %Q, dev_type: %Q, dev_opts: %Q, fs_type: %Q, fs_opts: %Q}"),
    ("FS.Mkfs", "{dev_type: %Q, dev_opts: %Q, fs_type: %Q, fs_opts: %Q}"),
    ("FS.Remove", "{filename: %Q}"),
    ("FS.Put", "{filename: %Q, data: %V, append: %B}"),
    ("FS.Get", "{filename: %Q, offset: %ld, len: %ld}"),
    ("FS.ListExt", "{path: %Q}"),
    ("FS.List", "{path: %Q}"),
];

/// The methods for settings. Their arguments are those of the published library since Mongoose OS 2.12.
const CONFIG: &[MethodEntry] = &[
    ("Config.Save", "{try_once: %B, reboot: %B}"),
    ("Config.Set", "{key: %Q, config: %T, value: %T, level: %d, save: %B, try_once: %B, reboot: %B}"),
    ("Config.Get", "{key: %Q, level: %d}"),
];

/// The methods for settings of a library of 2018. The recorded device of 2018 lists only the last one.
const CONFIG_2018: &[MethodEntry] =
    &[("Config.Save", "{try_once: %B, reboot: %B}"), ("Config.Set", "{config: %M}"), CONFIG_GET_2018];
const CONFIG_GET_2018: MethodEntry = ("Config.Get", "{key: %Q}");

const WIFI: &[MethodEntry] = &[("Wifi.Scan", "")];

const GET_UID: &[MethodEntry] = &[("Sys.GetUID", "")];

const SYS_2018: &[MethodEntry] = &[SET_DEBUG, ("Sys.GetInfo", ""), ("Sys.Reboot", "{delay_ms: %d}")];
const SYS_SINCE_2019: &[MethodEntry] = &[SET_DEBUG, ("Sys.GetInfo", ""), ("Sys.Reboot", "{abort: %B, delay_ms: %d}")];

const RPC: &[MethodEntry] = &[("RPC.Ping", ""), ("RPC.Describe", "{name: %T}"), ("RPC.List", "")];

/// The methods of 2018, with the recorded services only.
const RECORDED_2018: &[Group] =
    &[(Service::Ota, OTA_2018), (Service::Config, &[CONFIG_GET_2018]), (Service::Sys, SYS_2018), (Service::Rpc, RPC)];

const OF_2018: &[Group] = &[
    (Service::Wifi, WIFI),
    (Service::Ota, OTA_2018),
    (Service::Fs, FILES_2018),
    (Service::Config, CONFIG_2018),
    (Service::Sys, SYS_2018),
    (Service::Rpc, RPC),
];

const SINCE_2019: &[Group] = &[
    (Service::Sys, GET_UID),
    (Service::Wifi, WIFI),
    (Service::Ota, OTA_SINCE_2019),
    (Service::Fs, FILES),
    (Service::Config, CONFIG),
    (Service::Sys, SYS_SINCE_2019),
    (Service::Rpc, RPC),
];

/// Returns the methods of this device.
pub(super) fn methods(device: &SimulatedDevice) -> impl Iterator<Item = MethodEntry> {
    let services = device.services();
    let groups = match (device.generation().is_compiled(), services) {
        (true, _) => SINCE_2019,
        (false, Services::RECORDED) => RECORDED_2018,
        (false, _) => OF_2018,
    };
    let present = groups.iter().filter(move |(service, _)| services.has(*service));
    present.flat_map(|(_, methods)| *methods).copied().filter(|(name, _)| !device.faults().removes(name))
}
