//! The methods of the device, and the exact words of their answers, as recorded in
//! `tests/wire/ws.json`.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::auth::Auth;
use super::device::{Device, Refusal};
use super::push::Push;
use super::signing::UpdateConfig;
use super::wire::{Call, Failure, Outcome, quoted};

/// The device's answer to a call.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// At once.
    Now(Outcome),
    /// When the device has had its time to write.
    AfterWriting {
        /// The outcome.
        outcome: Outcome,
        /// So many bytes.
        bytes: usize,
    },
    /// When the download has ended.
    AfterDownload {
        /// Where the bundle is.
        url: String,
        /// How long the download may take.
        timeout: Duration,
        /// Which update it is.
        number: u64,
    },
    /// Never.
    Never,
}

impl Answer {
    /// What it says, if that is known.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Now(outcome) | Self::AfterWriting { outcome, .. } => Some(outcome),
            Self::AfterDownload { .. } | Self::Never => None,
        }
    }
}

/// The methods with their arguments, in the order in which a device lists them.
const METHODS: &[(&str, &str)] = &[
    ("OTA.End", ""),
    ("OTA.Write", "{offset: %ld, data: %V}"),
    ("OTA.Begin", "{timeout: %d, commit_timeout: %d, size: %d}"),
    ("OTA.Status", ""),
    ("OTA.SetBootState", "{active_slot: %d, is_committed: %B, revert_slot: %d, commit_timeout: %d}"),
    ("OTA.GetBootState", ""),
    ("OTA.CreateSnapshot", "{set_as_revert: %B, commit_timeout: %d}"),
    ("OTA.Revert", ""),
    ("OTA.Commit", ""),
    ("OTA.Update", "{url: %T, commit_timeout: %d, timeout: %d}"),
    ("Config.Get", "{key: %Q}"),
    ("Sys.GetInfo", ""),
    ("Sys.Reboot", "{delay_ms: %d}"),
    ("RPC.Ping", ""),
    ("RPC.Describe", "{name: %T}"),
    ("RPC.List", ""),
];

/// The first of them are those by which a caller sends an update.
const PUSH_METHODS: usize = 3;

/// Those that the device has. In what form `OTA.Write` stands there on a device that knows no offset is a guess.
fn methods(device: &Device, push: Push) -> impl Iterator<Item = (&'static str, &'static str)> {
    let absent = if push == Push::Absent { PUSH_METHODS } else { 0 };
    METHODS.iter().skip(absent).filter(|(name, _)| !device.faults().lacks(name)).map(move |method| match *method {
        ("OTA.Write", _) if push == Push::InOrder => ("OTA.Write", "{data: %V}"),
        method => method,
    })
}

/// What the answers need to know beside the state of the device.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The device's id.
    pub id: &'a str,
    /// Who calls, as `RPC.Ping` tells it.
    pub channel: &'a str,
    /// The device's own address.
    pub ip: &'a str,
    /// Who may call.
    pub auth: Option<&'a Auth>,
    /// Whose firmware the device takes.
    pub update: &'a UpdateConfig,
    /// What time it is.
    pub unix_time: u64,
    /// Whether a caller can send an update.
    pub push: Push,
}

/// Answers a call that is run so many times. All of it has come in before the first run closes the doors for a
/// reboot (wire/mqtt.json, cases `ota_revert_uncommitted` and `sys_reboot_lockout`).
pub fn answers(device: &mut Device, call: &Call, times: usize, around: Surroundings<'_>, now: Instant) -> Vec<Answer> {
    let left = device.shutting_down(now);
    let run = |_| match left {
        Some(left) => Answer::Now(Err(Failure::new(418, format!("shutting down in {} ms", left.as_millis())))),
        None => answer(device, call, around, now),
    };
    (0..times).map(run).collect()
}

fn answer(device: &mut Device, call: &Call, around: Surroundings<'_>, now: Instant) -> Answer {
    let by_fault = device.faults().answer(&call.method, device.runs_new_firmware());
    // A method that does not exist is told to anybody.
    let exists = by_fault.is_some() || methods(device, around.push).any(|(name, _)| name == call.method);
    if let (Some(auth), true, false) = (around.auth, exists, call.is_authorised)
        && let Err(refusal) = auth.check_frame(call.auth.as_ref(), around.unix_time)
    {
        return Answer::Now(Err(refusal));
    }
    if !exists {
        return Answer::Now(Err(no_handler(&call.method)));
    }
    if let Some(outcome) = by_fault {
        return Answer::Now(outcome);
    }
    let params = &call.params;
    Answer::Now(match call.method.as_str() {
        "OTA.Update" => return update(device, params),
        "OTA.Begin" => begin(device, params, around.push, now),
        "OTA.Write" => return write(device, params, now),
        "OTA.End" => device.end_push(now).map(null),
        "OTA.Commit" => device.commit().map_err(refused).map(null),
        "OTA.Revert" => device.revert(now).map_err(refused).map(null),
        "OTA.CreateSnapshot" => create_snapshot(device, params, now),
        "OTA.GetBootState" => Ok(boot_state(device)),
        "OTA.SetBootState" => set_boot_state(device, params),
        "OTA.Status" => Ok(status(device)),
        "Config.Get" => config(params, &around),
        "Sys.GetInfo" => Ok(info(device, around, now)),
        "Sys.Reboot" => reboot(device, params, now),
        "RPC.Ping" => Ok(format!(r#"{{"channel_info": {}}}"#, quoted(around.channel))),
        "RPC.Describe" => describe(device, params, around.push),
        "RPC.List" => Ok(list(device, around.push)),
        other => Err(no_handler(other)),
    })
}

fn no_handler(method: &str) -> Failure {
    Failure::new(404, format!("No handler for {method}"))
}

fn update(device: &mut Device, params: &Value) -> Answer {
    let Some(url) = params["url"].as_str().filter(|url| !url.is_empty()) else {
        return Answer::Now(Err(Failure::new(-1, "Malformed request")));
    };
    match device.begin_update(params["commit_timeout"].as_u64().unwrap_or(0)) {
        Ok(number) => Answer::AfterDownload {
            url: url.into(),
            timeout: Duration::from_secs(params["timeout"].as_u64().unwrap_or(600)),
            number,
        },
        Err(_) => Answer::Now(Err(Failure::new(-1, "Failed to init updater"))),
    }
}

/// Without a time limit it is that of a download. A size of 0 is none.
fn begin(device: &mut Device, params: &Value, push: Push, now: Instant) -> Outcome {
    let commit_timeout = params["commit_timeout"].as_u64().unwrap_or(0);
    let timeout = Duration::from_secs(params["timeout"].as_u64().unwrap_or(600));
    let size = params["size"].as_u64().filter(|&size| size > 0);
    device
        .begin_push(push, commit_timeout, size, timeout, now)
        .map(null)
        .map_err(|_| Failure::new(-1, "Failed to init updater"))
}

fn write(device: &mut Device, params: &Value, now: Instant) -> Answer {
    let Some(piece) = params["data"].as_str().and_then(|data| STANDARD.decode(data).ok()) else {
        return Answer::Now(Err(Failure::new(-1, "Malformed request")));
    };
    match device.write_push(params["offset"].as_u64(), &piece, now) {
        Some(outcome) => Answer::AfterWriting { outcome: outcome.map(null), bytes: piece.len() },
        None => Answer::Never,
    }
}

fn create_snapshot(device: &mut Device, params: &Value, now: Instant) -> Outcome {
    let set_as_revert = params["set_as_revert"].as_bool().unwrap_or(false);
    device
        .create_snapshot(set_as_revert, params["commit_timeout"].as_u64(), now)
        .map(|slot| format!(r#"{{"slot": {slot}}}"#))
        .map_err(|_| Failure::new(-1, "Cannot create snapshots in uncommitted state"))
}

fn boot_state(device: &Device) -> String {
    let boot = device.flash().boot;
    format!(
        r#"{{"active_slot": {}, "is_committed": {}, "revert_slot": {}, "commit_timeout": {}}}"#,
        boot.active_slot, boot.is_committed, boot.revert_slot, boot.commit_timeout
    )
}

fn set_boot_state(device: &mut Device, params: &Value) -> Outcome {
    let mut boot = device.flash().boot;
    let slot = |value: &Value| value.as_i64().map(|slot| u8::try_from(slot).unwrap_or(u8::MAX));
    let mut usable = false;
    let mut note = |found: bool| usable |= found;
    note(slot(&params["active_slot"]).map(|slot| boot.active_slot = slot).is_some());
    note(params["is_committed"].as_bool().map(|committed| boot.is_committed = committed).is_some());
    note(slot(&params["revert_slot"]).map(|slot| boot.revert_slot = slot).is_some());
    note(params["commit_timeout"].as_u64().map(|timeout| boot.commit_timeout = timeout).is_some());
    if !usable {
        return Err(Failure::bare(-2));
    }
    device.set_boot_state(boot).map(null).map_err(refused)
}

fn status(device: &Device) -> String {
    let (state, message, percent) = match device.update() {
        Some(update) => (1, "progress", update.percent),
        None => (0, "idle", 0),
    };
    let boot = device.flash().boot;
    format!(
        r#"{{"state": {state}, "message": "{message}", "is_committed": {}, "progress_percent": {percent}, "commit_timeout": {}, "partition": {}}}"#,
        boot.is_committed,
        boot.commit_timeout,
        device.running_slot()
    )
}

fn info(device: &Device, around: Surroundings<'_>, now: Instant) -> String {
    let firmware = device.firmware();
    format!(
        concat!(
            r#"{{"id": {}, "app": {}, "fw_version": {}, "fw_id": {}, "mg_version": "2.20.0", "#,
            r#""mg_id": "20230111-000000/simulated", "mac": {}, "arch": {}, "uptime": {}, "public_key": null, "#,
            r#""ram_size": 295748, "ram_free": 227340, "ram_min_free": 216536, "#,
            r#""fs_size": 233681, "fs_free": 154118,"eth": {{"ip": {}}}}}"#,
        ),
        quoted(around.id),
        quoted(&firmware.app),
        quoted(&firmware.version),
        quoted(&firmware.build_id),
        quoted(&mac(around.id)),
        quoted(&firmware.platform),
        device.uptime(now).as_secs(),
        quoted(around.ip),
    )
}

/// The id of a device ends in the last three bytes of its MAC address; one that was given another id has an address
/// all the same (wire/mqtt-single.json, case `sys_getinfo`).
#[must_use]
pub fn mac(id: &str) -> String {
    let tail = id.rsplit_once('_').map_or(id, |(_, tail)| tail);
    let is_address = tail.len() == 6 && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    format!("240AC4{}", if is_address { tail } else { "AABBCC" })
}

fn reboot(device: &mut Device, params: &Value, now: Instant) -> Outcome {
    let delay = match &params["delay_ms"] {
        Value::Null => 100,
        delay => delay.as_u64().ok_or_else(|| Failure::new(400, "invalid delay value"))?,
    };
    device.reboot(Duration::from_millis(delay), now);
    Ok(null(()))
}

fn list(device: &Device, push: Push) -> String {
    format!("[{}]", methods(device, push).map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(","))
}

fn describe(device: &Device, params: &Value, push: Push) -> Outcome {
    let name = params["name"].as_str().ok_or_else(|| Failure::new(400, "name is required"))?;
    match methods(device, push).find(|(method, _)| *method == name) {
        Some((method, args)) => Ok(format!(r#"{{"name": {}, "args_fmt": {}}}"#, quoted(method), quoted(args))),
        None => Err(Failure::new(404, "name not found")),
    }
}

/// A handful of the settings that a device has.
fn config(params: &Value, around: &Surroundings<'_>) -> Outcome {
    let config = json!({
        "device": {"id": around.id, "mac": mac(around.id)},
        "update": around.update.settings(),
    });
    let key = params["key"].as_str().unwrap_or_default();
    let path = if key.is_empty() { String::new() } else { format!("/{}", key.replace('.', "/")) };
    config.pointer(&path).map(Value::to_string).ok_or_else(|| Failure::new(404, "invalid config key"))
}

fn refused(refusal: Refusal) -> Failure {
    Failure::bare(match refusal {
        Refusal::NothingPending | Refusal::Busy => -1,
        Refusal::BadSlot => -3,
    })
}

fn null((): ()) -> String {
    "null".into()
}

/// The arguments of a call over `GET /rpc/Method?k=v`: each value is raw JSON.
#[must_use]
pub fn params_from_query(query: &str) -> Value {
    let fields: Map<String, Value> = url::form_urlencoded::parse(query.as_bytes())
        .filter_map(|(key, value)| Some((key.into_owned(), serde_json::from_str(&value).ok()?)))
        .collect();
    if fields.is_empty() { Value::Null } else { fields.into() }
}
